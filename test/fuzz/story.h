/* What came of a stream of frames: the payload as one piece, and each event with the place in the stream and
 * in the payload at which it came. Two ways to decode the same bytes must tell the same story.
 */
#ifndef FUZZ_STORY_H
#define FUZZ_STORY_H

#include <wsluice/frame.h>

#include "fuzz/fuzz.h"

struct story_event {
  enum wsl_frame_event event;
  size_t consumed;   /* bytes of the stream up to and with the byte that it came at */
  size_t payload_at; /* bytes of payload before it */
  uint16_t code;
  uint8_t control_len;
  uint8_t control[WSL_CONTROL_PAYLOAD_MAX];
  const char *reason; /* the decoder's; NULL in the reference's */
};

struct story {
  uint8_t *payload;
  size_t payload_len;
  struct story_event *events;
  size_t events_count, events_room;
  bool between_messages;
};

/* Room for all the payload that a stream of `len` bytes can hold. */
void story_init(struct story *story, size_t len);
void story_free(struct story *story);

void story_add(struct story *story, const struct story_event *event);

/* Feeds the stream to the decoder in pieces, as a session does, each in a block of its own. */
void story_of(struct story *story, const uint8_t *data, size_t len, bool refuse_text, struct fuzz_cuts cuts);

/* What of a text that broke off may have been passed on: the sequence begun (frame.h, run_len). */
enum story_slack {
  STORY_EXACT,
  STORY_BEGUN_SEQUENCE /* where it was fed in an earlier piece, or before a control frame */
};

/* Fails unless two stories are the same. */
void story_compare(const struct story *one, const struct story *other, enum story_slack slack);

#endif
