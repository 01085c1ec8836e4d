/* ctest: wrap=posix_memalign */
/* Sessions without memory for a buffer: none exists that could come back, so nobody would wake them. */
#include "bridge/world.h"

#include <errno.h>
#include <stdlib.h>

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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_wait_for_memory),
      cmocka_unit_test(ends_wait_for_memory),
      cmocka_unit_test(a_session_without_memory_can_be_stopped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
