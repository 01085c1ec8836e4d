/* A second reading of RFC 6455, byte by byte and as plain as it can be: what a client's bytes mean, and what
 * frames a server's bytes are. It shares nothing with codec/, which it judges.
 */
#ifndef SIM_REFERENCE_H
#define SIM_REFERENCE_H

#include <stdbool.h>

#include "bridge/session.h"
#include "bytes.h"
#include "letters.h"

#define REFERENCE_CONTROL_MAX 125u
#define NO_STATUS             1005u

/* What a client said, as far as it has been read. */
enum heard_end { HEARD_OPEN, HEARD_CLOSE, HEARD_WRONG };

/* What its first message was. */
enum heard_first { FIRST_NONE, FIRST_TEXT, FIRST_BINARY };

struct listener {
  struct bytes payload;  /* what its messages mean */
  size_t certain;        /* behind broken text: so much of the payload went before the broken character */
  struct bytes pings;    /* length and payload, one behind the other */
  size_t newest_ping_at; /* in pings */
  size_t ping_count, controls; /* all control frames */
  enum heard_end end;
  uint16_t code;      /* of its Close, or for the answer to what was wrong */
  const char *reason; /* for that answer */
  bool refuse_text;
  enum frames_mode frames;
  enum wsl_line_end line_end;
  enum heard_first first;
  /* private: where it is */
  uint8_t header[14];
  uint8_t header_len;
  bool in_frame;
  uint64_t left;
  size_t masked_at;
  uint8_t control[256];
  size_t control_len;
  bool in_message, in_text;
  struct letters letters;
  size_t char_at; /* where in payload the character began */
  bool has_bytes; /* the message */
  uint8_t last;   /* of them */
  uint32_t group; /* of base64 digits */
  size_t digits, pads;
};

void listener_init(struct listener *listener, bool refuse_text, enum frames_mode frames,
                   enum wsl_line_end line_end); /* keeps the memory of its bytes */
void listener_hear(struct listener *listener, const uint8_t *bytes, size_t len);

/* Nothing is half said: no frame, no header, no message. */
bool listener_between_messages(const struct listener *listener);

/* What a server said. */
struct reader {
  enum frames_mode mode; /* what its messages may be, and mean */
  struct bytes payload;  /* what they mean: of base64 the bytes, of lines each with a LF behind it */
  size_t data_bytes;     /* payload of its data frames as it is */
  struct bytes pongs;    /* length and payload, one behind the other */
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
  bool was_text; /* a data frame was */
  struct letters letters;
  uint32_t group; /* of base64 digits */
  size_t digits, pads;
  uint8_t control[REFERENCE_CONTROL_MAX];
  size_t control_len;
};

void reader_init(struct reader *reader, enum frames_mode mode);
void reader_read(struct reader *reader, const uint8_t *bytes, size_t len);

/* Inside a frame, or its header. */
bool reader_in_frame(const struct reader *reader);

#endif
