/* See server/listener.h. */
#include "server/listener.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/list.h"
#include "core/log.h"

/* Clients accepted in one wake-up; the poll is level-triggered, so the rest comes at the next turn. */
#define ACCEPTS_A_TURN 64

/* The longest queue that a kernel keeps, and an end to it should every accept4() fail. */
#define ACCEPTS_AT_STOP_MAX 65536

#define RETRY_MS 100u

enum accept_result { ACCEPT_MORE, ACCEPT_DRAINED, ACCEPT_PAUSED };

static void set_state(struct listener *listener, enum listener_state state);

static void on_readable(uv_poll_t *handle, int status, int events);

/* Descriptors or memory are short: the client stays in the backlog. */
static void pause_short(struct listener *listener, int error) {
  if (!listener->short_logged) {
    log_event(LOG_WARN, 0, "can't accept: %s: new clients wait", strerror(error));
    listener->short_logged = true;
  }
  set_state(listener, LISTENER_SHORT);
}

static void note_recovery(struct listener *listener) {
  if (!listener->short_logged) return;
  listener->short_logged = false;
  log_event(LOG_INFO, 0, "accepting again");
}

/* What errno says after accept4(). Network errors of a client that has gone again (ECONNABORTED and
 * those that accept(2) lists) concern only that client. */
static enum accept_result judge_error(struct listener *listener, int error) {
  switch (error) {
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
      return ACCEPT_DRAINED;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      pause_short(listener, error);
      return ACCEPT_PAUSED;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EOPNOTSUPP:
    case EFAULT: /* none of these can be; going on would spin */
      pause_short(listener, error);
      return ACCEPT_PAUSED;
    default:
      return ACCEPT_MORE;
  }
}

static enum accept_result accept_one(struct listener *listener) {
  if (!admission_acquire(listener->admission, listener->waiter)) {
    set_state(listener, LISTENER_FULL);
    return ACCEPT_PAUSED;
  }
  struct address peer = {.len = sizeof(peer.storage)};
  int fd = accept4(listener->fd, (struct sockaddr *)&peer.storage, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    int error = errno;
    admission_release(listener->admission);
    return judge_error(listener, error);
  }
  note_recovery(listener);
  listener->on_accept(listener->owner, fd, &peer);
  return ACCEPT_MORE;
}

static void on_readable(uv_poll_t *handle, int status, int events) {
  (void)status; /* an error shows in accept4() */
  (void)events;
  struct listener *listener = LIST_ENTRY(handle, struct listener, poll);
  for (int i = 0; i < ACCEPTS_A_TURN; i++) {
    if (accept_one(listener) != ACCEPT_MORE) return;
  }
}

static void on_retry(struct timer *timer) {
  struct listener *listener = LIST_ENTRY(timer, struct listener, retry);
  if (listener->state == LISTENER_SHORT) set_state(listener, LISTENER_POLLING);
}

static void set_state(struct listener *listener, enum listener_state state) {
  if (listener->state == LISTENER_CLOSED) return; /* while the last clients are accepted */
  listener->state = state;
  if (state == LISTENER_POLLING) {
    (void)uv_poll_start(&listener->poll, UV_READABLE, on_readable); /* can't fail for an open handle */
    return;
  }
  (void)uv_poll_stop(&listener->poll);
  if (state == LISTENER_SHORT)
    timer_arm(listener->timers, &listener->retry, listener->timers->now_ms + RETRY_MS);
}

int listener_open(struct listener *listener, uv_loop_t *loop, struct listener_socket socket,
                  struct timers *timers, struct admission *admission, struct admission_waiter *waiter,
                  listener_fn on_accept, void *owner) {
  *listener = (struct listener){.fd = socket.fd,
                                .queue = socket.queue,
                                .state = LISTENER_POLLING,
                                .timers = timers,
                                .admission = admission,
                                .waiter = waiter,
                                .on_accept = on_accept,
                                .owner = owner};
  timer_init(&listener->retry, on_retry);
  if (uv_poll_init(loop, &listener->poll, socket.fd) != 0) return WSL_IO;
  set_state(listener, LISTENER_POLLING);
  return 0;
}

void listener_resume(struct listener *listener) {
  if (listener->state == LISTENER_FULL) set_state(listener, LISTENER_POLLING);
}

void listener_stop(struct listener *listener) {
  if (listener->state == LISTENER_CLOSED) return;
  (void)uv_poll_stop(&listener->poll);
  timer_disarm(listener->timers, &listener->retry);
  listener->state = LISTENER_CLOSED;
  for (int i = 0; listener->queue == LISTENER_QUEUE_ENDS && i < ACCEPTS_AT_STOP_MAX; i++) {
    if (accept_one(listener) != ACCEPT_MORE) break;
  }
  uv_close((uv_handle_t *)&listener->poll, NULL);
  close(listener->fd);
  listener->fd = -1;
}
