/* Where log lines go in production: one line an event on stderr or into a file, written by a thread of
 * its own, since no loop may wait for whoever reads them.
 *
 *   2026-11-21T08:15:30.123Z info  [1f] session ended side=backend ...
 *   2026-11-21T08:15:30.125Z warn  3 log lines lost: the reader of the log is too slow
 *
 * Lines are formatted (ops/log_line.h) by the thread that logs and queued in a ring of LOG_QUEUE_BYTES,
 * without allocation. When the ring is full a line is dropped and counted, never waited for; the count is
 * written, where the lines are missing, as soon as there is room. Lines that one place in the code
 * repeats too often are held back and summed up (ops/log_limit.h). The descriptor may be a pipe, file,
 * socket or terminal, blocking or not, shared with other processes: its flags are not changed.
 */
#ifndef OPS_LOG_H
#define OPS_LOG_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/log.h"

/* Some 2,500 lines of a hundred bytes: a second of a very busy server. */
#define LOG_QUEUE_BYTES (256u * 1024u)

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* "text", "json" -> format; false when the word is neither. */
bool log_format_parse(const char *word, enum log_format *format);

/* A place for lines: `{.fd = STDERR_FILENO}`, or what log_file_open() fills in. */
struct log_output {
  int fd;
  enum log_format format;
  bool syslog;         /* to syslog as well (ops/syslog_output.h), which is open */
  char path[PATH_MAX]; /* absolute: opened anew by log_writer_reopen(); "" when it is no file of ours */
};

/* Opens the log file for appending and creates it, with mode 0640, where it is missing; sets `fd` and
 * `path` of *output. A relative path counts from the working directory of this moment: a daemon may leave
 * it afterwards. 0, or an error with a line in why[0..why_cap). Never waits for a FIFO's reader. */
WSL_MUST_CHECK int log_file_open(const char *path, struct log_output *output, char *why, size_t why_cap);

/* Starts the writer thread with all signals blocked, and installs the sink. *output is copied; its
 * descriptor stays the caller's, open for the life of the process, unless it has a path: then it is the
 * writer's. From the main thread, after any fork. WSL_IN_USE while one is running; WSL_NO_MEMORY when
 * there is no thread to be had: then lines go on as before. Before the first start lines go straight to
 * stderr, as core/log.h says. */
WSL_MUST_CHECK int log_writer_start(const struct log_output *output);

/* Has the writer open its file anew, behind the lines that it is writing: for SIGUSR1 and SIGHUP after
 * something has renamed the file. Returns at once. Where the file can't be opened a line in the old one
 * says so, and that one stays in use. False when the output is no file. From the main thread. */
bool log_writer_reopen(void);

/* Writes what is queued and ends the thread, but gives up when that takes longer than `patience_ms`:
 * what is left then is dropped. Returns at most a quarter of a second after that, even when the thread
 * can't be ended and has to be left behind (stuck inside write() on a stopped terminal): then a new
 * start is WSL_IN_USE until it has come back. From the main thread; harmless when nothing runs. Other
 * threads may still log: afterwards their lines are written directly, unless that would block. */
void log_writer_stop(uint64_t patience_ms);

#endif
