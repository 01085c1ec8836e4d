/* The backend's thread: accepting, and its start and stop (backend.h). What a session does is
 * backend_session.c's. */
#include "loadgen/backend.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/error.h"
#include "loadgen/backend_session.h"
#include "loadgen/pattern_file.h"

#define ACCEPTS_A_TURN  64u
#define ACCEPT_RETRY_MS 20u
#define LEFTOVERS_MS    20u

/* A source writes at least so much a call: smaller writes would measure the bench's own system calls. */
#define SOURCE_WRITE_MIN (16u * 1024u)

enum backend_kind backend_kind_for(enum bench_mode mode) {
  switch (mode) {
    case MODE_UP:
      return BACKEND_SINK;
    case MODE_DOWN:
      return BACKEND_SOURCE;
    case MODE_BOTH:
    case MODE_ECHO:
    case MODE_CONNECT:
    case MODE_IDLE:
      break;
  }
  return BACKEND_ECHO;
}

const char *backend_kind_name(enum backend_kind kind) {
  static const char *const names[] = {"sink", "source", "echo", "WebSocket echo"};
  return names[kind];
}

static void on_connection(struct poller_watch *watch, unsigned events);

static void on_retry(uv_timer_t *timer) {
  struct backend *backend = timer->data;
  if (poller_add(backend->lane.poller, &backend->listener, backend->listen_fd, on_connection) != WSL_OK)
    (void)uv_timer_start(timer, on_retry, ACCEPT_RETRY_MS, 0);
}

static void on_connection(struct poller_watch *watch, unsigned events) {
  struct backend *backend = LIST_ENTRY(watch, struct backend, listener);
  (void)events;
  for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
    int fd = accept4(backend->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      backend_session_begin(backend, fd);
      continue;
    }
    if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) return;
    poller_remove(watch);
    (void)uv_timer_start(&backend->retry, on_retry, ACCEPT_RETRY_MS, 0);
    return;
  }
  poller_again(watch); /* there may be more */
}

static void on_leftovers(uv_timer_t *timer) {
  backend_sessions_look(timer->data);
}

static void on_stop(uv_async_t *async) {
  struct backend *backend = async->data;
  backend->closing = true;
  backend_sessions_end(backend);
  poller_remove(&backend->listener);
  uv_close((uv_handle_t *)&backend->leftovers, NULL);
  uv_close((uv_handle_t *)&backend->retry, NULL);
  uv_close((uv_handle_t *)&backend->stop, NULL);
  uv_stop(&backend->lane.loop);
}

static void run_thread(void *arg) {
  struct backend *backend = arg;
  uv_run(&backend->lane.loop, UV_RUN_DEFAULT);
  lane_close(&backend->lane);
}

static int open_handles(struct backend *backend) {
  uv_loop_t *loop = &backend->lane.loop;
  backend->retry.data = backend->leftovers.data = backend->stop.data = backend;
  if (uv_timer_init(loop, &backend->retry) != 0 || uv_timer_init(loop, &backend->leftovers) != 0 ||
      uv_async_init(loop, &backend->stop, on_stop) != 0)
    return WSL_IO;
  if (backend->in_bulk) (void)uv_timer_start(&backend->leftovers, on_leftovers, LEFTOVERS_MS, LEFTOVERS_MS);
  return poller_add(backend->lane.poller, &backend->listener, backend->listen_fd, on_connection);
}

static size_t source_write_len(size_t wished) {
  return wished < SOURCE_WRITE_MIN ? SOURCE_WRITE_MIN : wished;
}

int backend_start(struct backend *backend, const struct url *address, const struct backend_wishes *wishes,
                  const struct pattern *pattern, char why[ENDPOINT_WHY_MAX]) {
  *backend = (struct backend){.kind = wishes->kind,
                              .verify = wishes->verify,
                              .in_bulk = wishes->in_bulk,
                              .pattern = pattern,
                              .pattern_file = PATTERN_FILE_NONE,
                              .listen_fd = -1};
  list_init(&backend->sessions);
  int error = endpoint_resolve(&backend->endpoint, address, why);
  if (error == WSL_OK) error = endpoint_listen(&backend->endpoint, &backend->listen_fd, why);
  if (error != WSL_OK) return error;
  (void)snprintf(why, ENDPOINT_WHY_MAX, "the backend could not be started: no memory or descriptors");
  error = outgoing_init(&backend->outgoing, pattern, OUTGOING_PLAIN, WSL_OP_BINARY,
                        source_write_len(wishes->write_len));
  if (error != WSL_OK) goto fail_socket;
  if (wishes->kind == BACKEND_SOURCE && backend->endpoint.kind == STREAM_TCP)
    backend->pattern_file = pattern_file_open(pattern);
  error = lane_open(&backend->lane);
  if (error != WSL_OK) goto fail_socket;
  /* Should the thread not start, the process ends: the loop is not worth taking apart. */
  if (open_handles(backend) == WSL_OK && uv_thread_create(&backend->thread, run_thread, backend) == 0)
    return WSL_OK;
  error = WSL_IO;

fail_socket:
  pattern_file_close(backend->pattern_file);
  outgoing_destroy(&backend->outgoing);
  close(backend->listen_fd);
  endpoint_forget(&backend->endpoint);
  return error;
}

void backend_stop(struct backend *backend) {
  (void)uv_async_send(&backend->stop);
  uv_thread_join(&backend->thread);
  close(backend->listen_fd);
  endpoint_forget(&backend->endpoint);
  outgoing_destroy(&backend->outgoing);
  pattern_file_close(backend->pattern_file);
}
