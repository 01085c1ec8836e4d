/* The real dialer: sockets, the resolver and the worker's timers (net/dialer.h). */
#ifndef NET_SOCKET_DIALER_H
#define NET_SOCKET_DIALER_H

#include "core/slab.h"
#include "core/timers.h"
#include "net/dialer.h"
#include "net/resolver.h"
#include "net/socket_connect.h"
#include "net/stream.h"
#include "net/target_rules.h"

struct socket_dialer {
  struct dialer dialer; /* first: it is one */
  struct stream_domain *streams;
  struct resolver *resolver;
  struct timers *timers;
  struct slab attempts;
  struct connector connector;
  const struct target_rules *rules; /* NULL: any target goes */
  void (*on_refused)(struct socket_dialer *);
};

/* All three outlive the dialer. */
void socket_dialer_init(struct socket_dialer *dialer, struct stream_domain *streams,
                        struct resolver *resolver, struct timers *timers);

/* How to tune the sockets, and where to dial from; both outlive the dialer. `turn`: which source is first.
 * Without this call the defaults hold and the system chooses. */
void socket_dialer_configure(struct socket_dialer *dialer, const struct socket_tuning *tuning,
                             const struct source_addresses *sources, size_t turn);

/* From now on each address is judged right before it would be connected to: names are looked up by others,
 * and may mean something else by then. Those refused are left out; where none is left the dial ends with
 * WSL_FORBIDDEN, behind `on_refused` and a line in the log for each. The rules outlive the dialer. */
void socket_dialer_judge(struct socket_dialer *dialer, const struct target_rules *rules,
                         void (*on_refused)(struct socket_dialer *));

/* No dial may be in flight (asserted). */
void socket_dialer_destroy(struct socket_dialer *dialer);

#endif
