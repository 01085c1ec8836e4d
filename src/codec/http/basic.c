/* See codec/http/basic.h. */
#include "codec/http/basic.h"

#include <stdint.h>

#include <wsluice/base64.h>
#include <wsluice/utf8.h>

#include "core/hash.h"

/* "user:password", decoded. What is longer is nobody's; what decodes to more is not even looked at. */
#define TEXT_MAX (BASIC_USER_MAX + 1u + BASIC_PASSWORD_MAX)

/* Decoded at once; longer texts are only looked at. */
#define PIECE_SIZE 256u

static bool has_white_space(struct wsl_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if ((uint8_t)text.at[i] <= ' ') return true;
  }
  return false;
}

/* Decodes all of it, of which the first `cap` bytes go to `out`; *len bytes in all. Strict where
 * wsl_base64_decode() is not: no white space, and padding where there should be some. */
static bool decode_base64(struct wsl_span text, uint8_t *out, size_t cap, size_t *len) {
  struct wsl_base64_decoder decoder;
  uint8_t piece[PIECE_SIZE];
  *len = 0;
  if (text.len == 0 || text.len % 4 != 0 || has_white_space(text)) return false;
  wsl_base64_init(&decoder);
  for (size_t at = 0; at < text.len; at += PIECE_SIZE) {
    size_t size = text.len - at < PIECE_SIZE ? text.len - at : PIECE_SIZE, got = 0;
    if (wsl_base64_decode(&decoder, piece, (const uint8_t *)text.at + at, size, &got) != size) return false;
    size_t room = *len < cap ? cap - *len : 0;
    memcpy(out + (cap - room), piece, got < room ? got : room);
    *len += got;
  }
  secret_wipe(piece, sizeof(piece));
  return wsl_base64_complete(&decoder);
}

/* RFC 7617 2: neither may hold control characters. */
static bool has_controls(struct wsl_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if ((uint8_t)text.at[i] < ' ' || text.at[i] == 0x7f) return true;
  }
  return false;
}

/* Copies with a NUL behind it, ISO 8859-1 made UTF-8 where `latin` says so. False: it is longer than `max`.
 */
static bool put(struct wsl_span text, bool latin, char *out, size_t max, size_t *len) {
  size_t written = 0;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t byte = (uint8_t)text.at[i];
    bool two = latin && byte >= 0x80;
    if (written + (two ? 2u : 1u) > max) return false;
    if (two) out[written++] = (char)(0xc0u | byte >> 6);
    out[written++] = (char)(two ? 0x80u | (byte & 0x3fu) : byte);
  }
  out[written] = '\0';
  *len = written;
  return true;
}

enum basic_result basic_split(struct wsl_span text, struct basic_login *login) {
  const char *colon = text.len > 0 ? memchr(text.at, ':', text.len) : NULL;
  if (colon == NULL || has_controls(text)) return BASIC_MALFORMED;
  size_t user_len = (size_t)(colon - text.at);
  struct wsl_span user = {text.at, user_len};
  struct wsl_span password = {colon + 1, text.len - user_len - 1};
  bool latin = !wsl_utf8_valid((const uint8_t *)text.at, text.len);
  if (!put(user, latin, login->user, BASIC_USER_MAX, &login->user_len) ||
      !put(password, latin, login->password, BASIC_PASSWORD_MAX, &login->password_len))
    return BASIC_TOO_LONG;
  return BASIC_READ;
}

enum basic_result basic_read(struct wsl_span value, struct basic_login *login) {
  static const char scheme[] = "Basic ";
  const size_t scheme_len = sizeof(scheme) - 1;
  uint8_t text[TEXT_MAX];
  size_t len = 0;
  if (value.len < scheme_len ||
      !wsl_span_equal_nocase((struct wsl_span){value.at, scheme_len}, wsl_span_of(scheme)))
    return BASIC_MALFORMED;
  struct wsl_span encoded = {value.at + scheme_len, value.len - scheme_len};
  while (encoded.len > 0 && encoded.at[0] == ' ') { /* RFC 9110 11.4: 1*SP */
    encoded.at++;
    encoded.len--;
  }
  enum basic_result result = BASIC_MALFORMED;
  if (decode_base64(encoded, text, sizeof(text), &len))
    result =
        len > sizeof(text) ? BASIC_TOO_LONG : basic_split((struct wsl_span){(const char *)text, len}, login);
  secret_wipe(text, sizeof(text));
  return result;
}
