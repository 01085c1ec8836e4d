/* Whether an address is this machine's own, wherever it stands: of an interface, or routed to itself.
 *
 * Such a connection goes over the loopback interface, past firewalls that watch the network.
 */
#ifndef NET_OWN_ADDRESS_H
#define NET_OWN_ADDRESS_H

#include "net/network.h"

/* Asks the kernel's routes as a connect would (rtnetlink(7)), so that nothing is kept that could be old: some
 * 10 us, never waits. Where a sandbox has no AF_NETLINK it is what can be bound to, which is more than that
 * with the sysctl ip_nonlocal_bind. True when neither socket can be had: then a connect will hardly get one.
 * Any thread. */
bool own_address(const struct bare_address *address);

#endif
