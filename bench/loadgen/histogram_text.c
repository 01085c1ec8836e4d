/* A histogram as text: the percentiles that HdrHistogram's plotter reads, and bars (histogram.h). */
#include <math.h>

#include "loadgen/histogram.h"

#define NS_PER_MS 1e6
#define TICKS_A_HALVING \
  5.0 /* lines each time that the distance to 100 % halves, as HdrHistogram's tools do */
#define BARS      20u
#define BAR_WIDTH 40u

static void put_line(const struct histogram *histogram, double percentile, FILE *out) {
  uint64_t value = histogram_percentile(histogram, percentile);
  uint64_t count = histogram_count_to(histogram, value);
  (void)fprintf(out, "%12.6f %14.12f %10llu", (double)value / NS_PER_MS, percentile / 100,
                (unsigned long long)count);
  if (percentile < 100)
    (void)fprintf(out, " %14.2f\n", 1 / (1 - percentile / 100));
  else
    (void)fputs("\n", out);
}

/* The next percentile worth a line: steps halve each time that the rest to 100 % does. */
static double next_percentile(double percentile) {
  double halvings = floor(log2(100 / (100 - percentile))) + 1;
  return percentile + 100 / (TICKS_A_HALVING * pow(2, halvings));
}

void histogram_write_percentiles(const struct histogram *histogram, FILE *out) {
  (void)fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
  double percentile = 0;
  while (histogram->count > 0 && (100 - percentile) / 100 * (double)histogram->count >= 0.5) {
    put_line(histogram, percentile, out);
    percentile = next_percentile(percentile);
  }
  if (histogram->count > 0) put_line(histogram, 100, out);
  (void)fprintf(out, "#[Mean    = %12.6f, StdDeviation   = %12.6f]\n", histogram_mean(histogram) / NS_PER_MS,
                histogram_deviation(histogram) / NS_PER_MS);
  (void)fprintf(out, "#[Max     = %12.6f, Total count    = %12llu]\n", (double)histogram->max / NS_PER_MS,
                (unsigned long long)histogram->count);
  (void)fprintf(out, "#[Buckets = %12u, SubBuckets     = %12u]\n", HISTOGRAM_MAX_BITS - HISTOGRAM_STEP_BITS,
                2u << HISTOGRAM_STEP_BITS);
}

static void put_time(double ns, FILE *out) {
  if (ns >= NS_PER_MS)
    (void)fprintf(out, "%10.2f ms", ns / NS_PER_MS);
  else
    (void)fprintf(out, "%10.1f us", ns / 1e3);
}

static void put_bar(const struct histogram *histogram, uint64_t from, uint64_t to, uint64_t count,
                    uint64_t most, FILE *out) {
  double share = 100.0 * (double)count / (double)histogram->count;
  unsigned width = most > 0 ? (unsigned)lround((double)BAR_WIDTH * (double)count / (double)most) : 0;
  put_time((double)from, out);
  (void)fputs(" to", out);
  put_time((double)to, out);
  (void)fprintf(out, " %8.4f %%  ", share);
  for (unsigned i = 0; i < width; i++)
    (void)fputc('#', out);
  if (width == 0 && count > 0) (void)fputc('.', out); /* few are not none */
  (void)fputc('\n', out);
}

/* Bars of equal ratio, from the least value to the most: latencies spread over powers of ten. */
void histogram_draw(const struct histogram *histogram, FILE *out) {
  uint64_t edges[BARS + 1];
  uint64_t counts[BARS];
  uint64_t most = 0;
  uint64_t seen = 0;
  if (histogram->count == 0) return;
  double low = histogram->min > 0 ? (double)histogram->min : 1;
  double high = histogram->max > 0 ? (double)histogram->max : 1;
  for (unsigned i = 0; i <= BARS; i++)
    edges[i] = (uint64_t)(low * pow(high / low, (double)i / BARS));
  edges[BARS] = histogram->max;
  for (unsigned i = 0; i < BARS; i++) {
    uint64_t to_here = histogram_count_to(histogram, edges[i + 1]);
    counts[i] = to_here - seen;
    seen = to_here;
    if (counts[i] > most) most = counts[i];
  }
  for (unsigned i = 0; i < BARS; i++)
    put_bar(histogram, edges[i], edges[i + 1], counts[i], most, out);
}
