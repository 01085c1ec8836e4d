/* A second reading of RFC 6455, byte by byte and as plain as it can be: what a client's bytes mean, and what
 * frames a server's bytes are. It shares nothing with codec/, which it judges.
 */
#ifndef SIM_REFERENCE_H
#define SIM_REFERENCE_H

#include <stdbool.h>

#include "bytes.h"

#define REFERENCE_CONTROL_MAX 125u
#define NO_STATUS             1005u

/* What a client said, as far as it has been read. */
enum heard_end { HEARD_OPEN, HEARD_CLOSE, HEARD_WRONG };

struct listener {
  struct bytes payload;  /* of its data frames */
  size_t certain;        /* behind broken text: so much of the payload went before the broken character */
  struct bytes pings;    /* length and payload, one behind the other */
  size_t newest_ping_at; /* in pings */
  size_t ping_count, controls; /* all control frames */
  enum heard_end end;
  uint16_t code;      /* of its Close, or for the answer to what was wrong */
  const char *reason; /* for that answer */
  bool refuse_text;
  /* private: where it is */
  uint8_t header[14];
  uint8_t header_len;
  bool in_frame;
  uint64_t left;
  size_t masked_at;
  uint8_t control[256];
  size_t control_len;
  bool in_message, in_text;
  unsigned char_left, char_low, char_high; /* of a character: bytes to come, bounds of the next */
  size_t char_at;                          /* where in payload it began */
};

void listener_init(struct listener *listener, bool refuse_text); /* keeps the memory of its bytes */
void listener_hear(struct listener *listener, const uint8_t *bytes, size_t len);

/* Nothing is half said: no frame, no header, no message. */
bool listener_between_messages(const struct listener *listener);

/* What a server said. */
struct reader {
  struct bytes payload; /* of its data frames */
  struct bytes pongs;   /* length and payload, one behind the other */
  size_t pings, pong_count, frames;
  size_t begun;     /* data frames of which there is a byte */
  size_t longest;   /* payload of the longest data frame */
  bool closed;      /* a whole Close was read */
  bool close_begun; /* its first byte */
  uint16_t code;    /* NO_STATUS: an empty one */
  char reason[REFERENCE_CONTROL_MAX];
  const char *wrong; /* what no server may say, or NULL */
  /* private */
  uint8_t header[10];
  uint8_t header_len;
  uint64_t left;
  bool in_frame;
  uint8_t control[REFERENCE_CONTROL_MAX];
  size_t control_len;
};

void reader_init(struct reader *reader);
void reader_read(struct reader *reader, const uint8_t *bytes, size_t len);

/* Inside a frame, or its header. */
bool reader_in_frame(const struct reader *reader);

#endif
