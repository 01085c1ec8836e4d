/* Lines come out the same however long the file is and however its last line ends; what is held has a bound.
 */
#include "folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "route/line_reader.h"

static int set_up(void **state) {
  folder_open();
  *state = malloc(sizeof(struct line_reader));
  return *state == NULL;
}

static int tear_down(void **state) {
  struct line_reader *reader = *state;
  close(reader->fd);
  free(reader);
  folder_close();
  return 0;
}

static void open_bytes(struct line_reader *reader, const void *data, size_t len) {
  folder_write_bytes("lines", data, len);
  line_reader_init(reader, open(folder_path("lines"), O_RDONLY));
  assert_true(reader->fd >= 0);
}

static void reopen(struct line_reader *reader, const void *data, size_t len) {
  if (reader->fd >= 0) close(reader->fd);
  open_bytes(reader, data, len);
}

static void expect_line(struct line_reader *reader, const char *text, size_t len) {
  struct wsl_span line;
  assert_int_equal(line_reader_next(reader, &line), LINE_READ);
  assert_int_equal(line.len, len);
  assert_memory_equal(line.at, text, len);
}

static void expect_end(struct line_reader *reader) {
  struct wsl_span line;
  assert_int_equal(line_reader_next(reader, &line), LINE_END);
  assert_int_equal(line_reader_next(reader, &line), LINE_END);
}

static void lines_end_as_files_do(void **state) {
  struct line_reader *reader = *state;
  reader->fd = -1;
  static const struct {
    const char *name, *text;
    size_t len, lines;
  } rows[] = {
      {"empty", "", 0, 0},          {"one without an end", "a", 1, 1},   {"one", "a\n", 2, 1},
      {"an empty one", "\n", 1, 1}, {"three, two empty", "\n\na", 3, 3}, {"NULs", "\0\n\0", 3, 2},
      {"CRLF", "a\r\nb\r\n", 6, 2},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    reopen(reader, rows[i].text, rows[i].len);
    struct wsl_span line;
    size_t lines = 0;
    while (line_reader_next(reader, &line) == LINE_READ)
      lines++;
    if (lines != rows[i].lines || reader->number != lines) fail_msg("%s: %zu lines", rows[i].name, lines);
  }
}

static void a_byte_order_mark_is_left_out_at_the_start_only(void **state) {
  struct line_reader *reader = *state;
  static const char text[] =
      "\xEF\xBB\xBF"
      "a\n\xEF\xBB\xBF"
      "b";
  open_bytes(reader, text, sizeof(text) - 1);
  expect_line(reader, "a", 1);
  expect_line(reader,
              "\xEF\xBB\xBF"
              "b",
              4);
  expect_end(reader);
}

/* Lengths around the limit and around the buffer, each between two short lines. */
static void a_line_is_taken_up_to_its_limit_and_passed_over_beyond(void **state) {
  struct line_reader *reader = *state;
  reader->fd = -1;
  static const size_t lengths[] = {
      LINE_READER_LINE_MAX - 1,    LINE_READER_LINE_MAX,        LINE_READER_LINE_MAX + 1,
      LINE_READER_BUFFER_SIZE - 3, LINE_READER_BUFFER_SIZE - 2, LINE_READER_BUFFER_SIZE - 1,
      LINE_READER_BUFFER_SIZE,     LINE_READER_BUFFER_SIZE + 1, 3 * LINE_READER_BUFFER_SIZE + 7,
  };
  static char text[4 * LINE_READER_BUFFER_SIZE];
  for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
    for (int ended = 0; ended < 2; ended++) {
      size_t len = lengths[i];
      memset(text, 'x', sizeof(text));
      memcpy(text, "a\n", 2);
      memcpy(text + 2 + len, "\nb", 2);
      reopen(reader, text, ended ? 2 + len : 4 + len);
      expect_line(reader, "a", 1);
      struct wsl_span line;
      enum line_read read = line_reader_next(reader, &line);
      if (read != (len <= LINE_READER_LINE_MAX ? LINE_READ : LINE_TOO_LONG)) fail_msg("%zu: %d", len, read);
      if (read == LINE_READ) assert_int_equal(line.len, len);
      if (!ended) expect_line(reader, "b", 1);
      expect_end(reader);
    }
  }
}

/* Every boundary between chunks cuts some line. */
static void chunks_cut_no_line(void **state) {
  struct line_reader *reader = *state;
  size_t lines = 50000, len = 0;
  char *text = malloc(lines * 16);
  for (size_t i = 0; i < lines; i++)
    len += (size_t)sprintf(text + len, "line %zu\n", i);
  open_bytes(reader, text, len);
  for (size_t i = 0; i < lines; i++) {
    char wanted[32];
    int wanted_len = sprintf(wanted, "line %zu", i);
    expect_line(reader, wanted, (size_t)wanted_len);
  }
  assert_int_equal(reader->number, lines);
  expect_end(reader);
  free(text);
}

static void a_failing_read_is_told(void **state) {
  struct line_reader *reader = *state;
  struct wsl_span line;
  line_reader_init(reader, open("/", O_RDONLY)); /* EISDIR */
  assert_int_equal(line_reader_next(reader, &line), LINE_FAILED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(lines_end_as_files_do, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_byte_order_mark_is_left_out_at_the_start_only, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_line_is_taken_up_to_its_limit_and_passed_over_beyond, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(chunks_cut_no_line, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_failing_read_is_told, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
