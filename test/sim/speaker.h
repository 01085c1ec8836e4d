/* What a simulated client says: writes its frames, right ones and wrong ones, masked, one behind the other.
 *
 * It remembers whether it is inside a fragmented message, and of text where a character was cut, so that
 * whatever order a plan has its frames in, they are valid ones until it means to break a rule. A frame of a
 * kind that does not fit becomes the nearest that does (a binary message inside another: its last fragment).
 */
#ifndef SIM_SPEAKER_H
#define SIM_SPEAKER_H

#include <stdbool.h>

#include "bytes.h"
#include "core/random.h"

enum said {
  SAID_BINARY,
  SAID_TEXT,
  SAID_BINARY_BEGIN, /* the first fragment of several */
  SAID_TEXT_BEGIN,
  SAID_MORE, /* a fragment that is not the last */
  SAID_LAST,
  SAID_PING,
  SAID_PONG,
  SAID_PINGS, /* `len` of them at once, each other than the one before */
  SAID_KINDS
};

#define SAID_WRONG_ROWS 39u
#define SAID_CLOSE_ROWS 12u

struct speaker {
  struct random_source random; /* masks, payload */
  bool in_message, in_text;
  uint8_t character[4]; /* the one being said */
  uint8_t character_at, character_len;
  uint8_t ascii_left; /* plain characters to come */
  bool in_lines;      /* what it says often ends in LF */
  bool in_base64;     /* its texts are, nearly always */
  size_t digits;      /* of base64 in the message */
};

void speaker_init(struct speaker *speaker, uint64_t seed);

void speaker_says(struct speaker *speaker, enum said said, size_t len, struct bytes *out);

/* Breaks a rule: row is any number. */
void speaker_breaks(struct speaker *speaker, unsigned row, struct bytes *out);

/* A Close: row 0 is 1000 without a reason. */
void speaker_closes(struct speaker *speaker, unsigned row, struct bytes *out);

/* In words, for stories; static. */
const char *said_text(unsigned said);
const char *wrong_text(unsigned row);
const char *close_text(unsigned row);

#endif
