/* ctest: wrap=realloc */
/* A line without its end, and no memory to keep it in: the session ends, told so, and the others go on. */
#include "bridge/world.h"

#include <stdlib.h>
#include <string.h>

static bool out_of_memory;

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);

/* A line's memory has room for a header besides; that of the fake peers is asked for as it is. */
static bool is_for_a_line(size_t size) {
  size_t room = size - WSL_FRAME_HEADER_MAX;
  return size > 256 && (room & (room - 1)) == 0;
}

void *__wrap_realloc(void *memory, size_t size) {
  return out_of_memory && is_for_a_line(size) ? NULL : __real_realloc(memory, size);
}

static void start(struct world *w) {
  world_init(w);
  w->settings.max_line = 4000;
  w->settings.max_frame_size = 4000;
  w->frames.mode = FRAMES_LINES;
  world_open(w);
}

static void say(struct world *w, const char *text) {
  peer_send(&w->backend, text, strlen(text));
  world_rest(w);
}

static void end(struct world *w) {
  session_domain_cut(&w->domain);
  world_end(w);
}

static void told_when_a_line_cannot_be_kept(void **state) {
  (void)state;
  struct world w;
  start(&w);
  out_of_memory = true;
  say(&w, "whole\nhalf");
  out_of_memory = false;
  assert_client_story(&w, "text(whole) close(1013 Out of memory)");
  assert_seen_end(&w.backend, SEEN_RESET);
  end(&w);
}

static void told_when_a_line_cannot_grow(void **state) {
  (void)state;
  struct world w;
  start(&w);
  say(&w, "begun ");
  out_of_memory = true;
  for (int i = 0; i < 26; i++)
    say(&w, "0123456789");
  out_of_memory = false;
  assert_client_story(&w, "close(1013 Out of memory)");
  assert_seen_end(&w.backend, SEEN_RESET);
  end(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(told_when_a_line_cannot_be_kept),
      cmocka_unit_test(told_when_a_line_cannot_grow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
