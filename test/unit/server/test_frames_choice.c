/* What clients are sent by their subprotocol. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above before it */
#include <cmocka.h>

#include "server/connection/frames_choice.h"

static void a_subprotocol_says_it_or_the_operator(void **state) {
  (void)state;
  static const struct {
    const char *subprotocol;
    struct session_frames frames;
  } rows[] = {
      {"", {FRAMES_TEXT, WSL_LINE_END_CR}},
      {"binary", {FRAMES_TEXT, WSL_LINE_END_CR}},
      {"mqtt", {FRAMES_TEXT, WSL_LINE_END_CR}},
      {"base64", {FRAMES_BASE64, WSL_LINE_END_LF}},
      {"base64x", {FRAMES_TEXT, WSL_LINE_END_CR}},
      {"Base64", {FRAMES_TEXT, WSL_LINE_END_CR}}, /* RFC 6455 11.5: names are compared as they stand */
      {"text.ircv3.net", {FRAMES_LINES, WSL_LINE_END_CRLF}},
      {"binary.ircv3.net", {FRAMES_BINARY_LINES, WSL_LINE_END_CRLF}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct session_frames otherwise = {FRAMES_TEXT, WSL_LINE_END_CR};
    struct session_frames frames = frames_for(wsl_span_of(rows[i].subprotocol), otherwise);
    assert_int_equal(frames.mode, rows[i].frames.mode);
    assert_int_equal(frames.line_end, rows[i].frames.line_end);
  }
}

static void every_kind_has_a_name(void **state) {
  (void)state;
  for (int mode = FRAMES_BINARY; mode <= FRAMES_AUTO; mode++)
    assert_non_null(frames_name((enum frames_mode)mode));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_subprotocol_says_it_or_the_operator),
      cmocka_unit_test(every_kind_has_a_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
