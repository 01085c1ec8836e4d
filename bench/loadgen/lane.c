/* A loop with all that belongs to it (lane.h). */
#include "loadgen/lane.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

static void before_sleep(void *arg) {
  (void)arg;
}

static void on_closing(uv_idle_t *idle) {
  (void)idle;
}

int lane_open(struct lane *lane) {
  *lane = (struct lane){0};
  lane->buffer = malloc(LANE_BUFFER_LEN);
  if (lane->buffer == NULL) return WSL_NO_MEMORY;
  if (uv_loop_init(&lane->loop) != 0) goto fail_buffer;
  lane->poller = poller_open(&lane->loop);
  if (lane->poller == NULL) goto fail_loop;
  stream_domain_init(&lane->streams, lane->poller);
  (void)uv_idle_init(&lane->loop, &lane->closing);
  poller_drive(lane->poller, before_sleep, NULL); /* one epoll_wait() a wake-up, as wsluice's own workers */
  return WSL_OK;

fail_loop:
  uv_loop_close(&lane->loop);
fail_buffer:
  free(lane->buffer);
  return WSL_IO;
}

void lane_receive_at_least(const struct transport *stream, int bytes) {
  (void)setsockopt(stream_fd(stream), SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

void lane_turn(struct lane *lane) {
  (void)uv_idle_start(&lane->closing, on_closing);
  uv_run(&lane->loop, UV_RUN_ONCE);
}

void lane_close(struct lane *lane) {
  while (lane->streams.open > 0) /* closed streams wait for the end of a batch */
    lane_turn(lane);
  stream_domain_destroy(&lane->streams);
  poller_close(lane->poller);
  uv_close((uv_handle_t *)&lane->closing, NULL);
  while (uv_loop_alive(&lane->loop)) /* a uv_stop() from before ends a run too early */
    uv_run(&lane->loop, UV_RUN_DEFAULT);
  int busy = uv_loop_close(&lane->loop);
  assert(busy == 0);
  (void)busy;
  free(lane->buffer);
}
