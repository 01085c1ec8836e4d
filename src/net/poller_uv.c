/* The poller where there is no epoll (poller.h): one uv_poll_t a descriptor.
 *
 * libuv reports levels, the interface promises edges. So each event is asked for until it comes, and
 * then not again until its owner has met the end of it (poller_drained): `wanted` is what is asked
 * for now. The price is a change of mask for each edge; the gain is that it runs wherever libuv does.
 *
 * Weaker than epoll in one case: once the peer's FIN was told and neither direction is being waited
 * for, nothing is asked for, and a reset is noticed only when the owner moves again.
 */
#include "net/poller_turns.h"

#if !defined(__linux__) || defined(WSLUICE_POLLER_UV)

#include <assert.h>
#include <stdlib.h>

#include "core/error.h"
#include "net/transport.h"

struct poller {
  struct poller_turns turns; /* first: poller_turns.c sees only this part */
  uv_loop_t *loop;
};

/* Outlives its watch until libuv has closed the handle. */
struct handle {
  uv_poll_t poll;
  struct poller_watch *watch; /* NULL once removed */
  int wanted;                 /* uv_poll_event bits */
};

static unsigned ready_bits(int events) {
  unsigned ready = 0;
  if (events & UV_READABLE) ready |= TRANSPORT_READABLE;
  if (events & UV_WRITABLE) ready |= TRANSPORT_WRITABLE;
  if (events & UV_PRIORITIZED) ready |= POLLER_URGENT;
  if (events & UV_DISCONNECT) ready |= TRANSPORT_ENDING | TRANSPORT_READABLE;
  return ready;
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* uv_poll_start() with no events stops the handle. It can't fail for a live one. */
static void want(struct handle *handle, int wanted) {
  if (wanted == handle->wanted) return;
  handle->wanted = wanted;
  (void)uv_poll_start(&handle->poll, wanted, on_poll);
}

/* On an error libuv stops the handle and says UV_EBADF; it stays stopped: no event can follow. */
static void on_poll(uv_poll_t *poll, int status, int events) {
  struct handle *handle = poll->data;
  struct poller_watch *watch = handle->watch;
  unsigned ready = ready_bits(events);
  if (status < 0) {
    (void)uv_poll_stop(poll);
    handle->wanted = 0;
    ready = TRANSPORT_FAILED | TRANSPORT_READABLE | TRANSPORT_WRITABLE;
  } else {
    want(handle, handle->wanted & ~events);
  }
  poller_woke(watch->poller);
  watch->on_events(watch, ready);
}

/* After the end or an error these bits are never cleared through here, so nothing is asked for again
 * that would come without end. */
void poller_drained(struct poller_watch *watch, unsigned events) {
  struct handle *handle = watch->backend;
  int wanted = handle->wanted;
  if (events & TRANSPORT_READABLE) wanted |= UV_READABLE;
  if (events & TRANSPORT_WRITABLE) wanted |= UV_WRITABLE;
  want(handle, wanted);
}

static void on_turns_closed(struct poller_turns *turns) {
  free((struct poller *)(void *)turns);
}

struct poller *poller_open(uv_loop_t *loop) {
  struct poller *poller = calloc(1, sizeof *poller);
  if (poller == NULL) return NULL;
  poller->loop = loop;
  poller_turns_open(&poller->turns, loop);
  return poller;
}

void poller_drive(struct poller *poller, void (*before_sleep)(void *arg), void *arg) {
  (void)poller; /* there is nothing within something else */
  (void)before_sleep;
  (void)arg;
}

void poller_close(struct poller *poller) {
  poller_turns_close(&poller->turns, on_turns_closed);
}

int poller_add(struct poller *poller, struct poller_watch *watch, int fd, poller_fn on_events) {
  assert(fd >= 0 && on_events != NULL);
  poller_watch_init(watch);
  struct handle *handle = calloc(1, sizeof *handle);
  if (handle == NULL) return WSL_NO_MEMORY;
  if (uv_poll_init(poller->loop, &handle->poll, fd) != 0) {
    free(handle);
    return WSL_IO;
  }
  handle->poll.data = handle;
  handle->watch = watch;
  watch->on_events = on_events;
  watch->poller = poller;
  watch->fd = fd;
  watch->backend = handle;
  poller->turns.watches++;
  want(handle, UV_READABLE | UV_WRITABLE | UV_DISCONNECT | UV_PRIORITIZED);
  return WSL_OK;
}

static void on_handle_closed(uv_handle_t *handle) {
  free(handle->data);
}

void poller_remove(struct poller_watch *watch) {
  if (watch->fd < 0) return;
  struct handle *handle = watch->backend;
  list_remove(&watch->again);
  watch->fd = -1;
  watch->backend = NULL;
  watch->poller->turns.watches--;
  handle->watch = NULL;
  uv_close((uv_handle_t *)&handle->poll, on_handle_closed);
}

#endif
