/* The worker's side of the board (board.h): nothing here costs more than a few stores a seed. */
#include "board.h"

#include <signal.h>
#include <unistd.h>

#include "leaks.h"
#include "play.h"
#include "watch.h"

/* A life takes well under a millisecond, with sanitizers ten times that. */
#define SEED_CPU_MS 5000u

static void play_seed(uint64_t seed) {
  struct plan plan;
  plan_draw(&plan, seed);
  watch_begin();
  play(&plan);
}

/* Plays what is left of the seeds taken, and looks once whether any has left memory behind: the look is dear.
 */
static void play_chunk(struct place *place) {
  for (;;) {
    uint64_t seed = atomic_load_explicit(&place->next, memory_order_relaxed);
    if (seed == atomic_load_explicit(&place->end, memory_order_relaxed)) break;
    atomic_store_explicit(&place->next, seed + 1, memory_order_relaxed);
    play_seed(seed);
    atomic_fetch_add_explicit(&place->played, 1, memory_order_relaxed);
  }
  atomic_store(&place->looks_for_leaks, true);
  leaks_check();
  atomic_store(&place->looks_for_leaks, false);
}

static bool take_chunk(struct board *board, struct place *place) {
  uint64_t first = atomic_fetch_add(&board->untaken, board->chunk);
  if (first >= board->end) return false;
  uint64_t count = board->end - first < board->chunk ? board->end - first : board->chunk;
  atomic_store(&place->first, first);
  atomic_store(&place->end, first + count);
  atomic_store(&place->next, first);
  return true;
}

void board_work(struct board *board, struct place *place) {
  pid_t parent = getppid();
  place->fault[0] = '\0';
  sim_fault_to(place->fault);
  watch_start(SEED_CPU_MS);
  do {
    play_chunk(place);
  } while (getppid() == parent && take_chunk(board, place));
}
