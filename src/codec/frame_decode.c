/* Frame decoder (RFC 6455 section 5): see the picture in wsluice/frame.h.
 *
 * A header that lies whole in the buffer is judged and taken where it is. Any other, and any that
 * breaks a rule, goes through the decoder's own header[] byte by byte, so that a violation is always
 * found at the very byte that proves it, however the input was cut: one set of rules serves both.
 */
#include <assert.h>
#include <string.h>

#include <wsluice/frame.h>

#include "codec/frame_plain.h"

/* First byte of a header, then second (5.2). */
#define FIN         0x80u
#define RESERVED    0x70u
#define OPCODE      0x0Fu
#define CONTROL_BIT 0x08u /* of the opcode */
#define MASKED      0x80u
#define LENGTH_7    0x7Fu
#define LENGTH_16   126u
#define LENGTH_64   127u

#define MASK_SIZE       4u
#define LENGTH_AT       2u
#define HEADER_7        6u /* a client's whole header with a length of 7 bits */
#define HEADER_16       8u /* and of 16 */
#define LENGTH_7_MAX    125u
#define CLOSE_CODE_SIZE 2u
#define UTF8_BEGUN_MAX  3u /* bytes that a sequence not ended yet can have */
#define LENGTH_64_ZEROS 6u /* leading zero bytes that show a 64-bit length to fit 16 bits */

enum stage {
  STAGE_HEADER,  /* at a header, header_len bytes of it are staged */
  STAGE_PAYLOAD, /* in the payload of a data frame, at least one byte to come */
  STAGE_CONTROL, /* in that of a control frame, at least one byte to come */
  STAGE_CLOSED,  /* a Close was read */
  STAGE_FAILED   /* a rule was broken */
};

struct violation {
  uint16_t code;
  const char *reason; /* fits a Close frame */
};

static const struct violation reserved_bit = {WSL_CLOSE_PROTOCOL_ERROR, "Reserved bit set in a frame"};
static const struct violation reserved_opcode = {WSL_CLOSE_PROTOCOL_ERROR, "Reserved opcode"};
static const struct violation fragmented_control = {WSL_CLOSE_PROTOCOL_ERROR, "Fragmented control frame"};
static const struct violation long_control = {WSL_CLOSE_PROTOCOL_ERROR,
                                              "Control frame of more than 125 bytes"};
static const struct violation stray_continuation = {WSL_CLOSE_PROTOCOL_ERROR,
                                                    "Continuation frame without a message to continue"};
static const struct violation unfinished_message = {WSL_CLOSE_PROTOCOL_ERROR,
                                                    "New message before the last fragment of the one before"};
static const struct violation text_refused = {WSL_CLOSE_UNACCEPTABLE, "Text messages are not accepted"};
static const struct violation not_masked = {WSL_CLOSE_PROTOCOL_ERROR, "Frame from a client without a mask"};
static const struct violation length_not_minimal = {WSL_CLOSE_PROTOCOL_ERROR,
                                                    "Frame length not in its shortest form"};
static const struct violation length_too_big = {WSL_CLOSE_PROTOCOL_ERROR, "Frame length over 63 bits"};
static const struct violation text_not_utf8 = {WSL_CLOSE_INVALID_PAYLOAD, "Text message is not UTF-8"};
static const struct violation close_one_byte = {WSL_CLOSE_PROTOCOL_ERROR, "Close frame with half a code"};
static const struct violation close_code_bad = {WSL_CLOSE_PROTOCOL_ERROR, "Close code not allowed"};
static const struct violation close_not_utf8 = {WSL_CLOSE_INVALID_PAYLOAD, "Close reason is not UTF-8"};

/* One call of feed(): where it reads, where it writes, what it will report. */
struct feed {
  const uint8_t *in, *end;
  uint8_t *out, *run; /* the run is run[0..out - run) */
  enum wsl_frame_event event;
  uint16_t close_code;
  const char *reason;
};

void wsl_decoder_init(struct wsl_decoder *decoder, bool refuse_text) {
  memset(decoder, 0, sizeof(*decoder));
  decoder->stage = STAGE_HEADER;
  decoder->refuse_text = refuse_text;
  wsl_utf8_init(&decoder->utf8);
}

void wsl_decoder_by_message(struct wsl_decoder *decoder, bool by_message) {
  decoder->by_message = by_message;
}

bool wsl_decoder_between_messages(const struct wsl_decoder *decoder) {
  if (decoder->in_message) return false;
  return decoder->stage == STAGE_CLOSED || (decoder->stage == STAGE_HEADER && decoder->header_len == 0);
}

bool wsl_close_code_valid(uint16_t code) {
  if (code >= 3000) return code <= 4999; /* registered and private codes (7.4.2) */
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

static void violate(struct wsl_decoder *d, struct feed *f, const struct violation *broken) {
  d->stage = STAGE_FAILED;
  f->event = WSL_FRAME_VIOLATION;
  f->close_code = broken->code;
  f->reason = broken->reason;
}

/* ---- payload of data frames ------------------------------------------------------------------ */

/* Takes a sequence that was begun and can't be ended back out of the run, as far as it lies there. */
static void drop_broken_sequence(const struct wsl_decoder *d, struct feed *f) {
  if (wsl_utf8_complete(&d->utf8)) return;
  for (size_t i = 0; i < UTF8_BEGUN_MAX && f->out > f->run; i++) {
    f->out--;
    if ((*f->out & 0xC0) != 0x80) return; /* its first byte */
  }
}

static void end_data_frame(struct wsl_decoder *d, struct feed *f) {
  d->stage = STAGE_HEADER;
  if (!d->frame_fin) return;
  if (d->in_text && !wsl_utf8_complete(&d->utf8)) {
    drop_broken_sequence(d, f);
    violate(d, f, &text_not_utf8);
    return;
  }
  d->in_message = false;
  if (d->by_message) f->event = WSL_FRAME_MESSAGE;
}

/* Makes mask[0] fit the byte that is `count` further on. */
static void rotate_mask(struct wsl_decoder *d, size_t count) {
  uint8_t rotated[MASK_SIZE];
  for (size_t i = 0; i < MASK_SIZE; i++)
    rotated[i] = d->mask[(count + i) % MASK_SIZE];
  memcpy(d->mask, rotated, MASK_SIZE);
}

/* Checks what was unmasked to out[0..count). False when it is no UTF-8: the rule is broken at the very byte
 * (8.1), whatever follows it. */
static bool check_text(struct wsl_decoder *d, struct feed *f, size_t count) {
  size_t valid = wsl_utf8_feed(&d->utf8, f->out, count);
  if (valid == count) return true;
  f->in += valid + 1;
  f->out += valid;
  drop_broken_sequence(d, f);
  violate(d, f, &text_not_utf8);
  return false;
}

static void read_payload(struct wsl_decoder *d, struct feed *f) {
  size_t count = (size_t)(f->end - f->in);
  if (count > d->payload_left) count = (size_t)d->payload_left;
  wsl_unmask(f->out, f->in, count, d->mask);
  if (d->in_text && !check_text(d, f, count)) return;
  f->in += count;
  f->out += count;
  d->payload_left -= count;
  if (d->payload_left == 0) {
    end_data_frame(d, f);
  } else {
    rotate_mask(d, count);
  }
}

/* ---- control frames -------------------------------------------------------------------------- */

/* A Close is judged when it is whole: 5.5.1, 7.4. */
static void end_close(struct wsl_decoder *d, struct feed *f) {
  d->stage = STAGE_CLOSED;
  f->event = WSL_FRAME_CLOSE;
  f->close_code = WSL_CLOSE_NO_STATUS;
  if (d->control_len == 0) return;
  if (d->control_len < CLOSE_CODE_SIZE) {
    violate(d, f, &close_one_byte);
    return;
  }
  f->close_code = (uint16_t)((d->control[0] << 8) | d->control[1]);
  if (!wsl_close_code_valid(f->close_code)) {
    violate(d, f, &close_code_bad);
  } else if (!wsl_utf8_valid(d->control + CLOSE_CODE_SIZE, d->control_len - CLOSE_CODE_SIZE)) {
    violate(d, f, &close_not_utf8);
  }
}

static void end_control_frame(struct wsl_decoder *d, struct feed *f) {
  d->stage = STAGE_HEADER;
  if (d->opcode == WSL_OP_CLOSE) {
    end_close(d, f);
  } else {
    f->event = d->opcode == WSL_OP_PING ? WSL_FRAME_PING : WSL_FRAME_PONG;
  }
}

static void read_control(struct wsl_decoder *d, struct feed *f) {
  size_t count = (size_t)(f->end - f->in);
  if (count > d->control_left) count = d->control_left;
  for (size_t i = 0; i < count; i++) { /* few bytes, at any phase of the mask */
    d->control[d->control_len] = f->in[i] ^ d->mask[d->control_len % MASK_SIZE];
    d->control_len++;
  }
  f->in += count;
  d->control_left = (uint8_t)(d->control_left - count);
  if (d->control_left == 0) end_control_frame(d, f);
}

/* ---- headers --------------------------------------------------------------------------------- */

static const struct violation *judge_first_byte(const struct wsl_decoder *d, uint8_t first) {
  uint8_t opcode = first & OPCODE;
  if (first & RESERVED) return &reserved_bit; /* no extension was agreed on */
  if (opcode & CONTROL_BIT) {
    if (opcode > WSL_OP_PONG) return &reserved_opcode;
    return (first & FIN) ? NULL : &fragmented_control;
  }
  if (opcode == WSL_OP_CONTINUATION) return d->in_message ? NULL : &stray_continuation;
  if (opcode > WSL_OP_BINARY) return &reserved_opcode;
  if (d->in_message) return &unfinished_message;
  return opcode == WSL_OP_TEXT && d->refuse_text ? &text_refused : NULL;
}

static const struct violation *judge_second_byte(uint8_t first, uint8_t second) {
  if (!(second & MASKED)) return &not_masked;
  bool is_control = (first & CONTROL_BIT) != 0;
  return is_control && (second & LENGTH_7) > LENGTH_7_MAX ? &long_control : NULL;
}

/* Judges as much of an extended length as header[0..have) holds. */
static const struct violation *judge_length(const uint8_t *header, size_t have) {
  const uint8_t *length = header + LENGTH_AT;
  size_t length_have = have - LENGTH_AT;
  if ((header[1] & LENGTH_7) == LENGTH_16) {
    bool fits_7 = length_have >= 2 && length[0] == 0 && length[1] <= LENGTH_7_MAX;
    return fits_7 ? &length_not_minimal : NULL;
  }
  if ((header[1] & LENGTH_7) == LENGTH_64) {
    static const uint8_t zeros[LENGTH_64_ZEROS] = {0};
    if (length_have >= 1 && (length[0] & 0x80)) return &length_too_big;
    bool fits_16 = length_have >= LENGTH_64_ZEROS && memcmp(length, zeros, LENGTH_64_ZEROS) == 0;
    return fits_16 ? &length_not_minimal : NULL;
  }
  return NULL;
}

/* The rule that header[0..have), have > 0, breaks, or NULL. */
static const struct violation *judge_header(const struct wsl_decoder *d, const uint8_t *header, size_t have) {
  const struct violation *broken = judge_first_byte(d, header[0]);
  if (!broken && have > 1) broken = judge_second_byte(header[0], header[1]);
  if (!broken && have > LENGTH_AT) broken = judge_length(header, have);
  return broken;
}

/* Size of a client's whole header, by its second byte. */
static size_t header_size(uint8_t second) {
  switch (second & LENGTH_7) {
    case LENGTH_16:
      return 2 + 2 + MASK_SIZE;
    case LENGTH_64:
      return 2 + 8 + MASK_SIZE;
    default:
      return 2 + MASK_SIZE;
  }
}

static uint64_t payload_length(const uint8_t *header) {
  uint8_t length_7 = header[1] & LENGTH_7;
  if (length_7 <= LENGTH_7_MAX) return length_7;
  if (length_7 == LENGTH_16) return ((uint64_t)header[2] << 8) | header[3];
  uint64_t length = 0;
  for (size_t i = 0; i < 8; i++)
    length = (length << 8) | header[LENGTH_AT + i];
  return length;
}

/* Enters the frame behind a whole, faultless header. */
static void begin_frame(struct wsl_decoder *d, struct feed *f, const uint8_t *header, size_t size) {
  uint64_t length = payload_length(header);
  d->header_len = 0;
  d->opcode = header[0] & OPCODE;
  memcpy(d->mask, header + size - MASK_SIZE, MASK_SIZE);
  if (d->opcode & CONTROL_BIT) {
    d->control_len = 0;
    d->control_left = (uint8_t)length; /* at most 125: judged */
    d->stage = STAGE_CONTROL;
    if (length == 0) end_control_frame(d, f);
    return;
  }
  d->frame_fin = (header[0] & FIN) != 0;
  d->payload_left = length;
  d->stage = STAGE_PAYLOAD;
  if (d->opcode != WSL_OP_CONTINUATION) {
    d->in_message = true;
    d->in_text = d->opcode == WSL_OP_TEXT; /* utf8 is at rest: no text ends within a sequence */
  }
  if (length == 0) end_data_frame(d, f);
}

/* Collects a header that comes in pieces, or that breaks a rule somewhere. */
static void stage_header(struct wsl_decoder *d, struct feed *f) {
  while (f->in < f->end) {
    d->header[d->header_len++] = *f->in++;
    const struct violation *broken = judge_header(d, d->header, d->header_len);
    if (broken) {
      violate(d, f, broken);
      return;
    }
    if (d->header_len > 1 && d->header_len == header_size(d->header[1])) {
      begin_frame(d, f, d->header, d->header_len);
      return;
    }
  }
}

/* ---- plain frames ---------------------------------------------------------------------------- */

/* Takes the whole payload of a text message, unmasked to out[0..count) already. */
static void take_plain_text(struct wsl_decoder *d, struct feed *f, size_t count) {
  d->in_message = d->in_text = d->frame_fin = true;
  if (!check_text(d, f, count)) return;
  f->in += count;
  f->out += count;
  end_data_frame(d, f);
}

/* Length of the payload of the frame at in[0..), at least HEADER_16 bytes, if it is masked, whole, and of
 * less than 64 KB in its shortest form. Else more than can be there. */
static inline size_t plain_length(const uint8_t *in, const uint8_t *end, size_t *header) {
  size_t len = in[1] ^ MASKED; /* 128 and more if it is not masked */
  *header = HEADER_7;
  if (len > LENGTH_7_MAX) {
    *header = HEADER_16;
    size_t length_16 = ((size_t)in[2] << 8) | in[3];
    len = len == LENGTH_16 && length_16 > LENGTH_7_MAX ? length_16 : SIZE_MAX;
  }
  return len <= (size_t)(end - in) - *header ? len : SIZE_MAX;
}

/* Takes frames as nearly every client sends them: each a whole message, all of it in the buffer. Such a
 * frame breaks no rule but that of UTF-8, and leaves the decoder as it was. What is not plainly one of them
 * is left to the rules above, which judge it from its first byte on. */
static void take_plain_frames(struct wsl_decoder *d, struct feed *f) {
  const uint8_t text = d->refuse_text ? FIN | WSL_OP_BINARY : FIN | WSL_OP_TEXT;
  while ((size_t)(f->end - f->in) >= HEADER_16) {
    uint8_t first = f->in[0];
    size_t header, len = plain_length(f->in, f->end, &header);
    if ((first != (FIN | WSL_OP_BINARY) && first != text) || len == SIZE_MAX) return;
    f->in += header;
    bool known_ascii = false;
    if (len > LENGTH_7_MAX) {
      wsl_unmask(f->out, f->in, len, f->in - MASK_SIZE);
    } else if (plain_unmask(f->out, f->in, len, f->end) == PLAIN_STEP) {
      known_ascii = first == (FIN | WSL_OP_TEXT) && plain_is_ascii(f->out, len);
    }
    if (first == (FIN | WSL_OP_BINARY) || known_ascii) {
      f->in += len;
      f->out += len;
    } else {
      take_plain_text(d, f, len);
      if (f->event != WSL_FRAME_MORE) return;
    }
  }
}

static void read_header(struct wsl_decoder *d, struct feed *f) {
  if (d->header_len == 0 && !d->in_message && !d->by_message) {
    take_plain_frames(d, f);
    if (f->in == f->end || f->event != WSL_FRAME_MORE) return;
  }
  size_t there = (size_t)(f->end - f->in);
  if (d->header_len == 0 && there >= 2) {
    const uint8_t *header = f->in;
    size_t size = header_size(header[1]);
    if (there >= size && !judge_header(d, header, size)) {
      f->in += size;
      begin_frame(d, f, header, size);
      return;
    }
  }
  stage_header(d, f);
}

struct wsl_frame_result wsl_decoder_feed(struct wsl_decoder *decoder, uint8_t *dst, uint8_t *buf,
                                         size_t len) {
  assert(decoder->stage != STAGE_CLOSED && decoder->stage != STAGE_FAILED);
  assert(len == 0 || dst <= buf);
  struct feed f = {.in = buf, .end = buf + len, .out = dst, .run = dst, .event = WSL_FRAME_MORE};
  while (f.in < f.end && f.event == WSL_FRAME_MORE) {
    switch ((enum stage)decoder->stage) {
      case STAGE_HEADER:
        read_header(decoder, &f);
        break;
      case STAGE_PAYLOAD:
        read_payload(decoder, &f);
        break;
      case STAGE_CONTROL:
        read_control(decoder, &f);
        break;
      case STAGE_CLOSED:
      case STAGE_FAILED:
        f.in = f.end; /* asserted above; a release build drops the bytes */
        break;
    }
  }
  return (struct wsl_frame_result){.event = f.event,
                                   .consumed = (size_t)(f.in - buf),
                                   .run_len = (size_t)(f.out - f.run),
                                   .close_code = f.close_code,
                                   .run_is_text = decoder->in_text,
                                   .reason = f.reason};
}
