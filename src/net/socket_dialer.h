/* The real dialer: sockets, the resolver and the worker's timers (net/dialer.h). */
#ifndef NET_SOCKET_DIALER_H
#define NET_SOCKET_DIALER_H

#include "core/slab.h"
#include "core/timers.h"
#include "net/dialer.h"
#include "net/resolver.h"
#include "net/stream.h"

struct socket_dialer {
  struct dialer dialer; /* first: it is one */
  struct stream_domain *streams;
  struct resolver *resolver;
  struct timers *timers;
  struct slab attempts;
};

/* All three outlive the dialer. */
void socket_dialer_init(struct socket_dialer *dialer, struct stream_domain *streams,
                        struct resolver *resolver, struct timers *timers);

/* No dial may be in flight, and the batch in which the last one ended must be over (asserted). */
void socket_dialer_destroy(struct socket_dialer *dialer);

#endif
