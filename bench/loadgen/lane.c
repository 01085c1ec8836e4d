/* A loop with all that belongs to it (lane.h). */
#include "loadgen/lane.h"

#include <assert.h>
#include <stdlib.h>

int lane_open(struct lane *lane) {
  *lane = (struct lane){0};
  lane->buffer = malloc(LANE_BUFFER_LEN);
  if (lane->buffer == NULL) return WSL_NO_MEMORY;
  if (uv_loop_init(&lane->loop) != 0) goto fail_buffer;
  lane->poller = poller_open(&lane->loop);
  if (lane->poller == NULL) goto fail_loop;
  stream_domain_init(&lane->streams, lane->poller);
  return WSL_OK;

fail_loop:
  uv_loop_close(&lane->loop);
fail_buffer:
  free(lane->buffer);
  return WSL_IO;
}

void lane_close(struct lane *lane) {
  while (lane->streams.open > 0) /* closed streams wait for the end of a batch */
    uv_run(&lane->loop, UV_RUN_ONCE);
  stream_domain_destroy(&lane->streams);
  poller_close(lane->poller);
  while (uv_loop_alive(&lane->loop)) /* a uv_stop() from before ends a run too early */
    uv_run(&lane->loop, UV_RUN_DEFAULT);
  int busy = uv_loop_close(&lane->loop);
  assert(busy == 0);
  (void)busy;
  free(lane->buffer);
}
