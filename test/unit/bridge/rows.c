/* Plays rows (rows.h). */
#include "bridge/rows.h"

#include <assert.h>
#include <stdio.h>

#define ROWS_MAX 64

static const size_t chunks[] = {0, 1, 2, 3, 7}; /* 0: whole */

struct play {
  const struct row *row;
  size_t chunk;
  char name[96];
};

static void play(void **state) {
  const struct play *p = *state;
  struct world w;
  world_init(&w);
  world_chop(&w, p->chunk);
  p->row->play(&w);
  world_end(&w);
}

int rows_play(const struct row *rows, size_t count) {
  static struct play plays[ROWS_MAX * COUNT_OF(chunks)];
  static struct CMUnitTest tests[COUNT_OF(plays)];
  assert(count <= ROWS_MAX);
  size_t play_count = count * COUNT_OF(chunks);
  for (size_t i = 0; i < play_count; i++) {
    struct play *p = &plays[i];
    p->row = &rows[i / COUNT_OF(chunks)];
    p->chunk = chunks[i % COUNT_OF(chunks)];
    snprintf(p->name, sizeof p->name, "%s, pieces of %zu", p->row->name, p->chunk);
    tests[i] = (struct CMUnitTest){.name = p->name, .test_func = play, .initial_state = p};
  }
  /* cmocka_run_group_tests() wants an array, of which it takes the size. */
  return _cmocka_run_group_tests("rows", tests, play_count, NULL, NULL);
}
