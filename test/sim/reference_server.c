/* A second reading of RFC 6455: the server's side (reference.h). */
#include <string.h>

#include "reference.h"

enum { BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

void reader_init(struct reader *r) {
  struct bytes payload = r->payload, pongs = r->pongs;
  bytes_clear(&payload);
  bytes_clear(&pongs);
  *r = (struct reader){.payload = payload, .pongs = pongs};
}

static void end_frame(struct reader *r) {
  unsigned opcode = r->header[0] & 0xF;
  r->in_frame = false;
  r->header_len = 0;
  if (opcode == PONG) {
    uint8_t len = (uint8_t)r->control_len;
    bytes_add(&r->pongs, &len, 1);
    bytes_add(&r->pongs, r->control, len);
    r->pong_count++;
  } else if (opcode == PING) {
    r->pings++;
  } else if (opcode == CLOSE) {
    r->closed = true;
    r->code = NO_STATUS;
    if (r->control_len == 1) r->wrong = "a Close with half a code";
    if (r->control_len < 2) return;
    r->code = (uint16_t)(r->control[0] * 256 + r->control[1]);
    if (r->code == 1005 || r->code == 1006 || r->code == 1015) r->wrong = "a code that no Close may carry";
    memcpy(r->reason, r->control + 2, r->control_len - 2);
    r->reason[r->control_len - 2] = '\0';
  } else {
    r->frames++;
  }
}

static unsigned digits_of(const struct reader *r) {
  return r->header[1] < 126 ? 0 : r->header[1] == 126 ? 2 : 8;
}

static void begin_frame(struct reader *r) {
  unsigned digits = digits_of(r), opcode = r->header[0] & 0xF;
  r->left = digits == 0 ? r->header[1] : 0;
  for (unsigned i = 0; i < digits; i++)
    r->left = r->left * 256 + r->header[2 + i];
  if ((digits == 2 && r->left < 126) || (digits == 8 && r->left < 65536))
    r->wrong = "a length that is not in its shortest form";
  if (opcode >= CLOSE && r->left > REFERENCE_CONTROL_MAX) r->wrong = "a control frame that is too long";
  if (opcode == BINARY && r->left == 0) r->wrong = "an empty data frame";
  if (opcode == BINARY && r->left > r->longest) r->longest = (size_t)r->left;
  r->in_frame = true;
  r->control_len = 0;
  if (r->left == 0) end_frame(r);
}

static void read_header(struct reader *r, uint8_t byte) {
  r->header[r->header_len++] = byte;
  if (r->header_len == 1) {
    bool known = byte == (0x80 | BINARY) || (byte >= (0x80 | CLOSE) && byte <= (0x80 | PONG));
    if (!known) r->wrong = "a frame that is neither binary nor control, or not final";
    if (byte == (0x80 | CLOSE)) r->close_begun = true;
    if (byte == (0x80 | BINARY)) r->begun++;
    return;
  }
  if (r->header_len == 2 && (byte & 0x80)) r->wrong = "a masked frame";
  if (r->wrong == NULL && r->header_len == 2 + digits_of(r)) begin_frame(r);
}

static void read_payload(struct reader *r, uint8_t byte) {
  if (r->header[0] & 8) {
    r->control[r->control_len++] = byte;
  } else {
    bytes_push(&r->payload, byte);
  }
  if (--r->left == 0) end_frame(r);
}

void reader_read(struct reader *r, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len && r->wrong == NULL; i++) {
    if (r->closed) {
      r->wrong = "something behind its Close";
    } else if (r->in_frame) {
      read_payload(r, bytes[i]);
    } else {
      read_header(r, bytes[i]);
    }
  }
}

bool reader_in_frame(const struct reader *r) {
  return r->in_frame || r->header_len > 0;
}
