/* A histogram of times after the manner of HdrHistogram: every value from 1 ns to an hour and more, kept to
 * three significant digits, in memory of a fixed size, at the cost of an increment.
 *
 * Values below 2048 are counted exactly; above, each power of two is cut into 1024 equal steps, so a step
 * is never wider than a thousandth of what it counts. Two histograms of one kind add up exactly. What is
 * above HISTOGRAM_MAX counts as HISTOGRAM_MAX; least, most and mean are those of the values themselves.
 */
#ifndef LOADGEN_HISTOGRAM_H
#define LOADGEN_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HISTOGRAM_STEP_BITS 10u /* 2^10 steps a power of two: at least three digits */
#define HISTOGRAM_MAX_BITS  43u /* 2^43 ns are 2.4 hours */
#define HISTOGRAM_MAX       ((UINT64_C(1) << HISTOGRAM_MAX_BITS) - 1)
#define HISTOGRAM_SLOTS     ((HISTOGRAM_MAX_BITS - HISTOGRAM_STEP_BITS + 1u) << HISTOGRAM_STEP_BITS)

struct histogram {
  uint64_t count;
  uint64_t min, max; /* of the values as they came; min is UINT64_MAX while there are none */
  double sum, sum_of_squares;
  uint64_t slots[HISTOGRAM_SLOTS];
};

void histogram_clear(struct histogram *histogram);
void histogram_record(struct histogram *histogram, uint64_t value);
void histogram_record_many(struct histogram *histogram, uint64_t value, uint64_t count);
void histogram_add(struct histogram *histogram, const struct histogram *other);

/* The value that `percentile` (0 to 100) of all values do not exceed, to three digits: the highest that its
 * slot counts, but never more than the greatest value. 0 when there are none. */
uint64_t histogram_percentile(const struct histogram *histogram, double percentile);
double histogram_mean(const struct histogram *histogram);
double histogram_deviation(const struct histogram *histogram);

/* How many values are at most `value`, to its slot. */
uint64_t histogram_count_to(const struct histogram *histogram, uint64_t value);

/* The slot that counts a value, and the least and the highest value of a slot. */
size_t histogram_slot(uint64_t value);
uint64_t histogram_slot_lowest(size_t slot);
uint64_t histogram_slot_highest(size_t slot);

/* The table of percentiles that HdrHistogram's plotter reads, in milliseconds (values are nanoseconds). */
void histogram_write_percentiles(const struct histogram *histogram, FILE *out);

/* A picture of bars, for a terminal. */
void histogram_draw(const struct histogram *histogram, FILE *out);

#endif
