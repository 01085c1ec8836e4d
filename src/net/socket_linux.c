/* Sockets as Linux has them (socket_system.h). */
#include "net/socket_system.h"

#if defined(__linux__)

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include "core/error.h"

/* A dead peer of an idle connection is found after 60 + 4 * 15 seconds, before the 130 s at which
 * silence with data pending is taken for death. */
#define KEEPALIVE_IDLE_S     60
#define KEEPALIVE_INTERVAL_S 15
#define KEEPALIVE_PROBES     4

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

static void set_option(int fd, int level, int name, int value) {
  (void)setsockopt(fd, level, name, &value, sizeof value);
}

/* SO_OOBINLINE: without it the byte that a peer sends as urgent (telnet's DM) is missing from the
 * stream (RFC 6093 section 4 tells applications to read it in line). */
void socket_tune_tcp(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
  set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
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
