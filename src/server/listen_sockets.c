/* See server/listen_sockets.h. */
#include "server/listen_sockets.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/error.h"
#include "core/log.h"
#include "server/listen_address.h"

static struct listener_socket *share_of(struct listen_sockets *sockets, unsigned worker, size_t index) {
  return &sockets->shares[worker * sockets->room + index];
}

size_t listen_sockets_planned(const struct server_settings *settings) {
  return settings->inherited_count + (settings->unix_listen != NULL) + (settings->listen_host != NULL);
}

static int explain(int error, char *why, size_t why_cap) {
  snprintf(why, why_cap, "can't start: listening sockets: %s", error_text(error));
  return error;
}

static int make_room(struct listen_sockets *sockets, size_t room, unsigned workers) {
  sockets->room = room;
  sockets->workers = workers;
  if (room == 0) return WSL_OK;
  sockets->all = calloc(room, sizeof *sockets->all);
  sockets->shares = calloc(room * workers, sizeof *sockets->shares);
  if (sockets->all == NULL || sockets->shares == NULL) return WSL_NO_MEMORY;
  for (size_t i = 0; i < room * workers; i++)
    sockets->shares[i].fd = -1;
  return WSL_OK;
}

/* The first worker has `fd`, the others duplicates of it. */
static int share(struct listen_sockets *sockets, size_t index, struct listener_socket socket) {
  *share_of(sockets, 0, index) = socket;
  for (unsigned worker = 1; worker < sockets->workers; worker++) {
    struct listener_socket *other = share_of(sockets, worker, index);
    other->queue = socket.queue;
    other->fd = fcntl(socket.fd, F_DUPFD_CLOEXEC, 0);
    if (other->fd < 0) return WSL_NO_DESCRIPTOR;
  }
  return WSL_OK;
}

static int open_unix(struct listen_sockets *sockets, size_t index, const struct server_settings *settings,
                     char *why, size_t why_cap) {
  int fd = unix_listen_open(&sockets->unix_listen, settings->unix_listen, settings->unix_listen_mode,
                            settings->backlog, &sockets->all[index].address, why, why_cap);
  if (fd < 0) return fd;
  int error = share(sockets, index, (struct listener_socket){fd, LISTENER_QUEUE_ENDS});
  return error == WSL_OK ? WSL_OK : explain(error, why, why_cap);
}

/* Whether one of those that we have got has that port. */
static bool is_handed_down(const struct listen_sockets *sockets, uint16_t port) {
  for (size_t i = 0; i < sockets->count; i++) {
    if (port != 0 && address_port(&sockets->all[i].address) == port) return true;
  }
  return false;
}

/* One socket a worker: the first claims the port alone, so that a second instance fails. */
static int open_address(struct listen_sockets *sockets, size_t index, const struct server_settings *settings,
                        char *why, size_t why_cap) {
  struct address *address = &sockets->all[index].address;
  int error = listen_address_resolve(settings->listen_host, settings->listen_port, settings->listen_family,
                                     address, why, why_cap);
  for (unsigned worker = 0; error == WSL_OK && worker < sockets->workers; worker++) {
    enum listen_sharing sharing = LISTEN_OTHER;
    if (worker == 0) sharing = sockets->workers == 1 ? LISTEN_ALONE : LISTEN_FIRST;
    int fd = listen_address_bind(settings->listen_host, address, sharing, &settings->sockets,
                                 settings->backlog, why, why_cap);
    if (fd < 0) error = fd;
    *share_of(sockets, worker, index) = (struct listener_socket){fd < 0 ? -1 : fd, LISTENER_QUEUE_ENDS};
  }
  return error;
}

/* What its connections are to have they inherit from it (net/socket_tuning.h). */
static int take_over(struct listen_sockets *sockets, size_t index, const struct server_settings *settings) {
  const struct inherited_socket *inherited = &settings->inherited[index];
  struct listen_socket *socket = &sockets->all[index];
  socket->name = inherited->name;
  socket->address.len = sizeof socket->address.storage;
  if (getsockname(inherited->fd, (struct sockaddr *)&socket->address.storage, &socket->address.len) != 0)
    return WSL_IO;
  if (socket->address.storage.ss_family != AF_UNIX) socket_tune_listener(inherited->fd, &settings->sockets);
  return share(sockets, index, (struct listener_socket){inherited->fd, LISTENER_QUEUE_STAYS});
}

/* An address whose port was handed down is listened on already: what stands in a unit file beside its socket
 * unit, or on a command line that knows nothing of it, goes on meaning what it did. */
static int open_address_or_leave(struct listen_sockets *sockets, const struct server_settings *settings,
                                 char *why, size_t why_cap) {
  int error = open_address(sockets, sockets->count, settings, why, why_cap);
  if (error == WSL_IN_USE && is_handed_down(sockets, settings->listen_port)) {
    log_event(LOG_INFO, 0, "port %u is among the inherited sockets: listening on that one",
              (unsigned)settings->listen_port);
    return WSL_OK;
  }
  sockets->count++;
  return error;
}

int listen_sockets_open(struct listen_sockets *sockets, const struct server_settings *settings,
                        unsigned workers, char *why, size_t why_cap) {
  int error = make_room(sockets, listen_sockets_planned(settings), workers);
  while (error == WSL_OK && sockets->count < settings->inherited_count)
    error = take_over(sockets, sockets->count++, settings);
  if (error != WSL_OK) return explain(error, why, why_cap);
  if (settings->unix_listen != NULL) error = open_unix(sockets, sockets->count++, settings, why, why_cap);
  if (error == WSL_OK && settings->listen_host != NULL)
    error = open_address_or_leave(sockets, settings, why, why_cap);
  return error;
}

const struct listener_socket *listen_sockets_take(struct listen_sockets *sockets) {
  assert(sockets->taken < sockets->workers);
  return share_of(sockets, sockets->taken++, 0);
}

uint16_t listen_sockets_port(const struct listen_sockets *sockets) {
  for (size_t i = 0; i < sockets->count; i++) {
    if (address_port(&sockets->all[i].address) != 0) return address_port(&sockets->all[i].address);
  }
  return 0;
}

void listen_sockets_close(struct listen_sockets *sockets) {
  for (size_t i = sockets->taken * sockets->room;
       sockets->shares != NULL && i < sockets->workers * sockets->room; i++) {
    if (sockets->shares[i].fd >= 0) close(sockets->shares[i].fd);
  }
  free(sockets->shares);
  free(sockets->all);
  unix_listen_remove(&sockets->unix_listen);
  *sockets = (struct listen_sockets){0};
}
