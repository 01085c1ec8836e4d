/* See server/connection/frames_choice.h. */
#include "server/connection/frames_choice.h"

static const struct {
  const char *subprotocol;
  struct session_frames frames;
} choices[] = {
    {"base64", {FRAMES_BASE64, WSL_LINE_END_LF}},
    {"text.ircv3.net", {FRAMES_LINES, WSL_LINE_END_CRLF}},
    {"binary.ircv3.net", {FRAMES_BINARY_LINES, WSL_LINE_END_CRLF}},
};

struct session_frames frames_for(struct wsl_span subprotocol, struct session_frames otherwise) {
  if (subprotocol.len == 0) return otherwise;
  for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
    if (wsl_span_equal(subprotocol, wsl_span_of(choices[i].subprotocol))) return choices[i].frames;
  }
  return otherwise;
}

const char *frames_name(enum frames_mode mode) {
  static const char *const names[] = {[FRAMES_BINARY] = "binary", [FRAMES_TEXT] = "text",
                                      [FRAMES_LINES] = "lines",   [FRAMES_BINARY_LINES] = "binary-lines",
                                      [FRAMES_BASE64] = "base64", [FRAMES_AUTO] = "auto"};
  return names[mode];
}
