/* See ops/log_limit.h. The rate is kept as one time a kind (the generic cell rate algorithm of ATM's
 * traffic management): a line passes while that time is less than a burst ahead of now.
 */
#include "ops/log_limit.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define BURST_MS ((uint64_t)(LOG_LIMIT_BURST - 1) * LOG_LIMIT_REFILL_MS)

#define MS_PER_S 1000u

/* How the lines that operators count begin: "session opened", "session ended". */
static const char counted[] = "session ";

static bool is_limited(enum log_level level, const char *format) {
  if (level == LOG_DEBUG) return false;
  return level != LOG_INFO || strncmp(format, counted, sizeof counted - 1) != 0;
}

/* The kind's place, by its format's address, taken at its first line; NULL when all are taken. */
static struct log_limit_kind *find(struct log_limit *limit, const char *format) {
  size_t start = (size_t)((uintptr_t)format >> 3) % LOG_LIMIT_KINDS;
  for (size_t i = 0; i < LOG_LIMIT_KINDS; i++) {
    struct log_limit_kind *kind = &limit->kinds[(start + i) % LOG_LIMIT_KINDS];
    if (kind->format == NULL) kind->format = format;
    if (kind->format == format) return kind;
  }
  return NULL;
}

static void hold_back(struct log_limit *limit, struct log_limit_kind *kind, uint64_t now_ms) {
  if (kind->held == 0) {
    kind->held_ms = now_ms;
    limit->holding++;
  }
  kind->held++;
}

enum log_verdict log_limit_judge(struct log_limit *limit, enum log_level level, const char *format,
                                 uint64_t now_ms) {
  if (!is_limited(level, format)) return LOG_PASSES;
  struct log_limit_kind *kind = find(limit, format);
  if (kind == NULL) return LOG_PASSES;
  kind->level = level;
  if (kind->next_ms > now_ms + BURST_MS) {
    hold_back(limit, kind, now_ms);
    return LOG_HELD_BACK;
  }
  kind->next_ms = (kind->next_ms > now_ms ? kind->next_ms : now_ms) + LOG_LIMIT_REFILL_MS;
  return LOG_PASSES;
}

uint64_t log_limit_due_ms(const struct log_limit *limit) {
  uint64_t due_ms = LOG_LIMIT_NEVER;
  for (size_t i = 0; i < LOG_LIMIT_KINDS && limit->holding > 0; i++) {
    const struct log_limit_kind *kind = &limit->kinds[i];
    if (kind->held > 0 && kind->held_ms + LOG_LIMIT_SUMMARY_MS < due_ms)
      due_ms = kind->held_ms + LOG_LIMIT_SUMMARY_MS;
  }
  return due_ms;
}

struct log_limit_kind *log_limit_due(struct log_limit *limit, uint64_t now_ms) {
  for (size_t i = 0; i < LOG_LIMIT_KINDS && limit->holding > 0; i++) {
    struct log_limit_kind *kind = &limit->kinds[i];
    if (kind->held > 0 && kind->held_ms + LOG_LIMIT_SUMMARY_MS <= now_ms) return kind;
  }
  return NULL;
}

/* The part of a format that is the same in all its lines: its words before the first field or value. */
static size_t name_len(const char *format) {
  size_t len = strcspn(format, "%=\"");
  if (format[len] == '=') {
    while (len > 0 && format[len - 1] != ' ')
      len--;
  }
  while (len > 0 && strchr(" :,(", format[len - 1]) != NULL)
    len--;
  return len;
}

void log_limit_describe(const struct log_limit_kind *kind, uint64_t now_ms, char text[LOG_TEXT_MAX]) {
  uint64_t seconds = (now_ms - kind->held_ms + MS_PER_S - 1) / MS_PER_S;
  const char *name = kind->format;
  size_t len = name_len(name);
  if (len == 0) {
    name = "unnamed";
    len = strlen(name);
  }
  (void)snprintf(text, LOG_TEXT_MAX, "repeated lines held back count=%llu seconds=%llu event=\"%.*s\"",
                 (unsigned long long)kind->held, (unsigned long long)(seconds == 0 ? 1 : seconds), (int)len,
                 name);
}

void log_limit_told(struct log_limit *limit, struct log_limit_kind *kind) {
  assert(kind->held > 0 && limit->holding > 0);
  kind->held = 0;
  limit->holding--;
}
