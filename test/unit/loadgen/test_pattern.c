/* The pattern: the same at every offset, and each kind of damage seen where it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "loadgen/pattern.h"

#define STREAM_LEN (3u * PATTERN_TABLE_LEN)

static struct pattern pattern;
static uint8_t stream[STREAM_LEN];

static int setup(void **state) {
  (void)state;
  pattern_init(&pattern);
  for (size_t i = 0; i < STREAM_LEN; i++)
    stream[i] = pattern_at(&pattern, i);
  return 0;
}

static void test_every_piece_of_the_stream_is_right(void **state) {
  (void)state;
  struct random_source source;
  random_seed(&source, 4);
  assert_int_equal(pattern_check(&pattern, 0, stream, STREAM_LEN), STREAM_LEN);
  for (unsigned i = 0; i < 20000; i++) {
    size_t at = random_below(&source, STREAM_LEN);
    size_t len = random_below(&source, i % 10 == 0 ? (uint32_t)(STREAM_LEN - at) : 300) % (STREAM_LEN - at);
    uint64_t offset = at + (uint64_t)random_below(&source, 1u << 31) * PATTERN_PERIOD;
    assert_int_equal(pattern_check(&pattern, offset, stream + at, len), len);
  }
}

static void test_a_wrong_byte_is_found_where_it_is(void **state) {
  (void)state;
  struct random_source source;
  random_seed(&source, 5);
  for (unsigned i = 0; i < 2000; i++) {
    size_t wrong = random_below(&source, STREAM_LEN);
    size_t begin = random_below(&source, (uint32_t)wrong + 1);
    uint8_t bit = (uint8_t)(1u << random_below(&source, 8));
    stream[wrong] ^= bit;
    assert_int_equal(pattern_check(&pattern, begin, stream + begin, STREAM_LEN - begin), wrong - begin);
    stream[wrong] ^= bit;
  }
}

/* What bridges do wrong: a header left in or taken twice, a buffer lost, sent twice or out of turn. */
static void test_displacements_of_usual_lengths_are_seen(void **state) {
  (void)state;
  static const size_t lengths[] = {1,     2,     4,     6,     8,     10,     14,     64,
                                   125,   126,   127,   1024,  1448,  4096,   8192,   16383,
                                   16384, 32768, 65483, 65535, 65536, 131072, 262144, 1048576};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    for (unsigned times = 1; times <= 16; times++)
      assert_true(pattern_check(&pattern, lengths[i] * times, stream, PATTERN_PERIOD) < PATTERN_PERIOD);
}

static void test_printable_and_never_the_same_stretch_twice(void **state) {
  (void)state;
  for (size_t i = 0; i < PATTERN_PERIOD; i++)
    assert_true(stream[i] >= ' ' && stream[i] < 0x7f);
  for (size_t shift = 1; shift < PATTERN_PERIOD; shift++)
    assert_true(memcmp(stream, stream + shift, 64) != 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_piece_of_the_stream_is_right),
      cmocka_unit_test(test_a_wrong_byte_is_found_where_it_is),
      cmocka_unit_test(test_displacements_of_usual_lengths_are_seen),
      cmocka_unit_test(test_printable_and_never_the_same_stretch_twice),
  };
  return cmocka_run_group_tests(tests, setup, NULL);
}
