/* A session whose client is not simply sent binary frames of whatever came: text, lines, base64, or what the
 * client will turn out to want. Private to the room; the session owns one of these, others have none.
 *
 *   backend ==> | room                  | the last quarter of a buffer |   a read goes there
 *               | frames, ready ==> client_out.c                       |   made in place (wsluice/messages.h)
 *
 * Repairing, framing and encoding make bytes longer, so a read fills a quarter of its buffer only; then no
 * second one is needed. What can't be sent yet waits here, and nothing else does: a character or a CR cut
 * by the read's end in carry[], a line without its end in memory of its own, which an idle session may keep
 * since it is bounded by --max-line and no pool's. A line is sent from there once its end has come.
 */
#ifndef BRIDGE_MESSAGES_H
#define BRIDGE_MESSAGES_H

#include <wsluice/base64.h>
#include <wsluice/messages.h>

#include "bridge/session.h"

/* Why nothing more is read from the backend, and what is told when all before it has left. */
enum messages_over { MESSAGES_GO_ON, MESSAGES_ENDED, MESSAGES_NOT_TEXT };

/* A line that has no end yet, or is being sent. */
struct kept_line {
  uint8_t *memory;  /* room for a frame header, then the line; NULL: none */
  size_t len, room; /* of the line */
  bool leaving;     /* as a frame: forgotten when asked for the next run */
};

struct messages {
  enum frames_mode mode; /* FRAMES_AUTO until the client has spoken */
  struct wsl_message_form form;
  enum wsl_line_end line_end;

  /* down */
  uint8_t *room, *text; /* of the buffer that is being sent: free bytes, and what has no frame yet */
  size_t text_len;
  struct kept_line line;
  uint8_t carry[1 + WSL_UTF8_UNFINISHED_MAX]; /* a CR, an unfinished character, or one behind the other; or
                                                 with FRAMES_AUTO the last bytes that were sent */
  uint8_t carried;
  enum messages_over over;
  int64_t end; /* MESSAGES_ENDED: what the read said */
  bool replaced;

  /* up */
  struct wsl_base64_decoder decoder;
  uint8_t last; /* byte of the message being read; 0: none */
};

/* A run of frames for the client; len 0: none. */
struct messages_run {
  uint8_t *at;
  size_t len;
};

/* For a birth with other than FRAMES_BINARY. False without memory. */
WSL_MUST_CHECK bool messages_open(struct session *s, const struct session_frames *frames);

/* Also where there are none. */
void messages_close(struct session *s);

/* ---- messages.c: down ---- */

/* Reads the backend as transport_read() does. */
int64_t messages_read(struct session *s, struct buffer *buffer);

/* Takes over the buffer with n bytes that were read, and sends what messages they make. */
void messages_send(struct session *s, struct buffer *buffer, size_t n);

/* A read has brought an end or an error: sends what is left of the stream; takes the buffer over then. False
 * when nothing is left; else `over` says what is told behind it. */
bool messages_send_rest(struct session *s, struct buffer *buffer, int64_t end);

/* Whether a line is kept that has no end yet, of whatever length. */
bool messages_keep_line(const struct session *s);

/* The next run, when the one before has left; none: the buffer has been used up. */
struct messages_run messages_next(struct session *s);

/* ---- messages_up.c ---- */

/* What a feed of the decoder has brought to run[0..result->run_len) becomes bytes of the stream; returns
 * their number. WSL_LINE_END_MAX bytes behind the run may be written over behind a message, and were free
 * before the first run of a read. May make the result a violation. */
size_t messages_take(struct session *s, uint8_t *run, struct wsl_frame_result *result);

#endif
