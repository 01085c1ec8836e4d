/* The real dialer: sockets, the resolver and the worker's timers (net/dialer.h). */
#ifndef NET_SOCKET_DIALER_H
#define NET_SOCKET_DIALER_H

#include "core/slab.h"
#include "core/timers.h"
#include "net/dialer.h"
#include "net/resolver.h"
#include "net/socket_connect.h"
#include "net/stream.h"

struct socket_dialer {
  struct dialer dialer; /* first: it is one */
  struct stream_domain *streams;
  struct resolver *resolver;
  struct timers *timers;
  struct slab attempts;
  struct connector connector;
};

/* All three outlive the dialer. */
void socket_dialer_init(struct socket_dialer *dialer, struct stream_domain *streams,
                        struct resolver *resolver, struct timers *timers);

/* How to tune the sockets, and where to dial from; both outlive the dialer. `turn`: which source is first.
 * Without this call the defaults hold and the system chooses. */
void socket_dialer_configure(struct socket_dialer *dialer, const struct socket_tuning *tuning,
                             const struct source_addresses *sources, size_t turn);

/* No dial may be in flight (asserted). */
void socket_dialer_destroy(struct socket_dialer *dialer);

#endif
