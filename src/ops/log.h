/* Where log lines go in production: one line an event on a descriptor (stderr), written by a thread
 * of its own, since no loop may wait for whoever reads them.
 *
 *   2026-11-21T08:15:30.123Z info  [1f] session ended side=backend ...
 *   2026-11-21T08:15:30.125Z warn  3 log lines lost: the reader of stderr is too slow
 *
 * Lines are formatted by the thread that logs and queued in a ring of LOG_QUEUE_BYTES, without
 * allocation. When the ring is full a line is dropped and counted, never waited for; the count is
 * written, where the lines are missing, as soon as there is room. The descriptor may be a pipe, file,
 * socket or terminal, blocking or not, shared with other processes: its flags are not changed.
 */
#ifndef OPS_LOG_H
#define OPS_LOG_H

#include <stdint.h>

#include "core/log.h"

/* Some 2,500 lines of a hundred bytes: a second of a very busy server. */
#define LOG_QUEUE_BYTES (256u * 1024u)

/* Starts the writer thread, which writes to `fd` (the caller's; open for the life of the process) with
 * all signals blocked, and installs the sink. From the main thread. WSL_IN_USE while one is running;
 * WSL_NO_MEMORY when there is no thread to be had: then lines go on as before. Before the first start
 * lines go straight to stderr, as core/log.h says. */
WSL_MUST_CHECK int log_writer_start(int fd);

/* Writes what is queued and ends the thread, but gives up when that takes longer than `patience_ms`:
 * what is left then is dropped. Returns at most a quarter of a second after that, even when the thread
 * can't be ended and has to be left behind (stuck inside write() on a stopped terminal): then a new
 * start is WSL_IN_USE until it has come back. From the main thread; harmless when nothing runs. Other
 * threads may still log: afterwards their lines are written directly, unless that would block. */
void log_writer_stop(uint64_t patience_ms);

#endif
