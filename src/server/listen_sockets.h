/* All that the server listens on: an address, a Unix socket, and sockets that it was handed down. Each worker
 * has a descriptor for each of them.
 *
 * An address is bound once for every worker, so that the kernel deals the clients out. The others can't be
 * bound again: every worker gets a duplicate, and whoever is first accepts (server/balance.h evens it out).
 * At start and end only: blocks.
 */
#ifndef SERVER_LISTEN_SOCKETS_H
#define SERVER_LISTEN_SOCKETS_H

#include "server/listener.h"
#include "server/settings.h"
#include "server/unix_listen.h"

struct listen_socket {
  struct address address;
  const char *name; /* of one that was handed down, the settings'; else NULL */
};

/* All zero: none. */
struct listen_sockets {
  struct listen_socket *all;
  size_t count, room;
  struct listener_socket *shares; /* those of worker i: `count` of them, from shares[i * room] on */
  unsigned workers, taken;        /* of the workers, those that have theirs */
  struct unix_listen unix_listen;
};

/* Opens what the settings name, for so many workers. 0, or an error with a line in why[0..why_cap); either
 * way to be closed. */
WSL_MUST_CHECK int listen_sockets_open(struct listen_sockets *sockets, const struct server_settings *settings,
                                       unsigned workers, char *why, size_t why_cap);

/* How many there will be, for the budget of descriptors. Pure. */
size_t listen_sockets_planned(const struct server_settings *settings);

/* The `count` sockets of the next worker, whose own they are from now on. */
const struct listener_socket *listen_sockets_take(struct listen_sockets *sockets);

/* The first one's port; 0 when none has one. */
uint16_t listen_sockets_port(const struct listen_sockets *sockets);

/* Closes what nobody has taken, and removes the Unix socket's file. Harmless when nothing is open. */
void listen_sockets_close(struct listen_sockets *sockets);

#endif
