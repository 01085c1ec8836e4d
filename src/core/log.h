/* The log as every room sees it: one line an event, a level, and the id that ties lines together.
 *
 * This header only formats and passes on; where lines go is the sink's business (ops/log installs
 * one). Any thread may log. What a client sent must pass log_escape() first: a log line has no
 * control characters but its line end.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Longest text of one event, its NUL counted; what is longer is cut and marked with "...". */
#define LOG_TEXT_MAX 1024

/* `id` is the session id, or 0 for lines about the process. `format` is the caller's, the same pointer for
 * all lines of one place in the code. `text` is NUL-terminated, one line. */
typedef void (*log_sink)(enum log_level level, uint64_t id, const char *format, const char *text);

/* Installs the sink and the most verbose level that reaches it. Before any thread starts.
 * Without a sink lines go to stderr as they are. */
void log_set_sink(log_sink sink);
void log_set_level(enum log_level level);

/* "error", "warn", "info", "debug" -> level; false when the word is none of them. */
bool log_level_parse(const char *word, enum log_level *level);
const char *log_level_name(enum log_level level);

/* Whether a line of that level would be shown: for callers whose text is costly to make. */
bool log_enabled(enum log_level level);

/* printf-like, with a literal for format. The message is lower case, then key=value pairs: "session ended
 * side=backend ...". */
void log_event(enum log_level level, uint64_t id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes `raw` to out[0..cap) as printable ASCII: control characters, quotes, backslashes and bytes
 * over 0x7e become \xNN (or \" \\ \r \n \t); cut with "..." when it does not fit. Always terminated;
 * cap is at least 8. Returns `out`. */
const char *log_escape(struct wsl_span raw, char *out, size_t cap);

#endif
