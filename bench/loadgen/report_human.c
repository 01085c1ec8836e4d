/* The table for people (report.h). */
#include <inttypes.h>

#include "loadgen/report.h"
#include "loadgen/stats.h"

#define BYTES_PER_GB 1e9
#define US_PER_S     1e6
#define NAME_WIDTH   14
#define BUSY_SHARE   0.9
#define SPREAD_MIN   3u /* seconds from which on a spread says anything */

static void put_name(FILE *out, const char *name) {
  (void)fprintf(out, "  %-*s", NAME_WIDTH, name);
}

static void put_setting(const struct options *options, FILE *out) {
  char size[REPORT_NUMBER_MAX];
  (void)fprintf(out, "%s, mode %s", options->url_text, mode_name(options->mode));
  if (options->mode != MODE_IDLE)
    (void)fprintf(out, ", messages of %s", report_size((double)options->size, size));
  (void)fprintf(out, ", %" PRIu64 " connection%s", options->connections,
                options->connections == 1 ? "" : "s");
  if (options->rate > 0) (void)fprintf(out, ", %" PRIu64 " messages/s by schedule", options->rate);
  if (options->window > 1) (void)fprintf(out, ", %" PRIu64 " in flight each", options->window);
  (void)fputc('\n', out);
}

static void put_amount(const struct options *options, const struct measurement *measurement, FILE *out) {
  char text[REPORT_NUMBER_MAX];
  char rate[REPORT_NUMBER_MAX];
  double duration_s = measurement->duration_s > 0 ? measurement->duration_s : 1;
  put_name(out, "measured");
  (void)fprintf(out, "%.2f s%s\n", measurement->duration_s, measurement->interrupted ? " (interrupted)" : "");
  if (options->mode == MODE_IDLE) return;
  bool visits = options->mode == MODE_CONNECT;
  put_name(out, visits ? "upgrades" : "messages");
  (void)fprintf(out, "%s, %s a second\n", report_count((double)measurement->messages, text),
                report_count((double)measurement->messages / duration_s, rate));
  if (measurement->rate_missed) {
    put_name(out, "");
    (void)fprintf(out,
                  "careful: the rate was not reached: %" PRIu64 " a second were asked for, %s went through\n",
                  options->rate, report_count((double)measurement->messages / duration_s, rate));
  }
  if (visits) return;
  put_name(out, "payload");
  (void)fprintf(out, "%s, %s\n", report_size((double)measurement->bytes, text),
                report_rate((double)measurement->bytes / duration_s, rate));
}

/* How visits ended, all of the run. */
static void put_ends(const struct options *options, const struct visit_ends *ends, FILE *out) {
  const struct {
    const char *what;
    uint64_t count;
  } kinds[] = {{"Close 1000", ends->close},
               {"Close without a code", ends->close_bare},
               {"Close with no such code", ends->close_odd},
               {"no Close", ends->without_close},
               {"by a reset", ends->reset},
               {"left open", ends->left_open}};
  const char *comma = "";
  if (options->mode != MODE_CONNECT) return;
  put_name(out, "ended");
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (kinds[i].count == 0) continue;
    (void)fprintf(out, "%s%s: %" PRIu64, comma, kinds[i].what, kinds[i].count);
    comma = ", ";
  }
  if (options->backend_text != NULL)
    (void)fprintf(out, "%sat the backend: %" PRIu64 " of %" PRIu64, comma, ends->backend_ended,
                  ends->backend_accepted);
  (void)fputs(" (warm-up included)\n", out);
}

/* How the seconds of the run differ: a mean of wild ones is no result. */
static void put_seconds(const struct options *options, const struct measurement *measurement, FILE *out) {
  char least[REPORT_NUMBER_MAX];
  char median[REPORT_NUMBER_MAX];
  char most[REPORT_NUMBER_MAX];
  if (measurement->rates_count < SPREAD_MIN || options->mode == MODE_IDLE) return;
  struct spread spread = stats_spread(measurement->rates, measurement->rates_count);
  const char *(*show)(double, char *) = options->mode == MODE_CONNECT ? report_count : report_rate;
  put_name(out, "by second");
  (void)fprintf(out, "median %s, from %s to %s\n", show(spread.median, median), show(spread.least, least),
                show(spread.most, most));
}

static void put_memory(const struct options *options, const struct measurement *measurement, FILE *out) {
  const struct proxy_cost *proxy = &measurement->proxy;
  char text[REPORT_NUMBER_MAX];
  put_name(out, "proxy memory");
  (void)fprintf(out, "%" PRIu64 " KB before, %" PRIu64 " KB after, %" PRIu64 " KB at most",
                proxy->rss_kb_before, proxy->rss_kb_after, proxy->rss_kb_peak);
  double grown = ((double)proxy->rss_kb_after - (double)proxy->rss_kb_before) * 1024;
  if (options->mode == MODE_IDLE)
    (void)fprintf(out, ": %s a session", report_size(grown / (double)options->connections, text));
  (void)fputc('\n', out);
}

static void put_proxy(const struct options *options, const struct measurement *measurement, FILE *out) {
  const struct proxy_cost *proxy = &measurement->proxy;
  if (!measurement->has_proxy) return;
  put_name(out, "proxy CPU");
  (void)fprintf(out, "%.3f s", proxy->cpu_s);
  if (measurement->messages > 0)
    (void)fprintf(out, ", %.3f us a%s", proxy->cpu_s * US_PER_S / (double)measurement->messages,
                  options->mode == MODE_CONNECT ? "n upgrade" : " message");
  if (measurement->bytes > 0 && options->mode != MODE_ECHO) /* small messages: a GB of them says nothing */
    (void)fprintf(out, ", %.3f s a GB", proxy->cpu_s * BYTES_PER_GB / (double)measurement->bytes);
  (void)fprintf(out, " (%" PRIu64 " process%s, %" PRIu64 " thread%s)\n", proxy->processes,
                proxy->processes == 1 ? "" : "es", proxy->threads, proxy->threads == 1 ? "" : "s");
  put_memory(options, measurement, out);
}

/* A thread that has no time to spare measures itself. */
static void put_warning(const struct measurement *measurement, const char *thread, double cpu_s, FILE *out) {
  double share = measurement->duration_s > 0 ? cpu_s / measurement->duration_s : 0;
  if (share < BUSY_SHARE) return;
  put_name(out, "");
  (void)fprintf(out,
                "careful: the bench's %s was busy for %.0f %% of the time, and may have been the limit\n",
                thread, 100 * share);
}

static void put_lag(const struct histogram *lag, FILE *out) {
  char text[REPORT_NUMBER_MAX];
  if (lag->count == 0) return;
  put_name(out, "sent late");
  (void)fprintf(out, "p50 %s", report_time((double)histogram_percentile(lag, 50), text));
  (void)fprintf(out, ", p99 %s", report_time((double)histogram_percentile(lag, 99), text));
  (void)fprintf(out, ", most %s (by the bench itself; counts in the latencies)\n",
                report_time((double)lag->max, text));
}

static void put_load(const struct measurement *measurement, FILE *out) {
  const struct load_cost *load = &measurement->load;
  put_name(out, "bench CPU");
  (void)fprintf(out, "%.3f s (load %.3f s, backend %.3f s)", load->cpu_s, load->client_cpu_s,
                load->backend_cpu_s);
  if (measurement->has_proxy && measurement->proxy.cpu_s > 0)
    (void)fprintf(out, ", %.2f of the proxy's", load->cpu_s / measurement->proxy.cpu_s);
  (void)fputc('\n', out);
  put_warning(measurement, "load", load->client_cpu_s, out);
  put_warning(measurement, "backend", load->backend_cpu_s, out);
  put_lag(&measurement->lag, out);
}

static void put_latency(const struct measurement *measurement, FILE *out) {
  static const double shown[] = {50, 90, 99, 99.9, 99.99};
  const struct histogram *latency = &measurement->latency;
  char text[REPORT_NUMBER_MAX];
  if (latency->count == 0) return;
  put_name(out, "latency");
  (void)fprintf(out, "least %s", report_time((double)latency->min, text));
  (void)fprintf(out, ", mean %s", report_time(histogram_mean(latency), text));
  (void)fprintf(out, ", most %s\n", report_time((double)latency->max, text));
  put_name(out, "");
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
    (void)fprintf(out, "%sp%g %s", i == 0 ? "" : ", ", shown[i],
                  report_time((double)histogram_percentile(latency, shown[i]), text));
  (void)fputc('\n', out);
  if (measurement->unanswered > 0) {
    put_name(out, "");
    (void)fprintf(out, "%" PRIu64 " messages had no answer; they count with the time that was waited\n",
                  measurement->unanswered);
  }
  histogram_draw(latency, out);
}

void report_human(const struct options *options, const struct measurement *measurement, FILE *out) {
  put_setting(options, out);
  if (!measurement->measured) return;
  put_amount(options, measurement, out);
  put_seconds(options, measurement, out);
  put_ends(options, &measurement->ends, out);
  put_proxy(options, measurement, out);
  put_load(measurement, out);
  put_latency(measurement, out);
}
