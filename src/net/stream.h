/* Stream sockets as transports: TCP and Unix (net/transport.h over a non-blocking descriptor in the
 * worker's poller).
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "core/slab.h"
#include "net/poller.h"
#include "net/transport.h"

/* What a worker's streams share. The slab holds the transports. */
struct stream_domain {
  struct poller *poller;
  struct slab slab;
  size_t open; /* transports alive, those that wait for the end of the batch included */
};

void stream_domain_init(struct stream_domain *domain, struct poller *poller);

/* All streams must have been closed and the batch ended (asserted). */
void stream_domain_destroy(struct stream_domain *domain);

enum stream_kind { STREAM_TCP, STREAM_UNIX };

/* Wraps a connected (or connecting) non-blocking socket and registers it with the poller; takes the
 * descriptor over in every case: on failure it is closed and NULL comes back. The
 * socket has been tuned (net/socket_tuning.h), itself or its listener. No bit is ready at first; the
 * events follow. */
struct transport *stream_open(struct stream_domain *domain, int fd, enum stream_kind kind,
                              transport_ready_fn on_ready, void *owner);

/* The descriptor, for those who must look at the socket itself (SO_ERROR while connecting). Owned
 * by the transport. */
int stream_fd(const struct transport *transport);

#endif
