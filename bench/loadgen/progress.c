/* The progress line (progress.h): overwritten in place on a terminal, one line each elsewhere. */
#include "loadgen/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "loadgen/report.h"

#define NS_PER_S 1e9

static bool wished(const struct run *run) {
  if (run->options->progress == PROGRESS_NEVER) return false;
  return run->options->progress == PROGRESS_ALWAYS || isatty(STDERR_FILENO);
}

static const char *phase_name(enum run_phase phase) {
  static const char *const names[] = {"opening", "warming up", "measuring", "draining", "closing", "over"};
  return names[phase];
}

static void say_amount(const struct run *run, double rate) {
  char text[REPORT_NUMBER_MAX];
  if (run->options->mode == MODE_CONNECT)
    (void)fprintf(stderr, ", %s upgrades/s", report_count(rate, text));
  else if (run->options->mode != MODE_IDLE)
    (void)fprintf(stderr, ", %s, %s messages/s", report_rate(rate, text),
                  report_count(rate / (double)run->options->size, (char[REPORT_NUMBER_MAX]){0}));
  if (run->measurement->latency.count > 0)
    (void)fprintf(stderr, ", p99 %s",
                  report_time((double)histogram_percentile(&run->measurement->latency, 99), text));
}

void progress_say(const struct run *run, double rate) {
  if (!wished(run)) return;
  bool terminal = isatty(STDERR_FILENO) != 0;
  (void)fprintf(stderr, "%s%s", terminal ? "\r\033[K" : "", phase_name(run->phase));
  if (run->options->mode == MODE_CONNECT)
    (void)fprintf(stderr, ": %zu at a time", run->started);
  else
    (void)fprintf(stderr, ": %zu of %llu connections", run->opened,
                  (unsigned long long)run->options->connections);
  say_amount(run, rate);
  if (run->phase == PHASE_MEASURING)
    (void)fprintf(stderr, ", %.0f of %.0f s", (double)(uv_hrtime() - run->begin.at_ns) / NS_PER_S,
                  (double)run->options->duration_ms / 1000);
  if (!terminal) (void)fputc('\n', stderr);
  (void)fflush(stderr);
}

void progress_end(const struct run *run) {
  if (wished(run) && isatty(STDERR_FILENO)) (void)fputs("\r\033[K", stderr);
}
