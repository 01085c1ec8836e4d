/* core/log: the level filter, what reaches the sink, and escaping at every size of the buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/log.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
  unsigned lines;
  enum log_level level;
  uint64_t id;
  char text[LOG_TEXT_MAX];
} seen;

static void keep_line(enum log_level level, uint64_t id, const char *format, const char *text) {
  (void)format;
  seen.lines++;
  seen.level = level;
  seen.id = id;
  assert_true(strlen(text) < sizeof seen.text);
  memcpy(seen.text, text, strlen(text) + 1);
  errno = EIO;
}

static int install_sink(void **state) {
  (void)state;
  memset(&seen, 0, sizeof seen);
  log_set_sink(keep_line);
  log_set_level(LOG_INFO);
  return 0;
}

static int remove_sink(void **state) {
  (void)state;
  log_set_sink(NULL);
  log_set_level(LOG_INFO);
  return 0;
}

static void the_level_decides_what_passes(void **state) {
  (void)state;
  for (int limit = LOG_ERROR; limit <= LOG_DEBUG; limit++) {
    log_set_level((enum log_level)limit);
    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
      unsigned before = seen.lines;
      log_event((enum log_level)level, 7, "n=%d", level);
      assert_int_equal(log_enabled((enum log_level)level), level <= limit);
      assert_int_equal(seen.lines - before, level <= limit ? 1 : 0);
    }
  }
  assert_int_equal(seen.level, LOG_DEBUG);
  assert_int_equal(seen.id, 7);
  assert_string_equal(seen.text, "n=3");
}

static void level_words_go_both_ways(void **state) {
  (void)state;
  for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
    enum log_level parsed;
    assert_true(log_level_parse(log_level_name((enum log_level)level), &parsed));
    assert_int_equal(parsed, level);
  }
  static const char *const wrong[] = {"", "Info", "warning", "info ", "in", "3"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    enum log_level untouched = LOG_WARN;
    assert_false(log_level_parse(wrong[i], &untouched));
    assert_int_equal(untouched, LOG_WARN);
  }
}

static void long_texts_are_cut_and_marked(void **state) {
  (void)state;
  char text[LOG_TEXT_MAX + 1];
  memset(text, 'x', LOG_TEXT_MAX);
  text[LOG_TEXT_MAX - 1] = '\0';
  log_event(LOG_INFO, 0, "%s", text);
  assert_string_equal(seen.text, text);

  text[LOG_TEXT_MAX - 1] = 'x';
  text[LOG_TEXT_MAX] = '\0';
  log_event(LOG_INFO, 0, "%s", text);
  assert_int_equal(strlen(seen.text), LOG_TEXT_MAX - 1);
  assert_string_equal(seen.text + LOG_TEXT_MAX - 5, "x...");
}

static void an_event_is_one_line_even_if_escaping_was_forgotten(void **state) {
  (void)state;
  log_event(LOG_INFO, 0, "path=%s", "/a\r\nforged\x1b[31m\x7f\xc3\xa9");
  assert_string_equal(seen.text, "path=/a??forged?[31m?\xc3\xa9");
}

static void errno_survives(void **state) {
  (void)state;
  errno = ENOENT;
  log_event(LOG_INFO, 0, "x");
  assert_int_equal(errno, ENOENT);
}

static void without_a_sink_lines_go_to_stderr(void **state) {
  (void)state;
  int ends[2], saved = dup(STDERR_FILENO);
  assert_int_equal(pipe(ends), 0);
  log_set_sink(NULL);
  assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
  log_event(LOG_ERROR, 5, "no such file name=%s", "a");
  assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
  char line[64] = "";
  ssize_t len = read(ends[0], line, sizeof line - 1);
  close(saved);
  close(ends[0]);
  close(ends[1]);
  assert_true(len > 0);
  assert_string_equal(line, "no such file name=a\n");
}

static void escaping_makes_printable_ascii(void **state) {
  (void)state;
  static const struct {
    const char *raw;
    size_t len;
    const char *escaped;
  } rows[] = {
      {"", 0, ""},
      {"GET / ~", 7, "GET / ~"},
      {"a\"b\\c", 5, "a\\\"b\\\\c"},
      {"\r\n\t", 3, "\\r\\n\\t"},
      {"\0\x01\x1f\x7f\x80\xff", 6, "\\x00\\x01\\x1f\\x7f\\x80\\xff"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char out[64];
    assert_string_equal(log_escape((struct wsl_span){rows[i].raw, rows[i].len}, out, sizeof out),
                        rows[i].escaped);
  }
}

/* Whatever the size: terminated, within it, a prefix of the whole at an escape's border plus "...". */
static void escaping_cuts_at_every_size(void **state) {
  (void)state;
  const struct wsl_span raw = {
      "ab\x80"
      "c\n\xffz\"end",
      11};
  const char *whole = "ab\\x80c\\n\\xffz\\\"end";
  const size_t borders[] = {0, 1, 2, 6, 7, 9, 13, 14, 16, 17, 18, 19};
  for (size_t cap = 8; cap < 32; cap++) {
    char *out = malloc(cap); /* of that very size, so that AddressSanitizer sees one byte too many */
    assert_non_null(out);
    log_escape(raw, out, cap);
    if (cap > strlen(whole)) {
      assert_string_equal(out, whole);
    } else {
      size_t kept = 0;
      for (size_t i = 0; i < sizeof borders / sizeof borders[0]; i++) {
        if (borders[i] + 3 < cap) kept = borders[i];
      }
      assert_memory_equal(out, whole, kept);
      assert_string_equal(out + kept, "...");
    }
    free(out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_level_decides_what_passes, install_sink, remove_sink),
      cmocka_unit_test(level_words_go_both_ways),
      cmocka_unit_test_setup_teardown(long_texts_are_cut_and_marked, install_sink, remove_sink),
      cmocka_unit_test_setup_teardown(an_event_is_one_line_even_if_escaping_was_forgotten, install_sink,
                                      remove_sink),
      cmocka_unit_test_setup_teardown(errno_survives, install_sink, remove_sink),
      cmocka_unit_test(without_a_sink_lines_go_to_stderr),
      cmocka_unit_test(escaping_makes_printable_ascii),
      cmocka_unit_test(escaping_cuts_at_every_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
