/* Sockets as Linux has them (socket_system.h). */
#include "net/socket_system.h"

#if defined(__linux__)

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/error.h"

#define PORT_RANGE "/proc/sys/net/ipv4/ip_local_port_range"

/* Longest content of that file: two numbers. */
#define PORT_RANGE_TEXT_MAX 32

int socket_create(int family) {
  return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

ssize_t socket_send(int fd, const struct msghdr *message) {
  ssize_t sent;
  do {
    sent = sendmsg(fd, message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

ssize_t socket_send_piece(int fd, struct wsl_span piece, enum socket_more more) {
  int flags = MSG_NOSIGNAL | (more == SOCKET_MORE ? MSG_MORE : 0);
  ssize_t sent;
  do {
    sent = send(fd, piece.at, piece.len, flags);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

ssize_t socket_splice(int from, int to, size_t len) {
  ssize_t moved;
  do {
    moved = splice(from, NULL, to, NULL, len, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  } while (moved < 0 && errno == EINTR);
  return moved;
}

/* The option is IPv4's by its name and serves both families. Without it bind() takes a port that no other
 * connection may have, whatever its target. */
int socket_bind_source(int fd, const struct address *source) {
  int on = 1;
  (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on); /* Linux 4.2 */
  if (bind(fd, (const struct sockaddr *)&source->storage, source->len) == 0) return WSL_OK;
  return socket_bind_error(errno);
}

/* A datagram socket looks for the same way, sends nothing, and has ports of its own; that those are used up
 * (EAGAIN, EADDRINUSE) says nothing about the way. */
bool socket_has_route(const struct address *target, const struct address *source) {
  int fd = socket(target->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;
  int failed = source == NULL ? 0 : bind(fd, (const struct sockaddr *)&source->storage, source->len);
  if (failed == 0) failed = connect(fd, (const struct sockaddr *)&target->storage, target->len);
  bool none = failed != 0 && (errno == EADDRNOTAVAIL || errno == ENETUNREACH || errno == EHOSTUNREACH);
  close(fd);
  return !none;
}

/* "32768\t60999\n" */
struct port_range socket_ephemeral_ports(void) {
  const struct port_range all = {0, UINT16_MAX};
  char text[PORT_RANGE_TEXT_MAX] = "";
  int fd = open(PORT_RANGE, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return all;
  ssize_t len = read(fd, text, sizeof text - 1);
  close(fd);
  char *rest = text;
  unsigned long first = strtoul(text, &rest, 10);
  unsigned long last = strtoul(rest, &rest, 10);
  if (len <= 0 || first == 0 || last < first || last > UINT16_MAX) return all;
  return (struct port_range){(uint16_t)first, (uint16_t)last};
}

int socket_unacked(int fd, size_t *bytes) {
  int pending;
  if (ioctl(fd, SIOCOUTQ, &pending) != 0) return error_from_errno(errno);
  *bytes = pending > 0 ? (size_t)pending : 0;
  return WSL_OK;
}

int socket_silence(int fd, uint64_t *ms) {
  struct tcp_info info = {0};
  socklen_t len = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) return error_from_errno(errno);
  *ms =
      info.tcpi_last_ack_recv < info.tcpi_last_data_recv ? info.tcpi_last_ack_recv : info.tcpi_last_data_recv;
  return WSL_OK;
}

#endif
