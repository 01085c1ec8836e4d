/* The histogram: what it counts, to how many digits, at the ends of its range, and what two make together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "loadgen/histogram.h"

static struct histogram *made(void) {
  struct histogram *histogram = malloc(sizeof *histogram);
  assert_non_null(histogram);
  histogram_clear(histogram);
  return histogram;
}

static void test_slots_cover_all_values_without_a_gap(void **state) {
  (void)state;
  uint64_t next = 0;
  for (size_t slot = 0; slot < HISTOGRAM_SLOTS; slot++) {
    assert_int_equal(histogram_slot_lowest(slot), next);
    assert_int_equal(histogram_slot(next), slot);
    next = histogram_slot_highest(slot) + 1;
    assert_int_equal(histogram_slot(next - 1), slot);
  }
  assert_int_equal(next, HISTOGRAM_MAX + 1);
}

static void test_three_significant_digits(void **state) {
  (void)state;
  struct random_source source;
  random_seed(&source, 1);
  for (unsigned i = 0; i < 200000; i++) {
    uint64_t value =
        random_next(&source) >> (64 - HISTOGRAM_MAX_BITS) >> random_below(&source, HISTOGRAM_MAX_BITS);
    size_t slot = histogram_slot(value);
    uint64_t width = histogram_slot_highest(slot) - histogram_slot_lowest(slot);
    assert_true(histogram_slot_lowest(slot) <= value && value <= histogram_slot_highest(slot));
    assert_true((double)width <= (double)value / 1000);
  }
}

static void test_nothing_recorded(void **state) {
  (void)state;
  struct histogram *histogram = made();
  assert_int_equal(histogram_percentile(histogram, 50), 0);
  assert_int_equal(histogram_percentile(histogram, 100), 0);
  assert_true(histogram_mean(histogram) == 0);
  assert_true(histogram_deviation(histogram) == 0);
  free(histogram);
}

static void test_percentiles_of_small_values_are_exact(void **state) {
  (void)state;
  struct histogram *histogram = made();
  for (uint64_t value = 1; value <= 1000; value++)
    histogram_record(histogram, value);
  static const struct {
    double percentile;
    uint64_t value;
  } rows[] = {{0, 1},    {0.1, 1},    {0.11, 2},     {50, 500},  {90, 900},
              {99, 990}, {99.9, 999}, {99.91, 1000}, {100, 1000}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_int_equal(histogram_percentile(histogram, rows[i].percentile), rows[i].value);
  assert_int_equal(histogram->min, 1);
  assert_int_equal(histogram->max, 1000);
  assert_true(histogram_mean(histogram) == 500.5);
  free(histogram);
}

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a;
  uint64_t y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* Against a sorted array, with values over ten powers of ten. */
static void test_percentiles_of_any_values_agree_with_sorting(void **state) {
  (void)state;
  enum { COUNT = 20000 };
  static uint64_t values[COUNT];
  struct histogram *histogram = made();
  struct random_source source;
  random_seed(&source, 2);
  for (size_t i = 0; i < COUNT; i++) {
    values[i] = random_next(&source) >> (24 + random_below(&source, 30));
    histogram_record(histogram, values[i]);
  }
  qsort(values, COUNT, sizeof *values, compare);
  for (unsigned percent = 1; percent <= 99; percent++) {
    size_t rank = (size_t)percent * COUNT / 100;
    double exact = (double)values[rank - 1];
    double got = (double)histogram_percentile(histogram, percent);
    assert_true(got >= exact && got <= exact * 1.001);
  }
  assert_int_equal(histogram_percentile(histogram, 100), values[COUNT - 1]);
  free(histogram);
}

static void test_values_beyond_the_range_keep_their_maximum(void **state) {
  (void)state;
  struct histogram *histogram = made();
  histogram_record(histogram, UINT64_MAX);
  histogram_record(histogram, HISTOGRAM_MAX);
  histogram_record(histogram, 0);
  assert_int_equal(histogram->count, 3);
  assert_true(histogram->max == UINT64_MAX);
  assert_int_equal(histogram->min, 0);
  assert_int_equal(histogram_percentile(histogram, 50), HISTOGRAM_MAX);
  assert_int_equal(histogram_percentile(histogram, 10), 0);
  free(histogram);
}

static void test_merging_is_recording_all_in_one(void **state) {
  (void)state;
  struct histogram *all = made();
  struct histogram *parts[2] = {made(), made()};
  struct random_source source;
  random_seed(&source, 3);
  for (unsigned i = 0; i < 10000; i++) {
    uint64_t value = random_next(&source) >> 34; /* sums of squares stay exact enough to compare */
    histogram_record(all, value);
    histogram_record(parts[i % 3 == 0], value);
  }
  histogram_add(parts[0], parts[1]);
  assert_int_equal(parts[0]->count, all->count);
  assert_int_equal(parts[0]->min, all->min);
  assert_int_equal(parts[0]->max, all->max);
  assert_memory_equal(parts[0]->slots, all->slots, sizeof all->slots);
  assert_true(histogram_mean(parts[0]) == histogram_mean(all));
  for (size_t i = 0; i < 2; i++)
    free(parts[i]);
  free(all);
}

static void test_many_at_once_are_as_many_one_by_one(void **state) {
  (void)state;
  struct histogram *at_once = made();
  struct histogram *one_by_one = made();
  for (uint64_t value = 5; value < 5000000; value *= 10) {
    histogram_record_many(at_once, value, 9);
    for (unsigned i = 0; i < 9; i++)
      histogram_record(one_by_one, value);
  }
  histogram_record_many(at_once, 1, 0); /* nobody's least */
  assert_int_equal(at_once->count, one_by_one->count);
  assert_int_equal(at_once->min, 5);
  assert_int_equal(at_once->max, one_by_one->max);
  assert_memory_equal(at_once->slots, one_by_one->slots, sizeof at_once->slots);
  assert_true(histogram_mean(at_once) == histogram_mean(one_by_one));
  assert_true(histogram_deviation(at_once) == histogram_deviation(one_by_one));
  free(at_once);
  free(one_by_one);
}

static void test_merging_nothing_changes_nothing(void **state) {
  (void)state;
  struct histogram *some = made();
  struct histogram *none = made();
  histogram_record(some, 7);
  histogram_add(some, none);
  assert_int_equal(some->min, 7);
  assert_int_equal(some->max, 7);
  histogram_add(none, some);
  assert_int_equal(none->min, 7);
  free(some);
  free(none);
}

static void test_deviation(void **state) {
  (void)state;
  struct histogram *histogram = made();
  static const uint64_t values[] = {2, 4, 4, 4, 5, 5, 7, 9};
  for (size_t i = 0; i < 8; i++)
    histogram_record(histogram, values[i]);
  assert_true(histogram_deviation(histogram) == 2.0);
  free(histogram);
}

/* What HdrHistogram's plotter looks for: a head, four columns, percentiles that rise to 1, '#' behind. */
static void test_percentile_table(void **state) {
  (void)state;
  struct histogram *histogram = made();
  char *text = NULL;
  size_t len = 0;
  for (uint64_t value = 1; value <= 100000; value++)
    histogram_record(histogram, value * 1000);
  FILE *out = open_memstream(&text, &len);
  histogram_write_percentiles(histogram, out);
  (void)fclose(out);
  assert_ptr_equal(strstr(text, "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"), text);
  double last = -1;
  double value_ms = 0;
  double percentile = 0;
  unsigned long long count = 0;
  unsigned lines = 0;
  for (char *line = strchr(text, '\n') + 2; line[0] == ' '; line = strchr(line, '\n') + 1, lines++) {
    assert_int_equal(sscanf(line, "%lf %lf %llu", &value_ms, &percentile, &count), 3);
    assert_true(percentile > last);
    assert_true(value_ms >= 100 * percentile * 0.999 && value_ms <= 100 * percentile * 1.001 + 0.0011);
    last = percentile;
  }
  assert_true(lines > 50 && lines < 200);
  assert_true(last == 1 && count == 100000 && value_ms == 100);
  assert_non_null(strstr(text, "#[Mean    =    50.000500, StdDeviation   =    28.867513]"));
  assert_non_null(strstr(text, "#[Max     =   100.000000, Total count    =       100000]"));
  free(text);
  free(histogram);
}

/* Every value is under some bar. */
static void test_picture_shows_all(void **state) {
  (void)state;
  struct histogram *histogram = made();
  char *text = NULL;
  size_t len = 0;
  histogram_record(histogram, 1000);
  for (unsigned i = 0; i < 998; i++)
    histogram_record(histogram, 50000);
  histogram_record(histogram, 9000000);
  FILE *out = open_memstream(&text, &len);
  histogram_draw(histogram, out);
  (void)fclose(out);
  double sum = 0;
  for (char *at = text; (at = strchr(at, '%')) != NULL; at++) {
    char *start = at - 1;
    while (start > text && start[-1] != 's') /* behind the unit */
      start--;
    sum += strtod(start, NULL);
  }
  assert_true(sum > 99.9999 && sum < 100.0001);
  assert_non_null(strstr(text, "########################################\n"));
  free(text);
  free(histogram);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_slots_cover_all_values_without_a_gap),
      cmocka_unit_test(test_three_significant_digits),
      cmocka_unit_test(test_nothing_recorded),
      cmocka_unit_test(test_percentiles_of_small_values_are_exact),
      cmocka_unit_test(test_percentiles_of_any_values_agree_with_sorting),
      cmocka_unit_test(test_values_beyond_the_range_keep_their_maximum),
      cmocka_unit_test(test_merging_is_recording_all_in_one),
      cmocka_unit_test(test_merging_nothing_changes_nothing),
      cmocka_unit_test(test_many_at_once_are_as_many_one_by_one),
      cmocka_unit_test(test_deviation),
      cmocka_unit_test(test_percentile_table),
      cmocka_unit_test(test_picture_shows_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
