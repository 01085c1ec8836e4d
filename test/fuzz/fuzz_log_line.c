/* fuzz: max_len=1200
 *
 * Log lines: what a stranger sent leaves as one line of printable characters, and in JSON as a valid object
 * from which the very bytes can be had again; also where there is no room for all.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "fuzz/json.h"
#include "fuzz/reference.h"
#include "ops/log_line.h"

#define ESCAPED_MAX 900u
#define SMALL_MIN   8u

/* ---- escaping ---------------------------------------------------------------------------------------- */

static bool is_printable(char c) {
  return c >= ' ' && c <= '~';
}

/* The reverse of log_escape(). */
static size_t unescape(const char *text, char *out) {
  static const char letters[] = "\"\\rnt", meant[] = "\"\\\r\n\t";
  size_t len = 0;
  while (*text != '\0') {
    if (*text != '\\') {
      fuzz_check(is_printable(*text) && *text != '"', "byte %02x as it is", (uint8_t)*text);
      out[len++] = *text++;
    } else if (text[1] == 'x') {
      char digits[3] = {text[2], text[3], '\0'};
      out[len++] = (char)strtol(digits, NULL, 16);
      text += 4;
    } else {
      const char *letter = strchr(letters, text[1]);
      fuzz_check(letter != NULL && *letter != '\0', "an escape \\%c", text[1]);
      out[len++] = meant[letter - letters];
      text += 2;
    }
  }
  return len;
}

/* Whether nothing was cut off. */
static bool check_escape(struct wsl_span raw, char *out, size_t cap) {
  fuzz_check(log_escape(raw, out, cap) == out && memchr(out, '\0', cap) != NULL, "ends within %zu", cap);
  char *back = fuzz_memory(strlen(out));
  size_t len = unescape(out, back);
  bool whole = len == raw.len && memcmp(back, raw.at, len) == 0;
  if (!whole) {
    fuzz_check(len >= 3 && memcmp(back + len - 3, "...", 3) == 0, "a cut is marked");
    fuzz_check(len - 3 <= raw.len && memcmp(back, raw.at, len - 3) == 0, "what stands before the mark");
    fuzz_check(strlen(out) + 4 >= cap - 3, "cut no earlier than it must be");
  }
  free(back);
  return whole;
}

/* ---- lines ------------------------------------------------------------------------------------------- */

static size_t write_line(enum log_format format, uint8_t choice, const char *text, char line[LOG_LINE_MAX]) {
  struct timespec time = {.tv_sec = 1795000000 + choice, .tv_nsec = 123456789};
  uint64_t id = (choice & 4) != 0 ? 0 : (uint64_t)choice << (choice & 0x3F);
  size_t len = log_line_write(format, &time, (enum log_level)(choice & 3), id, text, line);
  fuzz_check(len > 0 && len <= LOG_LINE_MAX && line[len - 1] == '\n', "a line of %zu bytes", len);
  for (size_t i = 0; i + 1 < len; i++)
    fuzz_check((uint8_t)line[i] >= ' ' && line[i] != 0x7F, "byte %zu of the line is %02x", i,
               (uint8_t)line[i]);
  return len;
}

static void check_value(const char *line, size_t len, const char *key, struct wsl_span wanted) {
  char value[LOG_LINE_MAX];
  size_t value_len = 0;
  fuzz_check(json_find(line, len, key, value, &value_len) == 1, "one field %s", key);
  fuzz_check(wsl_span_equal((struct wsl_span){value, value_len}, wanted), "%s is \"%.*s\"", key,
             (int)value_len, value);
}

/* One valid object, in which no field of the text passes for one of the line's own. */
static void check_object(const char *line, size_t len) {
  static const char *const own[] = {"time", "level", "id", "event"};
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
    fuzz_check(json_find(line, len, own[i], NULL, NULL) <= 1, "%s twice", own[i]);
}

/* A line as our code makes them, with the bytes as a value. */
static void check_event(struct wsl_span raw, uint8_t choice) {
  char escaped[ESCAPED_MAX], text[LOG_TEXT_MAX], line[LOG_LINE_MAX];
  bool whole = check_escape(raw, escaped, sizeof escaped);
  (void)snprintf(text, sizeof text, "request refused bytes=12 target=\"%s\" seconds=1.500", escaped);
  size_t len = write_line(LOG_FORMAT_TEXT, choice, text, line);
  size_t text_len = strlen(text);
  fuzz_check(len > text_len && memcmp(line + len - 1 - text_len, text, text_len) == 0, "the text as it is");
  len = write_line(LOG_FORMAT_JSON, choice, text, line);
  check_object(line, len - 1);
  check_value(line, len - 1, "event", wsl_span_of("request refused"));
  check_value(line, len - 1, "bytes", wsl_span_of("12"));
  bool utf8 = reference_utf8_begun((const uint8_t *)raw.at, raw.len) == raw.len &&
              reference_utf8_prefix((const uint8_t *)raw.at, raw.len) == raw.len;
  bool roomy = len + 16 < LOG_LINE_MAX;
  bool quantity =
      raw.len > 0 && strspn(escaped, "0123456789") == raw.len; /* in quotes it is text all the same */
  if (whole && utf8 && roomy && !quantity) check_value(line, len - 1, "target", raw);
  if (roomy) check_value(line, len - 1, "seconds", wsl_span_of("1.500"));
}

/* Any text without control characters: not what our code makes, still one valid object. */
static void check_any_text(struct wsl_span raw, uint8_t choice) {
  char text[LOG_TEXT_MAX], line[LOG_LINE_MAX];
  size_t len = raw.len < sizeof text - 1 ? raw.len : sizeof text - 1;
  for (size_t i = 0; i < len; i++)
    text[i] = (uint8_t)raw.at[i] >= ' ' && raw.at[i] != 0x7F ? raw.at[i] : '?';
  text[len] = '\0';
  (void)write_line(LOG_FORMAT_TEXT, choice, text, line);
  size_t line_len = write_line(LOG_FORMAT_JSON, choice, text, line);
  check_object(line, line_len - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  uint8_t choice = fuzz_choice(&input);
  size_t cap = SMALL_MIN + (fuzz_choice(&input) & 0x3F);
  struct wsl_span raw = {(const char *)input.at, input.len};
  char *small = fuzz_memory(cap);
  (void)check_escape(raw, small, cap);
  free(small);
  check_event(raw, choice);
  check_any_text(raw, choice);
  return 0;
}
