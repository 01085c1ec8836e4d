/* Counting times to three digits (histogram.h). */
#include "loadgen/histogram.h"

#include <math.h>
#include <string.h>

#define RANK_ERROR 1e-6
#define STEPS      (UINT64_C(1) << HISTOGRAM_STEP_BITS)

void histogram_clear(struct histogram *histogram) {
  memset(histogram, 0, sizeof *histogram);
  histogram->min = UINT64_MAX;
}

static unsigned bits_of(uint64_t value) {
  return 64u - (unsigned)__builtin_clzll(value | 1);
}

/* Values of up to 11 bits are their own slot; longer ones are shifted until 11 bits are left, and each bit
 * that was shifted out moves on by 1024 slots. */
size_t histogram_slot(uint64_t value) {
  if (value > HISTOGRAM_MAX) value = HISTOGRAM_MAX;
  unsigned bits = bits_of(value);
  unsigned shift = bits > HISTOGRAM_STEP_BITS + 1u ? bits - HISTOGRAM_STEP_BITS - 1u : 0;
  return (size_t)((value >> shift) + shift * STEPS);
}

uint64_t histogram_slot_lowest(size_t slot) {
  if (slot < 2 * STEPS) return slot;
  uint64_t shift = slot / STEPS - 1;
  return (slot - shift * STEPS) << shift;
}

uint64_t histogram_slot_highest(size_t slot) {
  return histogram_slot_lowest(slot + 1) - 1;
}

void histogram_record(struct histogram *histogram, uint64_t value) {
  histogram_record_many(histogram, value, 1);
}

void histogram_record_many(struct histogram *histogram, uint64_t value, uint64_t count) {
  if (count == 0) return;
  histogram->slots[histogram_slot(value)] += count;
  histogram->count += count;
  histogram->sum += (double)value * (double)count;
  histogram->sum_of_squares += (double)value * (double)value * (double)count;
  if (value < histogram->min) histogram->min = value;
  if (value > histogram->max) histogram->max = value;
}

void histogram_add(struct histogram *histogram, const struct histogram *other) {
  for (size_t i = 0; i < HISTOGRAM_SLOTS; i++)
    histogram->slots[i] += other->slots[i];
  histogram->count += other->count;
  histogram->sum += other->sum;
  histogram->sum_of_squares += other->sum_of_squares;
  if (other->min < histogram->min) histogram->min = other->min;
  if (other->max > histogram->max) histogram->max = other->max;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percentile) {
  if (histogram->count == 0) return 0;
  /* 99.9 % of 1000 is the 999th, though 99.9 has no exact binary form. */
  double rank = ceil(percentile / 100.0 * (double)histogram->count - RANK_ERROR);
  uint64_t wanted = rank < 1 ? 1 : (uint64_t)rank;
  if (wanted >= histogram->count) return histogram->max;
  uint64_t seen = 0;
  for (size_t i = 0; i < HISTOGRAM_SLOTS; i++) {
    seen += histogram->slots[i];
    if (seen < wanted) continue;
    uint64_t highest = histogram_slot_highest(i);
    return highest < histogram->max ? highest : histogram->max;
  }
  return histogram->max;
}

double histogram_mean(const struct histogram *histogram) {
  return histogram->count == 0 ? 0 : histogram->sum / (double)histogram->count;
}

double histogram_deviation(const struct histogram *histogram) {
  if (histogram->count == 0) return 0;
  double mean = histogram_mean(histogram);
  double variance = histogram->sum_of_squares / (double)histogram->count - mean * mean;
  return variance > 0 ? sqrt(variance) : 0;
}

uint64_t histogram_count_to(const struct histogram *histogram, uint64_t value) {
  uint64_t count = 0;
  for (size_t i = 0, last = histogram_slot(value); i <= last; i++)
    count += histogram->slots[i];
  return count;
}
