/* What differs between systems about sockets: creating them, keepalive, and what the kernel tells
 * about a connection. socket_linux.c has it for Linux, socket_portable.c for the rest. Private to net.
 */
#ifndef NET_SOCKET_SYSTEM_H
#define NET_SOCKET_SYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <wsluice/span.h>

/* A non-blocking, close-on-exec stream socket; -1 with errno set on failure. */
WSL_MUST_CHECK int socket_create(int family);

/* sendmsg() that never raises SIGPIPE, retried on EINTR. */
ssize_t socket_send(int fd, const struct msghdr *message);

/* Sets what every TCP connection of ours has: no Nagle, keepalive, urgent data in line. Best effort:
 * on a connection that is dead already the kernel refuses, and reading it tells why. */
void socket_tune_tcp(int fd);

/* See transport_unacked() and transport_silence(). */
WSL_MUST_CHECK int socket_unacked(int fd, size_t *bytes);
WSL_MUST_CHECK int socket_silence(int fd, uint64_t *ms);

#endif
