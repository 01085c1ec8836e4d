/* A second reading of RFC 6455: the client's side (reference.h). */
#include "reference.h"

#include <string.h>

enum { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

void listener_init(struct listener *l, bool refuse_text, enum frames_mode frames,
                   enum wsl_line_end line_end) {
  struct bytes kept = l->payload, pings = l->pings;
  bytes_clear(&kept);
  bytes_clear(&pings);
  *l = (struct listener){.payload = kept, .pings = pings, .refuse_text = refuse_text};
  l->frames = frames;
  l->line_end = line_end;
}

static void wrong(struct listener *l, uint16_t code, const char *reason) {
  l->end = HEARD_WRONG;
  l->code = code;
  l->reason = reason;
  l->certain = l->payload.len;
}

/* ---- text ---- */

/* Whether the byte may stand there. */
static bool is_text(struct listener *l, uint8_t byte) {
  if (l->letters.left == 0) l->char_at = l->payload.len;
  return letters_take(&l->letters, byte);
}

static void broken_text(struct listener *l, const char *reason) {
  size_t certain = l->letters.left > 0 ? l->char_at : l->payload.len;
  wrong(l, 1007, reason);
  l->certain = certain;
}

/* ---- what a message means ---- */

static void end_line(struct listener *l) {
  bool bare = !l->has_bytes, cr = !bare && l->last == '\r';
  bool ended = !bare && (l->last == '\n' || (cr && l->line_end == WSL_LINE_END_CR));
  l->has_bytes = false;
  if (ended) return;
  if (l->line_end != WSL_LINE_END_LF && !cr) bytes_push(&l->payload, '\r');
  if (l->line_end != WSL_LINE_END_CR) bytes_push(&l->payload, '\n');
}

static const char digits_of_base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648 section 4, a digit after the other; false: it has no place there. */
static bool take_base64(struct listener *l, uint8_t byte) {
  if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n') return true;
  if (byte == '=') return (l->digits % 4 + l->pads++) % 4 >= 2 && l->digits % 4 >= 2;
  const char *digit = byte == 0 ? NULL : strchr(digits_of_base64, byte);
  if (digit == NULL || l->pads > 0) return false;
  l->group = l->group * 64 + (uint32_t)(digit - digits_of_base64);
  l->digits++;
  if (l->digits % 4 == 2) bytes_push(&l->payload, (uint8_t)(l->group >> 4));
  if (l->digits % 4 == 3) bytes_push(&l->payload, (uint8_t)(l->group >> 2));
  if (l->digits % 4 == 0) bytes_push(&l->payload, (uint8_t)l->group);
  return true;
}

static void end_base64(struct listener *l) {
  bool whole = l->digits % 4 != 1 && (l->pads == 0 || (l->digits + l->pads) % 4 == 0);
  l->digits = l->pads = 0;
  l->group = 0;
  if (!whole) wrong(l, 1007, "Text message is not base64");
}

static void note_first(struct listener *l) {
  if (l->first == FIRST_NONE) l->first = l->in_text ? FIRST_TEXT : FIRST_BINARY;
}

/* A byte of a message, of a text one if it may stand there. */
static void hear_data(struct listener *l, uint8_t byte) {
  note_first(l);
  if (l->frames == FRAMES_BASE64 && l->in_text) {
    if (!take_base64(l, byte)) wrong(l, 1007, "Text message is not base64");
    return;
  }
  l->has_bytes = true;
  l->last = byte;
  bytes_push(&l->payload, byte);
}

static void end_message(struct listener *l) {
  if (l->in_text && l->letters.left > 0) {
    broken_text(l, "Text message is not UTF-8");
    return;
  }
  note_first(l);
  if (l->frames == FRAMES_LINES || l->frames == FRAMES_BINARY_LINES) end_line(l);
  if (l->frames == FRAMES_BASE64 && l->in_text) end_base64(l);
}

/* ---- frames ---- */

static void judge_close(struct listener *l) {
  l->end = HEARD_CLOSE;
  l->code = NO_STATUS;
  if (l->control_len == 0) return;
  if (l->control_len == 1) {
    wrong(l, 1002, "Close frame with half a code");
    return;
  }
  l->code = (uint16_t)(l->control[0] * 256 + l->control[1]);
  bool registered = (l->code >= 1000 && l->code <= 1014) && (l->code < 1004 || l->code > 1006);
  if (!registered && (l->code < 3000 || l->code > 4999)) {
    wrong(l, 1002, "Close code not allowed");
  } else if (!letters_are_whole(l->control + 2, l->control_len - 2)) {
    wrong(l, 1007, "Close reason is not UTF-8");
  }
}

static void end_frame(struct listener *l) {
  bool fin = (l->header[0] & 0x80) != 0;
  unsigned opcode = l->header[0] & 0xF;
  l->in_frame = false;
  l->header_len = 0;
  if (opcode >= CLOSE) l->controls++;
  if (opcode == CLOSE) {
    judge_close(l);
  } else if (opcode == PING) {
    uint8_t len = (uint8_t)l->control_len;
    l->newest_ping_at = l->pings.len;
    bytes_add(&l->pings, &len, 1);
    bytes_add(&l->pings, l->control, len);
    l->ping_count++;
  } else if (opcode != PONG && fin) {
    end_message(l);
    l->in_message = l->in_text = false;
  }
}

static const char *first_byte_wrong(struct listener *l) {
  unsigned first = l->header[0], opcode = first & 0xF;
  if (first & 0x70) return "Reserved bit set in a frame";
  if ((opcode > BINARY && opcode < CLOSE) || opcode > PONG) return "Reserved opcode";
  if (opcode >= CLOSE) return first & 0x80 ? NULL : "Fragmented control frame";
  if (opcode == 0) return l->in_message ? NULL : "Continuation frame without a message to continue";
  return l->in_message ? "New message before the last fragment of the one before" : NULL;
}

static const char *second_byte_wrong(struct listener *l) {
  if ((l->header[1] & 0x80) == 0) return "Frame from a client without a mask";
  bool is_long = (l->header[1] & 0x7F) > 125;
  return (l->header[0] & 8) && is_long ? "Control frame of more than 125 bytes" : NULL;
}

/* Bytes of the length behind the second byte. */
static unsigned length_digits(const struct listener *l) {
  unsigned length = l->header[1] & 0x7F;
  return length < 126 ? 0 : length == 126 ? 2 : 8;
}

static uint64_t declared(const struct listener *l) {
  unsigned digits = length_digits(l);
  if (digits == 0) return l->header[1] & 0x7F;
  uint64_t length = 0;
  for (unsigned i = 0; i < digits; i++)
    length = length * 256 + l->header[2 + i];
  return length;
}

/* Told by the very byte that proves it. */
static const char *length_wrong(const struct listener *l) {
  static const uint8_t zeros[6] = {0};
  unsigned digits = length_digits(l), have = l->header_len - 2u;
  if (digits == 8 && have == 1 && l->header[2] > 127) return "Frame length over 63 bits";
  if (digits == 2 && have == 2 && declared(l) < 126) return "Frame length not in its shortest form";
  bool fits_16 = digits == 8 && have == 6 && memcmp(l->header + 2, zeros, 6) == 0;
  return fits_16 ? "Frame length not in its shortest form" : NULL;
}

static void begin_frame(struct listener *l) {
  unsigned opcode = l->header[0] & 0xF;
  l->in_frame = true;
  l->left = declared(l);
  l->masked_at = 0;
  l->control_len = 0;
  if (opcode == TEXT || opcode == BINARY) {
    l->in_message = true;
    l->in_text = opcode == TEXT;
    l->letters.left = 0;
  }
  if (l->left == 0) end_frame(l);
}

static void hear_header(struct listener *l, uint8_t byte) {
  const char *broken = NULL;
  l->header[l->header_len++] = byte;
  if (l->header_len == 1) {
    broken = first_byte_wrong(l);
    if (broken == NULL && (byte & 0xF) == TEXT && l->refuse_text) {
      wrong(l, 1003, "Text messages are not accepted");
      return;
    }
  } else if (l->header_len == 2) {
    broken = second_byte_wrong(l);
  } else if (l->header_len <= 2 + length_digits(l)) {
    broken = length_wrong(l);
  }
  if (broken != NULL) {
    wrong(l, 1002, broken);
  } else if (l->header_len >= 2 && l->header_len == 2 + length_digits(l) + 4) {
    begin_frame(l);
  }
}

static void hear_payload(struct listener *l, uint8_t byte) {
  byte ^= l->header[2 + length_digits(l) + l->masked_at++ % 4];
  l->left--;
  if (l->header[0] & 8) {
    l->control[l->control_len++] = byte;
  } else if (l->in_text && !is_text(l, byte)) {
    broken_text(l, "Text message is not UTF-8");
    return;
  } else {
    hear_data(l, byte);
  }
  if (l->end == HEARD_OPEN && l->left == 0) end_frame(l);
}

void listener_hear(struct listener *l, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len && l->end == HEARD_OPEN; i++) {
    if (l->in_frame) {
      hear_payload(l, bytes[i]);
    } else {
      hear_header(l, bytes[i]);
    }
  }
}

bool listener_between_messages(const struct listener *l) {
  return !l->in_message && !l->in_frame && l->header_len == 0;
}
