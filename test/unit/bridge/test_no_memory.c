/* ctest: wrap=posix_memalign */
/* Sessions without memory: for a buffer, where none exists that could come back, so that nobody would wake
 * them; or the kernel has none to read or to write with.
 */
#include "bridge/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool out_of_memory;
static unsigned refusals;

int __real_posix_memalign(void **memory, size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size) {
  if (!out_of_memory) return __real_posix_memalign(memory, alignment, size);
  refusals++;
  return ENOMEM;
}

static void start(struct world *w) {
  world_init(w);
  out_of_memory = true;
  refusals = 0;
  world_open(w);
}

static void start_with_memory(struct world *w) {
  world_init(w);
  out_of_memory = false;
  world_open(w);
}

static void bytes_wait_for_memory(void **state) {
  (void)state;
  struct world w;
  start(&w);
  client_data(&w, "up");
  peer_send(&w.backend, "down", 4);
  world_rest(&w);
  world_advance(&w, 1000);
  assert_in_range(refusals, 2, 24); /* asked for again, both ways, but not in a circle */
  out_of_memory = false;
  world_advance(&w, 200);
  assert_backend_got(&w, "up");
  assert_client_story(&w, "data(4)");
  session_domain_cut(&w.domain);
  world_end(&w);
}

/* Ends are read into a buffer too. */
static void ends_wait_for_memory(void **state) {
  (void)state;
  struct world w;
  start(&w);
  peer_finish(&w.backend);
  world_rest(&w);
  world_advance(&w, 1000);
  assert_int_equal(w.domain.count, 1);
  out_of_memory = false;
  world_advance(&w, 200);
  assert_client_story(&w, "close(1000 Target closed)");
  client_close_with(&w, 1000, "");
  peer_finish(&w.client);
  world_rest(&w);
  world_end(&w);
}

static void a_session_without_memory_can_be_stopped(void **state) {
  (void)state;
  struct world w;
  start(&w);
  client_data(&w, "up");
  world_rest(&w);
  session_domain_go_away(&w.domain);
  world_advance(&w, 70 * 1000); /* its Close can't be read, but ours was sent */
  assert_client_story(&w, "close(1001 Going away)");
  world_end(&w);
}

static void a_target_that_can_not_be_read_is_lost(void **state) {
  (void)state;
  struct world w;
  start_with_memory(&w);
  peer_send(&w.backend, "so far", 6);
  w.backend.end = PEER_UNREADABLE;
  peer_edge_for_nothing(&w.backend);
  world_rest(&w);
  assert_client_story(&w, "data(6) close(1011 Target reset the connection)");
  client_close_with(&w, 1011, "");
  peer_finish(&w.client);
  world_rest(&w);
  assert_seen_end(&w.backend, SEEN_RESET);
  world_end(&w);
}

static void a_client_that_can_not_be_read_is_lost(void **state) {
  (void)state;
  struct world w;
  start_with_memory(&w);
  client_data(&w, "so far");
  w.client.end = PEER_UNREADABLE;
  peer_edge_for_nothing(&w.client);
  world_rest(&w);
  assert_backend_got(&w, "so far");
  assert_seen_end(&w.backend, SEEN_RESET);
  assert_seen_end(&w.client, SEEN_RESET);
  assert_non_null(strstr(world_last_line(), "side=client cause=\"Out of memory\""));
  world_end(&w);
}

/* In the midst of the pongs to one read, of which more than a write would follow. */
static void a_flood_whose_pongs_can_not_be_written_ends(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  out_of_memory = false;
  buffer_pool_destroy(&w.pool);
  buffer_pool_init(&w.pool, 65536, 4);
  world_open(&w);
  struct bytes frames = {0};
  for (int i = 0; i < 5000; i++)
    frame_add(&frames, WSL_OP_PING, FIN_LAST, "", 0);
  w.client.write_error = WSL_NO_MEMORY;
  peer_send(&w.client, frames.data, frames.len);
  bytes_free(&frames);
  world_rest(&w);
  assert_int_equal(w.client.writes, 1); /* none behind the one that failed */
  assert_seen_end(&w.client, SEEN_RESET);
  assert_seen_end(&w.backend, SEEN_RESET);
  world_end(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_wait_for_memory),
      cmocka_unit_test(ends_wait_for_memory),
      cmocka_unit_test(a_session_without_memory_can_be_stopped),
      cmocka_unit_test(a_target_that_can_not_be_read_is_lost),
      cmocka_unit_test(a_client_that_can_not_be_read_is_lost),
      cmocka_unit_test(a_flood_whose_pongs_can_not_be_written_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
