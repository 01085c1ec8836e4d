/* What differs between systems about sockets: creating them, local ports, and what the kernel tells
 * about a connection. socket_linux.c has it for Linux, socket_portable.c for the rest. For net, and for the
 * sockets of the bench (bench/loadgen).
 */
#ifndef NET_SOCKET_SYSTEM_H
#define NET_SOCKET_SYSTEM_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/error.h"
#include "net/address.h"

/* A non-blocking, close-on-exec stream socket; -1 with errno set on failure. */
WSL_MUST_CHECK int socket_create(int family);

/* sendmsg() that never raises SIGPIPE, retried on EINTR. */
ssize_t socket_send(int fd, const struct msghdr *message);

/* The same for one piece, by send(2): 0.15 us less, a fiftieth of what sending a small message costs. With
 * SOCKET_MORE the kernel may wait for what follows at once. */
enum socket_more { SOCKET_ALL, SOCKET_MORE };
ssize_t socket_send_piece(int fd, struct wsl_span piece, enum socket_more more);

/* splice(2) between a socket and a pipe; never blocks. */
ssize_t socket_splice(int from, int to, size_t len);

/* Binds a socket that is about to connect to `source`, whose port is 0, and leaves the choice of a port to
 * connect(): the same one may serve connections to different targets. WSL_NO_ADDRESS when the address is not
 * this machine's. */
WSL_MUST_CHECK int socket_bind_source(int fd, const struct address *source);

/* What bind() said, in our words: EADDRNOTAVAIL means ports only where connect() says it. */
static inline int socket_bind_error(int system_errno) {
  return system_errno == EADDRNOTAVAIL ? WSL_NO_ADDRESS : error_from_errno(system_errno);
}

/* Whether the system knows a way to `target`, from `source` or (NULL) from an address of its own choice. */
bool socket_has_route(const struct address *target, const struct address *source);

/* Ports that connect() chooses from: all of them, where that can't be told. */
struct port_range {
  uint16_t first, last;
};
struct port_range socket_ephemeral_ports(void);

/* See transport_unacked() and transport_silence(). */
WSL_MUST_CHECK int socket_unacked(int fd, size_t *bytes);
WSL_MUST_CHECK int socket_silence(int fd, uint64_t *ms);

#endif
