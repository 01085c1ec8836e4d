/* ctest: timeout=120 waits cost=7
 * Files that are watched: every way in which people replace one is noticed, and nothing comes after the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/file_watch.h"

#define PATIENCE_MS 20000u

/* libuv's memory. */
static bool memory_is_short;

static void *give(size_t size) {
  return memory_is_short ? NULL : malloc(size);
}

static void *give_zeroed(size_t count, size_t size) {
  return memory_is_short ? NULL : calloc(count, size);
}

static void *give_more(void *block, size_t size) {
  return memory_is_short ? NULL : realloc(block, size);
}

struct bench {
  uv_loop_t loop;
  uv_timer_t limit;
  struct file_watch *watch;
  char folder[64], cert[96], key[96], other[96];
  unsigned changes;
  bool over;
};

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
}

static void on_changed(void *owner) {
  ((struct bench *)owner)->changes++;
}

static void on_limit(uv_timer_t *timer) {
  ((struct bench *)timer->data)->over = true;
}

static void set_up(struct bench *b) {
  *b = (struct bench){.changes = 0};
  strcpy(b->folder, "/tmp/wsluice-watch-XXXXXX");
  assert_non_null(mkdtemp(b->folder));
  snprintf(b->cert, sizeof b->cert, "%s/cert.pem", b->folder);
  snprintf(b->key, sizeof b->key, "%s/key.pem", b->folder);
  snprintf(b->other, sizeof b->other, "%s/other", b->folder);
  write_file(b->cert, "certificate");
  write_file(b->key, "key");
  assert_int_equal(uv_loop_init(&b->loop), 0);
  assert_int_equal(uv_timer_init(&b->loop, &b->limit), 0);
  b->limit.data = b;
  const char *const paths[] = {b->cert, NULL, b->key};
  b->watch = file_watch_open(&b->loop, paths, 3, on_changed, b);
  assert_non_null(b->watch);
  while (uv_run(&b->loop, UV_RUN_NOWAIT) != 0 && b->loop.active_reqs.count > 0) { /* the first looks */
  }
}

static void tear_down(struct bench *b) {
  file_watch_close(b->watch);
  uv_close((uv_handle_t *)&b->limit, NULL);
  assert_int_equal(uv_run(&b->loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(uv_loop_close(&b->loop), 0);
  unlink(b->cert);
  unlink(b->key);
  unlink(b->other);
  assert_int_equal(rmdir(b->folder), 0);
}

static void assert_noticed(struct bench *b) {
  unsigned before = b->changes;
  b->over = false;
  uv_timer_start(&b->limit, on_limit, PATIENCE_MS, 0);
  while (b->changes == before && !b->over)
    uv_run(&b->loop, UV_RUN_ONCE);
  uv_timer_stop(&b->limit);
  assert_int_not_equal(b->changes, before);
}

static void rewritten_in_place(struct bench *b) {
  write_file(b->key, "another key");
}

static void renamed_over(struct bench *b) {
  write_file(b->other, "new certificate");
  assert_int_equal(rename(b->other, b->cert), 0);
}

static void removed_and_made_again(struct bench *b) {
  unlink(b->cert);
  write_file(b->cert, "certificate of the next year");
}

static void a_link_is_turned(struct bench *b) {
  write_file(b->other, "elsewhere");
  unlink(b->cert);
  assert_int_equal(symlink("other", b->cert), 0);
}

static void touched(struct bench *b) {
  assert_int_equal(utimensat(AT_FDCWD, b->cert, NULL, 0), 0);
}

static void changes_are_noticed(void **state) {
  (void)state;
  static const struct {
    const char *name;
    void (*change)(struct bench *b);
  } rows[] = {
      {"rewritten in place", rewritten_in_place},
      {"renamed over", renamed_over},
      {"removed and made again", removed_and_made_again},
      {"a link is turned", a_link_is_turned},
      {"touched", touched},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct bench b;
    print_message("%s\n", rows[i].name);
    set_up(&b);
    rows[i].change(&b);
    assert_noticed(&b);
    tear_down(&b);
  }
}

/* Events say nothing of a file behind a link into another folder: the regular look does. */
static void what_lies_behind_a_link_is_noticed(void **state) {
  (void)state;
  struct bench b;
  char elsewhere[] = "/tmp/wsluice-behind-XXXXXX";
  int fd = mkstemp(elsewhere);
  assert_true(fd >= 0);
  close(fd);
  set_up(&b);
  unlink(b.cert);
  assert_int_equal(symlink(elsewhere, b.cert), 0);
  assert_noticed(&b);
  write_file(elsewhere, "changed where nobody listens");
  assert_noticed(&b);
  tear_down(&b);
  unlink(elsewhere);
}

static void turn_for(struct bench *b, uint64_t time_ms) {
  b->over = false;
  uv_timer_start(&b->limit, on_limit, time_ms, 0);
  while (!b->over)
    uv_run(&b->loop, UV_RUN_ONCE);
}

/* libuv's own uv_fs_poll_t ends the process there. */
static void looks_without_memory_are_made_up_for(void **state) {
  (void)state;
  struct bench b;
  char elsewhere[] = "/tmp/wsluice-behind-XXXXXX";
  int fd = mkstemp(elsewhere);
  assert_true(fd >= 0);
  close(fd);
  set_up(&b);
  unlink(b.cert);
  assert_int_equal(symlink(elsewhere, b.cert), 0);
  assert_noticed(&b);
  memory_is_short = true;
  turn_for(&b, 2 * FILE_WATCH_POLL_MS);
  memory_is_short = false;
  write_file(elsewhere, "changed where nobody listens");
  assert_noticed(&b);
  tear_down(&b);
  unlink(elsewhere);
}

static void on_noise(uv_timer_t *timer) {
  write_file(((struct bench *)timer->data)->other, "a line of a log");
}

/* Such as one into which a log is written: waiting for rest would be waiting for ever. */
static void a_folder_without_rest_hides_nothing(void **state) {
  (void)state;
  struct bench b;
  uv_timer_t noise;
  set_up(&b);
  assert_int_equal(uv_timer_init(&b.loop, &noise), 0);
  noise.data = &b;
  uv_timer_start(&noise, on_noise, 0, 10);
  rewritten_in_place(&b);
  assert_noticed(&b);
  assert_noticed(&b); /* it goes on */
  uv_close((uv_handle_t *)&noise, NULL);
  tear_down(&b);
}

static void nothing_comes_after_the_close(void **state) {
  (void)state;
  struct bench b;
  set_up(&b);
  rewritten_in_place(&b);
  uv_run(&b.loop, UV_RUN_NOWAIT);
  unsigned before = b.changes;
  tear_down(&b);
  assert_int_equal(b.changes, before);
  file_watch_close(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(changes_are_noticed),
      cmocka_unit_test(what_lies_behind_a_link_is_noticed),
      cmocka_unit_test(looks_without_memory_are_made_up_for),
      cmocka_unit_test(a_folder_without_rest_hides_nothing),
      cmocka_unit_test(nothing_comes_after_the_close),
  };
  if (uv_replace_allocator(give, give_more, give_zeroed, free) != 0) return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
