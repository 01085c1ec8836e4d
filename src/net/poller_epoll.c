/* The poller on Linux (poller.h): one edge-triggered epoll instance a worker, itself watched by a
 * single uv_poll_t.
 *
 * A descriptor costs one epoll_ctl at birth and one at its end, whatever happens between. What must
 * hold: an event reaches a watch only if the watch held that descriptor when the kernel reported it.
 * Two cases break that inside a batch, and both are told apart without asking the kernel:
 *   - the watch was removed by an earlier event: fd is -1 (its memory lives on: poller_release);
 *   - it was removed and then registered for another descriptor: `added_in` names this very batch.
 */
#include "net/poller_turns.h"

#if defined(__linux__) && !defined(WSLUICE_POLLER_UV)

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/transport.h"

/* Events asked for at once: 3 KB of stack. */
#define BATCH_EVENTS 256

/* Full batches handled in one wake-up. The instance is watched level-triggered, so what is left comes
 * at the next turn, behind the loop's other work. */
#define BATCHES_PER_WAKE 8

struct poller {
  struct poller_turns turns; /* first: poller_turns.c sees only this part */
  uv_poll_t poll;
  int epoll_fd;
  uint64_t batch; /* number of the batch being handled, or handled last */

  /* poller_drive() */
  uv_prepare_t sleeper; /* active: the poller sleeps for the loop, in here */
  uv_idle_t awake;      /* active but in there: libuv does not sleep */
  bool libuv_due;       /* libuv has an event */
  unsigned open_handles;
  void (*before_sleep)(void *arg);
  void *before_sleep_arg;
};

/* EPOLLERR: a reset or another fatal error; what had arrived can still be read, then the error.
 * EPOLLHUP alone: both directions have ended in order. */
static unsigned ready_bits(uint32_t events) {
  unsigned ready = 0;
  if (events & EPOLLIN) ready |= TRANSPORT_READABLE;
  if (events & EPOLLOUT) ready |= TRANSPORT_WRITABLE;
  if (events & EPOLLPRI) ready |= POLLER_URGENT;
  if (events & (EPOLLRDHUP | EPOLLHUP)) ready |= TRANSPORT_ENDING | TRANSPORT_READABLE;
  if (events & EPOLLERR) ready |= TRANSPORT_FAILED | TRANSPORT_READABLE | TRANSPORT_WRITABLE;
  return ready;
}

static void handle_event(struct poller *poller, const struct epoll_event *event) {
  struct poller_watch *watch = event->data.ptr;
  if (watch == NULL) poller->libuv_due = true;
  if (watch == NULL || watch->fd < 0 || watch->added_in == poller->batch) return;
  watch->on_events(watch, ready_bits(event->events));
}

/* Waits for a batch of events, no longer than that (-1: for ever), and handles it. How many there were; after
 * a signal -1, and whoever waits does so again. */
static int handle_batch(struct poller *poller, int timeout_ms) {
  struct epoll_event events[BATCH_EVENTS];
  int count = epoll_wait(poller->epoll_fd, events, BATCH_EVENTS, timeout_ms);
  poller->batch++;
  uv_update_time(poller->poll.loop);
  poller_woke(poller);
  for (int i = 0; i < count; i++)
    handle_event(poller, &events[i]);
  return count;
}

/* ---- watched by the loop ---- */

/* libuv reports an error on the epoll descriptor as a status; there is none that epoll can have, and
 * epoll_wait would say the same. */
static void on_wake_up(uv_poll_t *handle, int status, int uv_events) {
  (void)status;
  (void)uv_events;
  int batches = 1;
  while (handle_batch(handle->data, 0) == BATCH_EVENTS && batches < BATCHES_PER_WAKE)
    batches++;
}

/* ---- sleeping for the loop ---- */

static void on_awake(uv_idle_t *handle) {
  (void)handle; /* its being active is all that is wanted */
}

/* Runs right before libuv would sleep. Leaves only when libuv has something to do: an event of its own, or
 * what it would not sleep for (a timer that is due, a handle to close, a descriptor that it was told to watch
 * and has not told the kernel). */
static void on_sleep(uv_prepare_t *handle) {
  struct poller *poller = handle->data;
  (void)uv_idle_stop(&poller->awake);
  bool libuv_turn = false;
  while (!libuv_turn && !uv_is_closing((uv_handle_t *)&poller->sleeper)) {
    poller->before_sleep(poller->before_sleep_arg);
    int timeout_ms = uv_backend_timeout(poller->poll.loop);
    (void)handle_batch(poller, poller_turns_wanted(&poller->turns) ? 0 : timeout_ms);
    poller_turns_serve(&poller->turns);
    libuv_turn = timeout_ms == 0 || poller->libuv_due;
    poller->libuv_due = false;
  }
  if (!uv_is_closing((uv_handle_t *)&poller->awake)) (void)uv_idle_start(&poller->awake, on_awake);
}

void poller_drive(struct poller *poller, void (*before_sleep)(void *arg), void *arg) {
  uv_loop_t *loop = poller->poll.loop;
  struct epoll_event libuv = {.events = EPOLLIN, .data.ptr = NULL};
  (void)uv_poll_stop(&poller->poll); /* first: the kernel refuses a circle */
  if (epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, uv_backend_fd(loop), &libuv) != 0) {
    (void)uv_poll_start(&poller->poll, UV_READABLE, on_wake_up);
    return;
  }
  poller->before_sleep = before_sleep;
  poller->before_sleep_arg = arg;
  poller->turns.driven = true;
  (void)uv_prepare_start(&poller->sleeper, on_sleep);
}

/* ---- birth and end ---- */

struct poller *poller_open(uv_loop_t *loop) {
  struct poller *poller = calloc(1, sizeof *poller);
  if (poller == NULL) return NULL;
  poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (poller->epoll_fd < 0) goto fail_poller;
  if (uv_poll_init(loop, &poller->poll, poller->epoll_fd) != 0) goto fail_descriptor;
  (void)uv_prepare_init(loop, &poller->sleeper);
  (void)uv_idle_init(loop, &poller->awake);
  poller->open_handles = 3;
  poller->poll.data = poller->sleeper.data = poller->awake.data = poller;
  poller_turns_open(&poller->turns, loop);
  (void)uv_poll_start(&poller->poll, UV_READABLE, on_wake_up); /* cannot fail for a fresh handle */
  return poller;

fail_descriptor:
  close(poller->epoll_fd);
fail_poller:
  free(poller);
  return NULL;
}

static void on_turns_closed(struct poller_turns *turns) {
  free((struct poller *)(void *)turns);
}

static void on_handle_closed(uv_handle_t *handle) {
  struct poller *poller = handle->data;
  if (--poller->open_handles > 0) return;
  close(poller->epoll_fd);
  poller_turns_close(&poller->turns, on_turns_closed);
}

void poller_close(struct poller *poller) {
  assert(poller->turns.watches == 0);
  poller->turns.driven = false;
  uv_close((uv_handle_t *)&poller->poll, on_handle_closed);
  uv_close((uv_handle_t *)&poller->sleeper, on_handle_closed);
  uv_close((uv_handle_t *)&poller->awake, on_handle_closed);
}

int poller_add(struct poller *poller, struct poller_watch *watch, int fd, poller_fn on_events) {
  assert(fd >= 0 && on_events != NULL);
  poller_watch_init(watch);
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET,
                              .data.ptr = watch};
  if (epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
    return errno == ENOMEM || errno == ENOSPC ? WSL_NO_MEMORY : WSL_IO;
  watch->on_events = on_events;
  watch->poller = poller;
  watch->fd = fd;
  watch->added_in = poller->batch;
  poller->turns.watches++;
  return WSL_OK;
}

void poller_remove(struct poller_watch *watch) {
  if (watch->fd < 0) return;
  struct poller *poller = watch->poller;
  /* Closing would take it out as well, but not while another process holds a copy of the descriptor. */
  (void)epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
  list_remove(&watch->again);
  watch->fd = -1;
  poller->turns.watches--;
}

/* Edges come by themselves. */
void poller_drained(struct poller_watch *watch, unsigned events) {
  (void)watch;
  (void)events;
}

#endif
