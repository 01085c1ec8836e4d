/* See ops/log_line.h. */
#include "ops/log_line.h"

#include <assert.h>
#include <stdio.h>

#include "ops/log_json.h"

#define NS_PER_MS 1000000

/* "2026-11-21T08:15:30.123Z"; years of more digits have room too. */
#define STAMP_MAX 48u

#define ID_MAX sizeof "0123456789abcdef"

static void write_stamp(const struct timespec *time, char out[STAMP_MAX]) {
  struct tm utc;
  gmtime_r(&time->tv_sec, &utc);
  size_t len = strftime(out, STAMP_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
  (void)snprintf(out + len, STAMP_MAX - len, ".%03dZ", (int)(time->tv_nsec / NS_PER_MS));
}

static size_t write_text(const char *stamp, enum log_level level, const char *id, const char *text,
                         char *line) {
  const char *open = id[0] == '\0' ? "" : "[", *close = id[0] == '\0' ? "" : "] ";
  int len =
      snprintf(line, LOG_LINE_MAX, "%s %-5s %s%s%s%s\n", stamp, log_level_name(level), open, id, close, text);
  assert(len > 0 && (size_t)len < LOG_LINE_MAX);
  return (size_t)len;
}

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
  char stamp[STAMP_MAX], shown_id[ID_MAX] = "";
  write_stamp(time, stamp);
  if (id != 0) (void)snprintf(shown_id, sizeof shown_id, "%llx", (unsigned long long)id);
  if (format == LOG_FORMAT_JSON) return write_json(stamp, level, shown_id, text, line);
  return write_text(stamp, level, shown_id, text, line);
}
