/* The two forms of a log line. Pure but for the clock; no allocation.
 *
 *   text  2026-11-21T08:15:30.123Z info  [1f] session ended side=backend code=1000 cause="Target closed"
 *   json  {"time":"2026-11-21T08:15:30.123Z","level":"info","id":"1f","event":"session ended",
 *          "side":"backend","code":1000,"cause":"Target closed"}            (on one line)
 */
#ifndef OPS_LOG_LINE_H
#define OPS_LOG_LINE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "ops/log.h"

/* Room for any line: a text of LOG_TEXT_MAX with time, level, id and line end has some 1,100 bytes; JSON, in
 * which a byte of the text may take six, is cut at the limit. No longer than a pipe takes in one piece
 * (PIPE_BUF: 4,096 on Linux), so that lines never mix. */
#define LOG_LINE_MAX 4096u

/* Writes the line, its line end included and not terminated; returns its length. `text` is one of
 * core/log's: words, then key=value pairs, values that hold blanks quoted as by log_escape(). */
size_t log_line_write(enum log_format format, const struct timespec *time, enum log_level level, uint64_t id,
                      const char *text, char line[LOG_LINE_MAX]);

#endif
