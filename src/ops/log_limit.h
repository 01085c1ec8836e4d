/* Holds back lines that one place in the code repeats too often, and says later how many: strangers who
 * knock all day (refused requests, failed handshakes) and a fault that comes a thousand times a second must
 * not fill a disk.
 *
 * A kind is a call of log_event(), known by its format. Each kind has LOG_LIMIT_BURST lines at hand and
 * gains one every LOG_LIMIT_REFILL_MS: at most 86,500 lines a day, some 15 MB, whatever comes. What goes
 * beyond is counted, and every LOG_LIMIT_SUMMARY_MS one line tells the count. Not limited: debug lines, and
 * the opening and end of sessions, which operators count.
 *
 * Pure: the caller brings the time. Not thread-safe.
 */
#ifndef OPS_LOG_LIMIT_H
#define OPS_LOG_LIMIT_H

#include <stdint.h>

#include "core/log.h"

#define LOG_LIMIT_BURST      100u
#define LOG_LIMIT_REFILL_MS  1000u
#define LOG_LIMIT_SUMMARY_MS 10000u

/* More than the program has calls of log_event(); further kinds would not be limited. */
#define LOG_LIMIT_KINDS 256u

/* Never, as a time. */
#define LOG_LIMIT_NEVER UINT64_MAX

struct log_limit_kind {
  const char *format;
  enum log_level level;
  uint64_t next_ms; /* when a line would come, did they come at the steady rate */
  uint64_t held;    /* lines since held_ms */
  uint64_t held_ms; /* when the first of them came */
};

/* All zero is ready for use. */
struct log_limit {
  struct log_limit_kind kinds[LOG_LIMIT_KINDS];
  unsigned holding; /* kinds with lines held back */
};

enum log_verdict { LOG_PASSES, LOG_HELD_BACK };

/* Judges a line of that kind, and counts it where it is held back. */
enum log_verdict log_limit_judge(struct log_limit *limit, enum log_level level, const char *format,
                                 uint64_t now_ms);

/* When the next summary is due; LOG_LIMIT_NEVER while nothing is held back. */
uint64_t log_limit_due_ms(const struct log_limit *limit);

/* A kind whose summary is due at `now_ms` (LOG_LIMIT_NEVER: any that holds lines), or NULL. */
struct log_limit_kind *log_limit_due(struct log_limit *limit, uint64_t now_ms);

/* Writes the text of its summary, such as
 * `repeated lines held back count=412 seconds=10 event="request refused"`. */
void log_limit_describe(const struct log_limit_kind *kind, uint64_t now_ms, char text[LOG_TEXT_MAX]);

/* Starts counting anew, once the summary is on its way. */
void log_limit_told(struct log_limit *limit, struct log_limit_kind *kind);

#endif
