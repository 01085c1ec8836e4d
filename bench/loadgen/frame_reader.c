/* A server's frames, as a client reads them (frame_reader.h). */
#include "loadgen/frame_reader.h"

#include <string.h>

#define FIN_BIT       0x80u
#define RESERVED_BITS 0x70u
#define OPCODE_BITS   0x0fu
#define CONTROL_BIT   0x08u
#define MASK_BIT      0x80u
#define LENGTH_BITS   0x7fu
#define LENGTH_16     126u
#define LENGTH_64     127u
#define BARE_HEADER   2u

void frame_reader_init(struct frame_reader *reader) {
  *reader = (struct frame_reader){0};
}

/* What is wrong with the first two bytes of a frame, or NULL. */
static const char *judge_start(const struct frame_reader *reader, const uint8_t *header) {
  unsigned opcode = header[0] & OPCODE_BITS;
  unsigned length = header[1] & LENGTH_BITS;
  if (header[0] & RESERVED_BITS) return "a reserved bit is set, and no extension was agreed";
  if (header[1] & MASK_BIT) return "a frame is masked";
  if (opcode & CONTROL_BIT) {
    if (opcode > WSL_OP_PONG) return "a frame has a reserved opcode";
    if (!(header[0] & FIN_BIT)) return "a control frame is fragmented";
    return length > WSL_CONTROL_PAYLOAD_MAX ? "a control frame is longer than 125 bytes" : NULL;
  }
  if (opcode > WSL_OP_BINARY) return "a frame has a reserved opcode";
  if (opcode == WSL_OP_CONTINUATION && !reader->in_message) return "a continuation of nothing";
  if (opcode != WSL_OP_CONTINUATION && reader->in_message) return "a message begins inside another";
  return NULL;
}

static size_t header_len_for(uint8_t second_byte) {
  switch (second_byte & LENGTH_BITS) {
    case LENGTH_16:
      return BARE_HEADER + 2u;
    case LENGTH_64:
      return BARE_HEADER + 8u;
    default:
      return BARE_HEADER;
  }
}

/* The payload's length out of a whole header; *wrong is set where it is not in its shortest form (5.2). */
static uint64_t length_of(const uint8_t *header, size_t header_len, const char **wrong) {
  if (header_len == BARE_HEADER) return header[1] & LENGTH_BITS;
  uint64_t length = 0;
  for (size_t i = BARE_HEADER; i < header_len; i++)
    length = length << 8 | header[i];
  uint64_t least = header_len == BARE_HEADER + 2u ? LENGTH_16 : 0x10000u;
  if (length < least) *wrong = "a length is not in its shortest form";
  if (length >> 63) *wrong = "a length has its highest bit set";
  return length;
}

static struct frame_result violation(size_t consumed, const char *reason) {
  return (struct frame_result){.event = FRAME_EVENT_VIOLATION, .consumed = consumed, .reason = reason};
}

/* A whole control frame. */
static struct frame_result end_control(struct frame_reader *reader, size_t consumed) {
  struct frame_result result = {.consumed = consumed};
  reader->in_control = false;
  switch (reader->opcode) {
    case WSL_OP_PING:
      result.event = FRAME_EVENT_PING;
      return result;
    case WSL_OP_PONG:
      result.event = FRAME_EVENT_PONG;
      return result;
    default:
      break;
  }
  if (reader->control_len == 1) return violation(consumed, "a Close has half a status code");
  result.event = FRAME_EVENT_CLOSE;
  result.close_code = WSL_CLOSE_NO_STATUS;
  if (reader->control_len >= 2) result.close_code = (uint16_t)(reader->control[0] << 8 | reader->control[1]);
  return result;
}

/* A whole header was read: what it begins. NULL, or what is wrong with it. */
static const char *begin_frame(struct frame_reader *reader, const uint8_t *header, size_t header_len) {
  const char *wrong = NULL;
  uint64_t length = length_of(header, header_len, &wrong);
  if (wrong != NULL) return wrong;
  reader->opcode = header[0] & OPCODE_BITS;
  reader->in_control = (reader->opcode & CONTROL_BIT) != 0;
  if (reader->in_control) {
    reader->control_len = 0;
    reader->control_left = (uint8_t)length;
    return NULL;
  }
  reader->in_message = !(header[0] & FIN_BIT);
  reader->payload_left = length;
  reader->frames++;
  return NULL;
}

/* A header that is cut in two, byte by byte. Returns how many bytes were taken; *whole when it is one. */
static size_t collect_header(struct frame_reader *reader, const uint8_t *buf, size_t len, bool *whole) {
  size_t taken = 0;
  *whole = false;
  while (taken < len) {
    reader->header[reader->header_len++] = buf[taken++];
    if (reader->header_len < BARE_HEADER || reader->header_len < header_len_for(reader->header[1])) continue;
    *whole = true;
    break;
  }
  return taken;
}

/* Reads a header at buf[*used]; false when it is not whole yet (everything was consumed then). *wrong
 * where it breaks a rule. */
static bool read_header(struct frame_reader *reader, const uint8_t *buf, size_t len, size_t *used,
                        const char **wrong) {
  const uint8_t *header = buf + *used;
  size_t left = len - *used;
  size_t header_len = left >= BARE_HEADER ? header_len_for(header[1]) : WSL_FRAME_HEADER_MAX;
  if (reader->header_len == 0 && left >= header_len) {
    *used += header_len;
  } else {
    bool whole;
    *used += collect_header(reader, header, left, &whole);
    if (!whole) return false;
    header = reader->header;
    header_len = reader->header_len;
    reader->header_len = 0;
  }
  *wrong = judge_start(reader, header);
  if (*wrong == NULL) *wrong = begin_frame(reader, header, header_len);
  return true;
}

static size_t collect_control(struct frame_reader *reader, const uint8_t *buf, size_t len) {
  size_t take = reader->control_left < len ? reader->control_left : len;
  if (take > 0) memcpy(reader->control + reader->control_len, buf, take);
  reader->control_len = (uint8_t)(reader->control_len + take);
  reader->control_left = (uint8_t)(reader->control_left - take);
  return take;
}

struct frame_result frame_reader_feed(struct frame_reader *reader, const uint8_t *buf, size_t len) {
  size_t used = 0;
  for (;;) {
    if (reader->payload_left > 0) {
      if (used == len) break;
      size_t run = len - used < reader->payload_left ? len - used : (size_t)reader->payload_left;
      reader->payload_left -= run;
      return (struct frame_result){FRAME_EVENT_PAYLOAD, used + run, buf + used, run, 0, NULL};
    }
    if (reader->in_control) {
      used += collect_control(reader, buf + used, len - used);
      if (reader->control_left > 0) break;
      return end_control(reader, used);
    }
    if (used == len) break;
    const char *wrong = NULL;
    if (!read_header(reader, buf, len, &used, &wrong)) break;
    if (wrong != NULL) return violation(used, wrong);
  }
  return (struct frame_result){.event = FRAME_EVENT_MORE, .consumed = used};
}
