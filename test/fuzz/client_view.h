/* What a client makes of the bytes that it was sent: frames of a server (RFC 6455 5), with everything checked
 * that a server must keep to.
 */
#ifndef FUZZ_CLIENT_VIEW_H
#define FUZZ_CLIENT_VIEW_H

#include "fuzz/story.h"

struct client_view {
  uint8_t *payload; /* of the binary frames, a begun one's too */
  size_t payload_len;
  struct story_event *pongs;
  size_t pongs_count;
  uint16_t close_code; /* 0: no Close */
  bool whole;          /* the last frame is complete */
};

/* Fails where a frame is masked, fragmented, reserved, not in its shortest form, longer than frame_max, or
 * stands behind a Close. */
void client_view_read(struct client_view *view, const uint8_t *data, size_t len, size_t frame_max);
void client_view_free(struct client_view *view);

/* Each pong answers a ping of the client's, in their order; some may go unanswered (RFC 6455 5.5.3). */
void client_view_check_pongs(const struct client_view *view, const struct story *said);

#endif
