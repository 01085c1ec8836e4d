/* See app/loop_memory.h. */
#include "app/loop_memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

/* Of the exit while starting, else 0. Workers run before the start is over. */
static atomic_int status_while_starting;

/* Not exit(): other threads may be anywhere. */
static void *given(void *block) {
  static const char words[] = "wsluice: not enough memory to start\n";
  int status = block != NULL ? 0 : atomic_load(&status_while_starting);
  if (status == 0) return block;
  if (write(STDERR_FILENO, words, sizeof words - 1) < 0) _exit(status); /* nobody to tell */
  _exit(status);
}

static void *give(size_t size) {
  return given(malloc(size));
}

static void *give_zeroed(size_t count, size_t size) {
  return given(calloc(count, size));
}

/* Size 0 frees, and NULL is then no refusal. */
static void *give_more(void *block, size_t size) {
  if (size == 0) {
    free(block);
    return NULL;
  }
  return given(realloc(block, size));
}

void loop_memory_begin(int exit_status) {
  atomic_store(&status_while_starting, exit_status);
  /* Fails only for a missing function. */
  (void)uv_replace_allocator(give, give_more, give_zeroed, free);
}

void loop_memory_started(void) {
  atomic_store(&status_while_starting, 0);
}
