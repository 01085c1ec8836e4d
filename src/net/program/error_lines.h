/* What a program says on standard error, into the log line by line: escaped, cut where a line is too long,
 * and bounded a turn, so that one that babbles holds nobody up: it is read no faster than 800 KB a second,
 * and then its pipe is full. Its log line is repeated only so often (ops/log_limit.h). Owns the pipe's end;
 * one worker, one thread.
 */
#ifndef NET_PROGRAM_ERROR_LINES_H
#define NET_PROGRAM_ERROR_LINES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/timers.h"
#include "net/poller.h"

/* Longest piece of a line that one line of the log shows. */
#define ERROR_LINE_MAX 512u

/* Embedded in the program. */
struct error_lines {
  struct poller_watch watch;
  struct timers *timers;
  struct timer rest; /* armed: it has babbled, and is not read meanwhile */
  uint64_t id;       /* for the log, with the process's */
  pid_t pid;
  char *partial; /* a line that has not ended: malloc'ed, ERROR_LINE_MAX bytes; NULL: none */
  size_t partial_len;
};

/* Takes `fd` over, non-blocking, or nothing where it is -1. A poller that refuses it: nothing is heard. */
void error_lines_open(struct error_lines *lines, struct poller *poller, struct timers *timers, int fd,
                      uint64_t id, pid_t pid);

/* Says what is there, and closes. Harmless twice. Memory that holds the watch goes by poller_release(). */
void error_lines_close(struct error_lines *lines);

#endif
