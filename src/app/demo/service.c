/* The demo service's frame: its thread, its loop and its listening socket.
 *
 * Binding happens on the caller's thread, so that errors and the port come back from start(); then
 * the loop belongs to the service's thread alone. The only thing that crosses over afterwards is
 * the async handle that asks it to end.
 */
#include "app/demo/service.h"

#include <assert.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "app/demo/user.h"
#include "core/error.h"
#include "core/log.h"
#include "core/signal_mask.h"

#define LISTEN_BACKLOG 128

struct demo_service {
  uv_loop_t loop;
  uv_tcp_t listener;
  uv_async_t stop;
  uv_thread_t thread;
  struct demo_crowd crowd;
};

static void on_connection(uv_stream_t *listener, int status) {
  struct demo_service *service = listener->data;
  if (status != 0) {
    log_event(LOG_WARN, 0, "demo service could not accept error=%s", error_name(error_from_errno(status)));
    return;
  }
  demo_user_accept(&service->crowd, listener);
}

/* On the service's thread: closes every handle, so that uv_run() returns. */
static void on_stop(uv_async_t *stop) {
  struct demo_service *service = stop->data;
  struct list *node, *next;
  for (node = service->crowd.users.next; node != &service->crowd.users; node = next) {
    next = node->next; /* closing takes the user out of the list */
    demo_user_close(LIST_ENTRY(node, struct demo_user, node));
  }
  uv_close((uv_handle_t *)&service->listener, NULL);
  uv_close((uv_handle_t *)&service->stop, NULL);
}

static void run_loop(void *argument) {
  struct demo_service *service = argument;
  uv_run(&service->loop, UV_RUN_DEFAULT);
}

/* Binds and listens; *port is what the kernel picked. Returns a libuv code. */
static int listen_on_loopback(struct demo_service *service, uint16_t *port) {
  struct sockaddr_in address = {0};
  int length = sizeof address;
  int error = uv_ip4_addr("127.0.0.1", 0, &address);
  if (error == 0) error = uv_tcp_bind(&service->listener, (const struct sockaddr *)&address, 0);
  if (error == 0) error = uv_listen((uv_stream_t *)&service->listener, LISTEN_BACKLOG, on_connection);
  if (error == 0) error = uv_tcp_getsockname(&service->listener, (struct sockaddr *)&address, &length);
  if (error == 0) *port = ntohs(address.sin_port);
  return error;
}

/* A thread inherits the signal mask: blocked for the moment of its birth, every signal stays with
 * the thread that handles them. A write to a reset peer then raises no SIGPIPE either. */
static int start_thread(struct demo_service *service) {
  sigset_t before = signals_block_all();
  int error = uv_thread_create(&service->thread, run_loop, service);
  signals_restore(&before);
  return error;
}

int demo_service_start(struct demo_service **service, uint16_t *port) {
  uint16_t bound = 0;
  struct demo_service *fresh = calloc(1, sizeof *fresh);
  if (fresh == NULL) return WSL_NO_MEMORY;

  int error = uv_loop_init(&fresh->loop);
  if (error != 0) goto fail_loop;
  error = uv_tcp_init(&fresh->loop, &fresh->listener);
  if (error != 0) goto fail_listener;
  fresh->listener.data = fresh;
  error = uv_async_init(&fresh->loop, &fresh->stop, on_stop);
  if (error != 0) goto fail_stop;
  fresh->stop.data = fresh;

  demo_crowd_init(&fresh->crowd, &fresh->loop);
  error = listen_on_loopback(fresh, &bound);
  if (error == 0) error = start_thread(fresh);
  if (error != 0) goto fail_start;

  *service = fresh;
  *port = bound;
  log_event(LOG_DEBUG, 0, "demo service listening address=127.0.0.1 port=%u", bound);
  return WSL_OK;

fail_start:
  uv_close((uv_handle_t *)&fresh->stop, NULL);
fail_stop:
  uv_close((uv_handle_t *)&fresh->listener, NULL);
fail_listener:
  uv_run(&fresh->loop, UV_RUN_DEFAULT); /* a handle is closed only after a turn of the loop */
  uv_loop_close(&fresh->loop);
fail_loop:
  free(fresh);
  return error_from_errno(error);
}

void demo_service_stop(struct demo_service *service) {
  if (service == NULL) return;
  uv_async_send(&service->stop);
  uv_thread_join(&service->thread);
  int busy = uv_loop_close(&service->loop);
  assert(busy == 0);
  (void)busy;
  free(service);
}
