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
  struct poller *poller;
  struct stream_domain streams;
  uint8_t *buffer;
};

/* 0 or WSL_NO_MEMORY or WSL_IO; after a failure nothing is left to close. */
WSL_MUST_CHECK int lane_open(struct lane *lane);

/* Every stream must have been closed; runs the loop until all handles are gone (those that others have
 * opened on it must be closing). */
void lane_close(struct lane *lane);

#endif
