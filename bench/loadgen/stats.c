/* Median and spread (stats.h). */
#include "loadgen/stats.h"

#include <stdlib.h>

static int compare(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

struct spread stats_spread(double *values, size_t count) {
  if (count == 0) return (struct spread){0, 0, 0};
  qsort(values, count, sizeof *values, compare);
  double upper = values[count / 2];
  double median = count % 2 == 1 ? upper : (values[count / 2 - 1] + upper) / 2;
  return (struct spread){values[0], median, values[count - 1]};
}
