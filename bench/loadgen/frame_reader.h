/* Reads the frames of a WebSocket server (RFC 6455 section 5): says which bytes of a buffer are payload,
 * where they lie.
 *
 * The counterpart of wsluice's own decoder, which reads clients. Nothing is copied but headers cut in two
 * and the payload of control frames. Pure: no I/O, no clock, no allocation. Holds servers to what a
 * client must refuse: masked frames, reserved bits and opcodes, a length not in its shortest form,
 * fragmented or long control frames, a continuation of nothing.
 */
#ifndef LOADGEN_FRAME_READER_H
#define LOADGEN_FRAME_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wsluice/frame.h>

enum frame_event {
  FRAME_EVENT_MORE,     /* everything was consumed; no payload */
  FRAME_EVENT_PAYLOAD,  /* payload[0..payload_len), in the buffer, at least 1 byte */
  FRAME_EVENT_PING,     /* a whole ping; its payload is in control[0..control_len) */
  FRAME_EVENT_PONG,     /* likewise */
  FRAME_EVENT_CLOSE,    /* likewise: code and reason as received */
  FRAME_EVENT_VIOLATION /* `reason` says what; nothing may be fed any more */
};

struct frame_result {
  enum frame_event event;
  size_t consumed; /* bytes of buf used up; feed the rest */
  const uint8_t *payload;
  size_t payload_len;
  uint16_t close_code; /* FRAME_EVENT_CLOSE: as received, or WSL_CLOSE_NO_STATUS */
  const char *reason;  /* FRAME_EVENT_VIOLATION: static text */
};

struct frame_reader {
  uint64_t payload_left; /* of the data frame whose payload is being read */
  uint64_t frames;       /* data frames begun so far */
  uint8_t header[WSL_FRAME_HEADER_MAX];
  uint8_t header_len;
  uint8_t control[WSL_CONTROL_PAYLOAD_MAX];
  uint8_t control_len;
  uint8_t control_left;
  uint8_t opcode;
  bool in_control; /* a control frame's payload is being read */
  bool in_message; /* a message was begun whose last frame has not come */
};

void frame_reader_init(struct frame_reader *reader);

/* Reads buf[0..len) up to the first event. Call again with the rest until everything is consumed. */
WSL_MUST_CHECK struct frame_result frame_reader_feed(struct frame_reader *reader, const uint8_t *buf,
                                                     size_t len);

#endif
