/* Sockets with nothing but POSIX (socket_system.h): for systems that are not Linux. The bridge runs
 * without the answers that are missing here; it then waits out its time limits instead.
 */
#include "net/socket_system.h"

#if !defined(__linux__)

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/error.h"

int socket_create(int family) {
  int fd = socket(family, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
    int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

/* No flag for it everywhere; the process ignores SIGPIPE. */
ssize_t socket_send(int fd, const struct msghdr *message) {
  ssize_t sent;
  do {
    sent = sendmsg(fd, message, 0);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

ssize_t socket_send_piece(int fd, struct wsl_span piece, enum socket_more more) {
  (void)more;
  ssize_t sent;
  do {
    sent = send(fd, piece.at, piece.len, 0);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

/* Never called: there are no pipes to splice through (splice_pool.c). */
ssize_t socket_splice(int from, int to, size_t len) {
  (void)from;
  (void)to;
  (void)len;
  errno = ENOSYS;
  return -1;
}

/* bind() takes a port of the address's own. */
int socket_bind_source(int fd, const struct address *source) {
  if (bind(fd, (const struct sockaddr *)&source->storage, source->len) == 0) return WSL_OK;
  return socket_bind_error(errno);
}

bool socket_has_route(const struct address *target, const struct address *source) {
  (void)target;
  (void)source;
  return true;
}

struct port_range socket_ephemeral_ports(void) {
  return (struct port_range){0, UINT16_MAX};
}

int socket_unacked(int fd, size_t *bytes) {
  (void)fd;
  (void)bytes;
  return WSL_UNSUPPORTED;
}

int socket_silence(int fd, uint64_t *ms) {
  (void)fd;
  (void)ms;
  return WSL_UNSUPPORTED;
}

#endif
