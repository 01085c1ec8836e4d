/* ctest: wrap=slab_take */
/* A session that can't be opened for want of memory takes nothing over. */
#include "bridge/world.h"

#include <stdlib.h>
#include <string.h>

void *__wrap_slab_take(struct slab *slab);

void *__wrap_slab_take(struct slab *slab) {
  (void)slab;
  return NULL;
}

static void nothing_is_taken_over(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  struct buffer *early = buffer_borrow(&w.pool, BUFFER_UP);
  assert_non_null(early);
  memcpy(early->data, "early", 5);
  struct session_birth birth = {
      .client = peer_connect(&w.client),
      .backend = peer_connect(&w.backend),
      .target = &w.target,
      .own_target = malloc(1),
      .early = early,
      .early_at = early->data,
      .early_len = 5,
  };
  assert_int_equal(session_open(&w.domain, &birth), WSL_NO_MEMORY);
  assert_int_equal(w.domain.count, 0);
  assert_int_equal(peer_calls(&w.client) + peer_calls(&w.backend), 0);
  assert_int_equal(timers_next_ms(&w.timers), -1);
  /* All are the caller's still: it answers, and lets go of them. */
  free(birth.own_target);
  buffer_return(&w.pool, early);
  transport_close(birth.client);
  transport_close(birth.backend);
  w.ended = 1;
  world_end(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_taken_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
