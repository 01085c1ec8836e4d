/* Addresses and their sockets (endpoint.h). */
#include "loadgen/endpoint.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/error.h"
#include "net/socket_system.h"
#include "net/socket_tuning.h"

#define LISTEN_BACKLOG 4096

/* No delay, and nothing else: a run notices by itself what does not answer, and mode connect pays for each
 * option. */
static const struct socket_tuning tuning = {0};

static int resolve_name(struct endpoint *endpoint, const struct url *url, char why[ENDPOINT_WHY_MAX]) {
  char service[8];
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  (void)snprintf(service, sizeof service, "%u", url->port);
  int failed = getaddrinfo(url->host, service, &hints, &found);
  if (failed != 0) {
    (void)snprintf(why, ENDPOINT_WHY_MAX, "\"%s\" has no address: %s", url->host, gai_strerror(failed));
    return WSL_NAME_UNKNOWN;
  }
  for (struct addrinfo *at = found; at != NULL && endpoint->count < ENDPOINT_ADDRESSES_MAX;
       at = at->ai_next) {
    struct address *address = &endpoint->addresses[endpoint->count++];
    memcpy(&address->storage, at->ai_addr, at->ai_addrlen);
    address->len = at->ai_addrlen;
  }
  freeaddrinfo(found);
  return WSL_OK;
}

int endpoint_resolve(struct endpoint *endpoint, const struct url *url, char why[ENDPOINT_WHY_MAX]) {
  *endpoint = (struct endpoint){.kind = url->unix_path != NULL ? STREAM_UNIX : STREAM_TCP};
  if (url->unix_path != NULL) {
    endpoint->count = 1;
    if (address_unix(url->unix_path, &endpoint->addresses[0]) == WSL_OK) return WSL_OK;
    (void)snprintf(why, ENDPOINT_WHY_MAX, "the path of the Unix socket is too long");
    return WSL_INVALID;
  }
  if (address_parse_literal(url->host, url->port, &endpoint->addresses[0])) {
    endpoint->count = 1;
    return WSL_OK;
  }
  return resolve_name(endpoint, url, why);
}

static bool is_tcp(const struct address *address) {
  return address->storage.ss_family != AF_UNIX;
}

static int connect_socket(int fd, const struct address *address) {
  if (connect(fd, (const struct sockaddr *)&address->storage, address->len) == 0) return WSL_OK;
  /* Interrupted it goes on by itself (POSIX); to ask again would only say that it is under way. */
  return errno == EINPROGRESS || errno == EINTR ? WSL_OK : error_from_errno(errno);
}

int endpoint_connect(const struct address *address, const struct address *source, int *fd) {
  *fd = socket_create(address->storage.ss_family);
  if (*fd < 0) return error_from_errno(errno);
  if (is_tcp(address)) socket_tune_dialled(*fd, &tuning);
  int error = source == NULL ? WSL_OK : socket_bind_source(*fd, source);
  if (error == WSL_OK) error = connect_socket(*fd, address);
  if (error == WSL_OK) return WSL_OK;
  close(*fd);
  *fd = -1;
  return error;
}

/* A socket's file outlives its server; one that still answers is somebody's. */
static void remove_stale_socket(const struct address *address) {
  const struct sockaddr_un *name = (const struct sockaddr_un *)(const void *)&address->storage;
  struct stat there;
  int fd = -1;
  if (lstat(name->sun_path, &there) != 0 || !S_ISSOCK(there.st_mode)) return;
  if (endpoint_connect(address, NULL, &fd) == WSL_OK)
    close(fd);
  else
    (void)unlink(name->sun_path);
}

int endpoint_listen(const struct endpoint *endpoint, int *fd, char why[ENDPOINT_WHY_MAX]) {
  const struct address *address = &endpoint->addresses[0];
  int on = 1;
  if (endpoint->kind == STREAM_UNIX) remove_stale_socket(address);
  *fd = socket_create(address->storage.ss_family);
  if (*fd >= 0) (void)setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (*fd >= 0 && is_tcp(address)) socket_tune_listener(*fd, &tuning); /* its clients inherit it */
  if (*fd >= 0 && bind(*fd, (const struct sockaddr *)&address->storage, address->len) == 0 &&
      listen(*fd, LISTEN_BACKLOG) == 0)
    return WSL_OK;
  int error = error_from_errno(errno);
  char text[ADDRESS_TEXT_MAX];
  (void)snprintf(why, ENDPOINT_WHY_MAX, "cannot listen on %s: %s", address_format(address, text),
                 error_text(error));
  if (*fd >= 0) close(*fd);
  *fd = -1;
  return error;
}

void endpoint_forget(const struct endpoint *endpoint) {
  const struct sockaddr_un *name = (const struct sockaddr_un *)(const void *)&endpoint->addresses[0].storage;
  if (endpoint->kind == STREAM_UNIX) (void)unlink(name->sun_path);
}
