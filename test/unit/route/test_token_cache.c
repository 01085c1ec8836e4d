/* Kept answers: for their time and no longer, no more than so many, the oldest first to go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "route/token/cache.h"

static const struct siphash_key key = {{1, 2}};
static struct token_cache cache;

static int set_up(void **state) {
  (void)state;
  token_cache_init(&cache, &key);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  token_cache_destroy(&cache);
  assert_int_equal(cache.count, 0);
  return 0;
}

static void keep(const char *token, const char *host, uint32_t keep_ms, uint64_t now_ms) {
  struct target target = {.host = host, .port = 1, .text = host, .origin = TARGET_LOOKED_UP};
  token_cache_keep(&cache, wsl_span_of(token), &target, keep_ms, now_ms);
}

static const char *find(const char *token, uint64_t now_ms) {
  const struct target *target = token_cache_find(&cache, wsl_span_of(token), now_ms);
  return target == NULL ? "nothing" : target->text;
}

static void an_answer_counts_for_its_time(void **state) {
  (void)state;
  keep("a", "one", 1000, 5000);
  keep("b", "two", 0, 5000);
  assert_string_equal(find("a", 5000), "one");
  assert_string_equal(find("a", 5999), "one");
  assert_string_equal(find("A", 5999), "nothing");
  assert_string_equal(find("a", 6000), "nothing");
  assert_int_equal(cache.count, 0);
  assert_string_equal(find("b", 5000), "nothing");
  keep("a", "one", UINT32_MAX, 0);
  assert_string_equal(find("a", TOKEN_CACHE_KEEP_MAX_MS - 1), "one");
  assert_string_equal(find("a", TOKEN_CACHE_KEEP_MAX_MS), "nothing");
}

static void a_newer_answer_takes_the_place(void **state) {
  (void)state;
  keep("a", "one", 1000, 0);
  keep("a", "two", 1000, 500);
  assert_int_equal(cache.count, 1);
  assert_string_equal(find("a", 1400), "two");
}

static void the_oldest_go_first(void **state) {
  (void)state;
  char token[16];
  for (unsigned i = 0; i <= TOKEN_CACHE_ENTRIES; i++) {
    snprintf(token, sizeof(token), "t%u", i);
    keep(token, "h", 1000, 0);
  }
  assert_int_equal(cache.count, TOKEN_CACHE_ENTRIES);
  assert_string_equal(find("t0", 0), "nothing");
  assert_string_equal(find("t1", 0), "h");
  assert_string_equal(find(token, 0), "h");
}

static void long_tokens_are_not_kept(void **state) {
  (void)state;
  char token[TOKEN_CACHE_TOKEN_MAX + 2];
  memset(token, 'a', sizeof(token));
  token[TOKEN_CACHE_TOKEN_MAX + 1] = '\0';
  keep(token, "h", 1000, 0);
  assert_string_equal(find(token, 0), "nothing");
  token[TOKEN_CACHE_TOKEN_MAX] = '\0';
  keep(token, "h", 1000, 0);
  assert_string_equal(find(token, 0), "h");
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(an_answer_counts_for_its_time),
      STORY(a_newer_answer_takes_the_place),
      STORY(the_oldest_go_first),
      STORY(long_tokens_are_not_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
