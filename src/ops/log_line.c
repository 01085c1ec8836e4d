/* See ops/log_line.h. */
#include "ops/log_line.h"

#include <assert.h>
#include <string.h>

#include "ops/log_json.h"

#define NS_PER_MS 1000000

/* "2026-11-21T08:15:30.123Z"; years of more digits have room too. */
#define STAMP_MAX 48u

#define ID_MAX sizeof "0123456789abcdef"

/* The narrowest column that holds every level's name. */
#define LEVEL_WIDTH (sizeof "error" - 1)

/* No printf() here: two lines a session were a sixth of what a session costs in user space. */

static char *append(char *at, const char *text) {
  size_t len = strlen(text);
  memcpy(at, text, len);
  return at + len;
}

/* The second's part of the stamp, formatted once a second by each thread; returns its end in `out`. */
static char *append_second(char *out, time_t second) {
  static _Thread_local time_t shown;
  static _Thread_local char text[STAMP_MAX];
  if (text[0] == '\0' || second != shown) {
    struct tm utc;
    gmtime_r(&second, &utc);
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    shown = second;
  }
  return append(out, text);
}

static void write_stamp(const struct timespec *time, char out[STAMP_MAX]) {
  unsigned ms = (unsigned)(time->tv_nsec / NS_PER_MS);
  char *at = append_second(out, time->tv_sec);
  const char fraction[] = {
      '.', (char)('0' + ms / 100 % 10), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z', '\0'};
  append(at, fraction)[0] = '\0';
}

/* Hexadecimal; "" for none. */
static void write_id(uint64_t id, char out[ID_MAX]) {
  size_t digits = 0;
  for (uint64_t rest = id; rest != 0; rest >>= 4)
    digits++;
  out[digits] = '\0';
  for (; digits > 0; id >>= 4)
    out[--digits] = "0123456789abcdef"[id & 0xf];
}

static char *append_level(char *at, enum log_level level) {
  char *end = append(at, log_level_name(level));
  while (end < at + LEVEL_WIDTH)
    *end++ = ' ';
  return end;
}

static size_t write_text(const char *stamp, enum log_level level, const char *id, const char *text,
                         char *line) {
  assert(strlen(text) < LOG_TEXT_MAX);
  char *at = append(line, stamp);
  *at++ = ' ';
  at = append_level(at, level);
  *at++ = ' ';
  if (id[0] != '\0') {
    *at++ = '[';
    at = append(append(at, id), "] ");
  }
  at = append(append(at, text), "\n");
  return (size_t)(at - line);
}

_Static_assert(STAMP_MAX + LEVEL_WIDTH + ID_MAX + LOG_TEXT_MAX + sizeof " [] \n" + 1 <= LOG_LINE_MAX,
               "write_text() looks at no end");

static size_t write_json(const char *stamp, enum log_level level, const char *id, const char *text,
                         char *line) {
  struct json_line json;
  json_line_begin(&json, line, LOG_LINE_MAX);
  json_line_plain(&json, "time", stamp);
  json_line_plain(&json, "level", log_level_name(level));
  if (id[0] != '\0') json_line_plain(&json, "id", id);
  json_line_text(&json, text);
  return json_line_end(&json);
}

size_t log_line_write(enum log_format format, const struct timespec *time, enum log_level level, uint64_t id,
                      const char *text, char line[LOG_LINE_MAX]) {
  char stamp[STAMP_MAX], shown_id[ID_MAX];
  write_stamp(time, stamp);
  write_id(id, shown_id);
  if (format == LOG_FORMAT_JSON) return write_json(stamp, level, shown_id, text, line);
  return write_text(stamp, level, shown_id, text, line);
}
