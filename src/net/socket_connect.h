/* Begins the connect to one address: a tuned socket, bound to the source address whose turn it is. What
 * becomes of it is the dialer's to wait for (net/socket_dialer). Private to net.
 */
#ifndef NET_SOCKET_CONNECT_H
#define NET_SOCKET_CONNECT_H

#include "net/socket_system.h"
#include "net/socket_tuning.h"
#include "net/source_address.h"

/* What a dialer's connects share. */
struct connector {
  const struct socket_tuning *tuning;
  struct source_turns sources;
  struct port_range own_ports; /* that connect() chooses from, as read last */
  uint64_t own_ports_due_ms;   /* when to read them again */
};

/* Both outlive the connector. `turn`: which source is first. */
void connector_init(struct connector *connector, const struct socket_tuning *tuning,
                    const struct source_addresses *sources, size_t turn);

enum connect_state {
  CONNECT_DONE,
  CONNECT_BEGUN,
  CONNECT_BUSY, /* a Unix listener's backlog is full, and nobody tells when there is room: try again later */
  CONNECT_FAILED
};

struct connect_result {
  enum connect_state state;
  int fd;    /* DONE, BEGUN: the caller's */
  int error; /* FAILED: WSL_NO_PORT when no source address had a port left, and others */
};

/* Tries one source address of the target's family after the other until a connect begins; the system's own
 * choice where none is given. */
struct connect_result connect_begin(struct connector *connector, const struct address *target,
                                    uint64_t now_ms);

/* Whether a connected socket is its own peer: a connect to a free port of this machine that connect() also
 * chooses from can meet itself (simultaneous open). Nobody listens there. */
bool connect_met_itself(struct connector *connector, int fd, const struct address *target, uint64_t now_ms);

/* Which of several failures the operator should read: the more telling of two. */
int connect_worse(int error, int other);

#endif
