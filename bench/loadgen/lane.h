/* What a thread of the bench needs to talk to sockets: a loop, a poller on it, streams, and one buffer into
 * which all of them are read. The load has one, the built-in backend another.
 */
#ifndef LOADGEN_LANE_H
#define LOADGEN_LANE_H

#include <stdint.h>
#include <uv.h>

#include <wsluice/span.h>

#include "net/poller.h"
#include "net/stream.h"

/* Read at a time: fewer calls than a proxy's 64 KB, and still in a second-level cache. */
#define LANE_BUFFER_LEN (256u * 1024u)

struct lane {
  uv_loop_t loop;
  uv_idle_t closing; /* active: the loop is not to sleep any more */
  struct poller *poller;
  struct stream_domain streams;
  uint8_t *buffer;
};

/* Has the kernel wake the reader of a TCP socket only when so many bytes are there (1: as usual): a wake-up
 * costs as much as copying tens of kilobytes, and the proxy that wakes us pays for most of it. An end or an
 * error wakes at once. */
#define LANE_BULK_BYTES (256 * 1024)
void lane_receive_at_least(const struct transport *stream, int bytes);

/* 0 or WSL_NO_MEMORY or WSL_IO; after a failure nothing is left to close. Run its loop with UV_RUN_DEFAULT.
 */
WSL_MUST_CHECK int lane_open(struct lane *lane);

/* Every stream must have been closed; runs the loop until all handles are gone (those that others have
 * opened on it must be closing). */
void lane_close(struct lane *lane);

/* Before that: runs the loop once, and does not wait for anything. */
void lane_turn(struct lane *lane);

#endif
