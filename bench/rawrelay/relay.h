/* One relayed pair of connections: whatever arrives on one end leaves on the other, and nothing is
 * looked at. What wsluice is compared with, so it does what a careful libuv program would: one
 * buffer for all that is read, lent to a pair only while its peer stalls; uv_try_write() first and
 * uv_write() for the rest; no copies; reading stops until the rest has left.
 *
 * One thread. A pair frees itself when both its handles are closed.
 */
#ifndef RAWRELAY_RELAY_H
#define RAWRELAY_RELAY_H

#include <stddef.h>
#include <sys/socket.h>
#include <uv.h>

struct relay_buffer {
  struct relay_buffer *next;
  char data[];
};

/* What all pairs of a loop share. */
struct relay_pool {
  size_t buffer_size;
  struct relay_buffer *free; /* as many as were ever needed at once */
};

/* Takes the connection that waits at `listener` and dials `target` for it. Returns 0 or libuv's
 * error; in the latter case the connection is closed. */
int relay_accept(uv_stream_t *listener, struct relay_pool *pool, const struct sockaddr *target);

#endif
