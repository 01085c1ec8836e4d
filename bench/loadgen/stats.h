/* Small samples: their median and how far they spread. */
#ifndef LOADGEN_STATS_H
#define LOADGEN_STATS_H

#include <stddef.h>

struct spread {
  double least, median, most;
};

/* Of values[0..count), which it sorts; zeros when there are none. An even count's median is the mean of the
 * two in the middle. */
struct spread stats_spread(double *values, size_t count);

#endif
