/* A second reading of RFC 6455: the server's side (reference.h). */
#include <string.h>

#include "reference.h"

enum { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

void reader_init(struct reader *r, enum frames_mode mode) {
  struct bytes payload = r->payload, pongs = r->pongs;
  bytes_clear(&payload);
  bytes_clear(&pongs);
  *r = (struct reader){.mode = mode, .payload = payload, .pongs = pongs};
}

/* ---- messages ---- */

static bool is_lines(const struct reader *r) {
  return r->mode == FRAMES_LINES || r->mode == FRAMES_BINARY_LINES;
}

static bool is_text(const struct reader *r) {
  return (r->header[0] & 0xF) == TEXT;
}

/* What a data frame may be; with FRAMES_AUTO no binary one comes behind a text one. */
static bool may_begin(const struct reader *r) {
  switch (r->mode) {
    case FRAMES_BINARY:
    case FRAMES_BINARY_LINES:
      return !is_text(r);
    case FRAMES_TEXT:
    case FRAMES_LINES:
    case FRAMES_BASE64:
      return is_text(r);
    case FRAMES_AUTO:
      return is_text(r) || !r->was_text;
  }
  return false;
}

/* A whole group brings its bytes. */
static void read_base64(struct reader *r, uint8_t byte) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *digit = byte == 0 ? NULL : strchr(digits, byte);
  if (byte == '=') {
    r->pads++;
  } else if (digit == NULL || r->pads > 0) {
    r->wrong = "what is not base64";
    return;
  }
  r->group = r->group * 64 + (byte == '=' ? 0 : (uint32_t)(digit - digits));
  if (++r->digits % 4 > 0) return;
  for (size_t i = 0; i + r->pads < 3; i++)
    bytes_push(&r->payload, (uint8_t)(r->group >> (16 - 8 * i)));
  r->group = 0;
}

static void read_data(struct reader *r, uint8_t byte) {
  r->data_bytes++;
  if (is_text(r) && !letters_take(&r->letters, byte)) r->wrong = "text that is not UTF-8";
  if (is_lines(r) && byte == '\n') r->wrong = "a line end inside a line";
  if (r->mode == FRAMES_BASE64) {
    read_base64(r, byte);
  } else {
    bytes_push(&r->payload, byte);
  }
}

static void end_data(struct reader *r) {
  r->frames++;
  if (r->letters.left > 0) r->wrong = "text that ends inside a character";
  if (r->digits % 4 > 0 || r->pads > 2) r->wrong = "base64 that ends inside a group";
  r->digits = r->pads = 0;
  if (is_lines(r)) bytes_push(&r->payload, '\n');
}

/* ---- frames ---- */

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
    end_data(r);
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
  if (opcode < CLOSE && r->left == 0 && !is_lines(r)) r->wrong = "an empty data frame";
  if (opcode < CLOSE && r->left > r->longest) r->longest = (size_t)r->left;
  r->in_frame = true;
  r->control_len = 0;
  if (r->left == 0) end_frame(r);
}

static void read_header(struct reader *r, uint8_t byte) {
  r->header[r->header_len++] = byte;
  if (r->header_len == 1) {
    bool data = byte == (0x80 | BINARY) || byte == (0x80 | TEXT);
    bool known = data || (byte >= (0x80 | CLOSE) && byte <= (0x80 | PONG));
    if (!known) r->wrong = "a frame that is neither data nor control, or not final";
    if (byte == (0x80 | CLOSE)) r->close_begun = true;
    if (!data) return;
    r->begun++;
    if (!may_begin(r)) r->wrong = "a data frame of the other kind";
    if (is_text(r)) r->was_text = true;
    return;
  }
  if (r->header_len == 2 && (byte & 0x80)) r->wrong = "a masked frame";
  if (r->wrong == NULL && r->header_len == 2 + digits_of(r)) begin_frame(r);
}

static void read_payload(struct reader *r, uint8_t byte) {
  if (r->header[0] & 8) {
    r->control[r->control_len++] = byte;
  } else {
    read_data(r, byte);
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
