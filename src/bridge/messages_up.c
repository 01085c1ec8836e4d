/* Up for clients that send messages with a meaning: a message becomes a line, or its base64 bytes; and the
 * first one tells what a client wants that --frames auto serves. See bridge/messages.h.
 */
#include "bridge/messages.h"

#include "bridge/session_internal.h"

/* Behind its last byte a message gets the line end that it has not. */
static size_t end_line(struct messages *m, uint8_t *run, const struct wsl_frame_result *result) {
  size_t len = result->run_len;
  if (len > 0) m->last = run[len - 1];
  if (result->event != WSL_FRAME_MESSAGE) return len;
  len += wsl_line_end_missing(m->line_end, m->last, run + len);
  m->last = 0;
  return len;
}

/* Whatever the decoder has met comes behind it. */
static void refuse_base64(struct wsl_frame_result *result) {
  result->event = WSL_FRAME_VIOLATION;
  result->close_code = WSL_CLOSE_INVALID_PAYLOAD;
  result->reason = "Text message is not base64";
}

static size_t decode_base64(struct messages *m, uint8_t *run, struct wsl_frame_result *result) {
  if (!result->run_is_text) return result->run_len; /* binary is taken as it is */
  size_t len;
  if (wsl_base64_decode(&m->decoder, run, run, result->run_len, &len) < result->run_len) {
    refuse_base64(result);
  } else if (result->event == WSL_FRAME_MESSAGE) {
    if (!wsl_base64_complete(&m->decoder)) refuse_base64(result);
    wsl_base64_init(&m->decoder);
  }
  return len;
}

/* Neither a header nor a control frame says what the client wants, a byte of a message does. Binary: down.c
 * lets go of all this when nothing of it is on its way. */
static size_t learn(struct session *s, const struct wsl_frame_result *result) {
  struct messages *m = s->messages;
  if (result->run_len == 0 && result->event != WSL_FRAME_MESSAGE) return 0;
  m->mode = result->run_is_text ? FRAMES_TEXT : FRAMES_BINARY;
  wsl_decoder_by_message(&s->decoder, false);
  return result->run_len;
}

size_t messages_take(struct session *s, uint8_t *run, struct wsl_frame_result *result) {
  struct messages *m = s->messages;
  switch (m->mode) {
    case FRAMES_LINES:
    case FRAMES_BINARY_LINES:
      return end_line(m, run, result);
    case FRAMES_BASE64:
      return decode_base64(m, run, result);
    case FRAMES_AUTO:
      return learn(s, result);
    case FRAMES_BINARY:
    case FRAMES_TEXT:
      break;
  }
  return result->run_len;
}
