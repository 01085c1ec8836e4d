/* Frame encoder (RFC 6455 section 5): headers of our frames, and whole Close frames.
 *
 * A server's frames are never masked (5.1) and ours are always final, so a header is an opcode and
 * a length in its shortest form.
 */
#include <assert.h>
#include <string.h>

#include <wsluice/frame.h>

#define FIN             0x80u
#define LENGTH_16       126u /* second byte: a length of two bytes follows */
#define LENGTH_64       127u /* eight bytes follow */
#define LENGTH_7_MAX    125u
#define LENGTH_16_MAX   0xFFFFu
#define CLOSE_CODE_SIZE 2u

size_t wsl_frame_header_len(uint64_t payload_len) {
  if (payload_len <= LENGTH_7_MAX) return 2;
  return payload_len <= LENGTH_16_MAX ? 4 : 10;
}

size_t wsl_frame_header(uint8_t out[WSL_FRAME_HEADER_MAX], enum wsl_opcode opcode, uint64_t payload_len) {
  assert(payload_len >> 63 == 0); /* 5.2: the top bit must be 0 */
  size_t header_len = wsl_frame_header_len(payload_len);
  out[0] = (uint8_t)(FIN | (unsigned)opcode);
  if (header_len == 2) {
    out[1] = (uint8_t)payload_len;
    return header_len;
  }
  out[1] = header_len == 4 ? LENGTH_16 : LENGTH_64;
  for (size_t i = header_len; i > 2; i--) { /* network byte order, from its end */
    out[i - 1] = (uint8_t)(payload_len & 0xFF);
    payload_len >>= 8;
  }
  return header_len;
}

size_t wsl_frame_header_read(const uint8_t *header, uint64_t *payload_len) {
  size_t header_len = header[1] <= LENGTH_7_MAX ? 2 : header[1] == LENGTH_16 ? 4 : 10;
  *payload_len = header_len == 2 ? header[1] : 0;
  for (size_t i = 2; i < header_len; i++)
    *payload_len = *payload_len << 8 | header[i];
  return header_len;
}

/* Length of the longest prefix of `text`, valid UTF-8, that has at most `max` bytes and cuts no
 * character. */
static size_t cut_to(struct wsl_span text, size_t max) {
  if (text.len <= max) return text.len;
  size_t len = max;
  while (len > 0 && ((uint8_t)text.at[len] & 0xC0) == 0x80)
    len--;
  return len;
}

size_t wsl_close_frame(uint8_t out[2 + WSL_CONTROL_PAYLOAD_MAX], uint16_t code, struct wsl_span reason) {
  if (code == WSL_CLOSE_NO_STATUS) return wsl_frame_header(out, WSL_OP_CLOSE, 0);
  assert(wsl_utf8_valid((const uint8_t *)reason.at, reason.len));
  size_t reason_len = cut_to(reason, WSL_CONTROL_PAYLOAD_MAX - CLOSE_CODE_SIZE);
  size_t at = wsl_frame_header(out, WSL_OP_CLOSE, CLOSE_CODE_SIZE + reason_len);
  out[at++] = (uint8_t)(code >> 8);
  out[at++] = (uint8_t)(code & 0xFF);
  if (reason_len > 0) memcpy(out + at, reason.at, reason_len);
  return at + reason_len;
}
