/* See net/socket_connect.h. */
#include "net/socket_connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"

/* Changes of the range of local ports are noticed within this time. */
#define OWN_PORTS_MS 10000u

/* Which of several failures the operator should read: first what is wrong with this process (it hides
 * whether the backend is well), then the answers of a living host, then silence, then no way there. */
static int telling(int error) {
  static const int order[] = {WSL_NO_DESCRIPTOR, WSL_NO_MEMORY,   WSL_NO_PORT, WSL_NO_ADDRESS,
                              WSL_REFUSED,       WSL_RESET,       WSL_DENIED,  WSL_NOT_FOUND,
                              WSL_TIMED_OUT,     WSL_UNREACHABLE, WSL_IO,      WSL_UNSUPPORTED};
  const int kinds = (int)(sizeof order / sizeof order[0]);
  for (int i = 0; i < kinds; i++) {
    if (order[i] == error) return kinds - i;
  }
  return error == WSL_OK ? -1 : 0;
}

int connect_worse(int error, int other) {
  return telling(other) > telling(error) ? other : error;
}

/* ---- beginning ---- */

void connector_init(struct connector *connector, const struct socket_tuning *tuning,
                    const struct source_addresses *sources, size_t turn) {
  *connector = (struct connector){.tuning = tuning};
  source_turns_init(&connector->sources, sources, turn);
}

/* What connect() said, in our words. */
static int connect_error(int system_errno, const struct address *target, const struct address *source) {
  switch (system_errno) {
    case EAGAIN: /* the kernel's want of something, not a matter of waiting */
      return WSL_IO;
    case EADDRNOTAVAIL: /* also said where IPv6 is off and there is no address to go out from */
      return socket_has_route(target, source) ? WSL_NO_PORT : WSL_UNREACHABLE;
    case EINVAL: /* from a loopback address into the world */
      return source != NULL ? WSL_UNREACHABLE : WSL_INVALID;
    default:
      return error_from_errno(system_errno);
  }
}

/* A non-blocking connect that a signal interrupts goes on by itself, like one in progress. */
static struct connect_result try_connect(int fd, const struct address *target, const struct address *source) {
  if (connect(fd, (const struct sockaddr *)&target->storage, target->len) == 0)
    return (struct connect_result){CONNECT_DONE, fd, WSL_OK};
  if (errno == EINPROGRESS || errno == EINTR) return (struct connect_result){CONNECT_BEGUN, fd, WSL_OK};
  if (errno == EAGAIN && target->storage.ss_family == AF_UNIX)
    return (struct connect_result){CONNECT_BUSY, -1, WSL_OK};
  return (struct connect_result){CONNECT_FAILED, -1, connect_error(errno, target, source)};
}

/* From `source`, or (NULL) from where the system likes. */
static struct connect_result connect_from(const struct connector *connector, const struct address *target,
                                          const struct address *source) {
  struct connect_result result = {CONNECT_FAILED, -1, WSL_OK};
  int fd = socket_create(target->storage.ss_family);
  if (fd < 0) {
    result.error = error_from_errno(errno);
    return result;
  }
  if (target->storage.ss_family != AF_UNIX) socket_tune_dialled(fd, connector->tuning);
  if (source != NULL) result.error = socket_bind_source(fd, source);
  if (result.error == WSL_OK) result = try_connect(fd, target, source);
  if (result.fd < 0) close(fd);
  return result;
}

struct connect_result connect_begin(struct connector *connector, const struct address *target,
                                    uint64_t now_ms) {
  struct source_walk walk;
  if (!source_walk_begin(&walk, &connector->sources, target, now_ms))
    return connect_from(connector, target, NULL);
  const struct address *source;
  int error = WSL_OK;
  while ((source = source_walk_next(&walk)) != NULL) {
    struct connect_result result = connect_from(connector, target, source);
    if (result.state != CONNECT_FAILED) return result;
    if (result.error == WSL_NO_PORT) source_walk_full(&walk);
    error = connect_worse(error, result.error);
  }
  return (struct connect_result){CONNECT_FAILED, -1, error};
}

/* ---- meeting oneself ---- */

static bool is_own_port(struct connector *connector, uint16_t port, uint64_t now_ms) {
  if (now_ms >= connector->own_ports_due_ms) {
    connector->own_ports = socket_ephemeral_ports();
    connector->own_ports_due_ms = now_ms + OWN_PORTS_MS;
  }
  return port != 0 && port >= connector->own_ports.first && port <= connector->own_ports.last;
}

bool connect_met_itself(struct connector *connector, int fd, const struct address *target, uint64_t now_ms) {
  struct address local = {.len = sizeof local.storage};
  if (!is_own_port(connector, address_port(target), now_ms)) return false;
  if (getsockname(fd, (struct sockaddr *)&local.storage, &local.len) != 0) return false;
  const void *a = &local.storage, *b = &target->storage;
  const struct sockaddr_in *a4 = a, *b4 = b;
  const struct sockaddr_in6 *a6 = a, *b6 = b;
  if (local.storage.ss_family != target->storage.ss_family || address_port(&local) != address_port(target))
    return false;
  if (local.storage.ss_family == AF_INET) return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
  return memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
}
