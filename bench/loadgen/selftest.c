/* What a user needs to trust the bench on a new machine (selftest.h): that it counts right, sees what is
 * wrong, keeps time, and how fast it is by itself. The last is the most that it can say about a bridge. */
#include "loadgen/selftest.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include <wsluice/frame.h>

#include "core/error.h"
#include "core/random.h"
#include "loadgen/backend.h"
#include "loadgen/histogram.h"
#include "loadgen/outgoing.h"
#include "loadgen/pacer.h"
#include "loadgen/pattern.h"
#include "loadgen/report.h"
#include "loadgen/run.h"

#define VALUES_COUNT  100000u
#define ERROR_MAX     0.001 /* of a percentile: three significant digits */
#define WIRE_LEN      (256u * 1024u)
#define CLOCK_CALLS   100000u
#define TIMER_ROUNDS  200u
#define TIMER_STEP_NS UINT64_C(1000000)
#define RUN_MS        500u
#define WARMUP_MS     100u

struct selftest {
  FILE *out;
  bool good;
};

static void say(struct selftest *test, bool good, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(struct selftest *test, bool good, const char *format, ...) {
  va_list arguments;
  (void)fputs(good ? "ok    " : "WRONG ", test->out);
  va_start(arguments, format);
  (void)vfprintf(test->out, format, arguments);
  va_end(arguments);
  (void)fputc('\n', test->out);
  (void)fflush(test->out);
  test->good = test->good && good;
}

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a;
  uint64_t y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* The greatest error of a percentile, against sorted values. */
static double histogram_error(uint64_t *values, struct histogram *histogram) {
  static const double shown[] = {1, 10, 50, 90, 99, 99.9, 99.99};
  double worst = 0;
  for (size_t i = 0; i < VALUES_COUNT; i++)
    histogram_record(histogram, values[i]);
  qsort(values, VALUES_COUNT, sizeof *values, compare);
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
    size_t rank = (size_t)(shown[i] / 100 * VALUES_COUNT + 0.5);
    double exact = (double)values[rank - 1];
    double error = ((double)histogram_percentile(histogram, shown[i]) - exact) / exact;
    if (error < 0) error = -error;
    if (error > worst) worst = error;
  }
  return worst;
}

static void test_histogram(struct selftest *test) {
  struct random_source source;
  uint64_t *values = calloc(VALUES_COUNT, sizeof *values);
  struct histogram *histogram = malloc(sizeof *histogram);
  if (values != NULL && histogram != NULL) {
    histogram_clear(histogram);
    random_seed(&source, uv_hrtime());
    for (size_t i = 0; i < VALUES_COUNT; i++)
      values[i] = 1 + (random_next(&source) >> (24 + random_below(&source, 20)));
    double error = histogram_error(values, histogram);
    say(test, error <= ERROR_MAX, "histogram: percentiles of %u random times are right to %.3f %%",
        VALUES_COUNT, 100 * error);
  } else {
    say(test, false, "histogram: no memory");
  }
  free(values);
  free(histogram);
}

/* Whether frames of one size are what wsluice's own decoder takes for them. */
static bool frames_read_back(const struct pattern *pattern, size_t size, uint8_t *wire) {
  struct outgoing outgoing;
  struct iovec parts[64];
  struct wsl_decoder decoder;
  bool good = outgoing_init(&outgoing, pattern, OUTGOING_MASKED, WSL_OP_BINARY, size) == WSL_OK;
  size_t len = 0;
  while (good && len < WIRE_LEN) {
    int count = outgoing_parts(&outgoing, len, WIRE_LEN - len, parts, 64);
    for (int i = 0; i < count; i++) {
      memcpy(wire + len, parts[i].iov_base, parts[i].iov_len);
      len += parts[i].iov_len;
    }
  }
  if (good) {
    wsl_decoder_init(&decoder, false);
    struct wsl_frame_result result = wsl_decoder_feed(&decoder, wire, wire, len);
    good = result.event == WSL_FRAME_MORE && result.run_len > 0 &&
           pattern_check(pattern, 0, wire, result.run_len) == result.run_len;
  }
  outgoing_destroy(&outgoing);
  return good;
}

static void test_frames(struct selftest *test, const struct pattern *pattern) {
  static const size_t sizes[] = {1, 64, 125, 126, 2048, 2049, 65535, 65536, 1048576};
  uint8_t *wire = malloc(WIRE_LEN);
  bool good = wire != NULL;
  for (size_t i = 0; good && i < sizeof sizes / sizeof *sizes; i++)
    good = frames_read_back(pattern, sizes[i], wire);
  say(test, good, "frames: messages of 1 byte to 1 MB, unmasked again, are what was meant");
  if (wire != NULL) {
    size_t wrong = WIRE_LEN / 3;
    for (size_t i = 0; i < WIRE_LEN; i++)
      wire[i] = pattern_at(pattern, i);
    bool right = pattern_check(pattern, 0, wire, WIRE_LEN) == WIRE_LEN;
    wire[wrong] ^= 1;
    say(test, right && pattern_check(pattern, 0, wire, WIRE_LEN) == wrong,
        "content: one wrong bit is found where it is");
  }
  free(wire);
}

static void test_clock(struct selftest *test) {
  uint64_t began_ns = uv_hrtime();
  uint64_t last_ns = began_ns;
  uint64_t step_ns = UINT64_MAX;
  bool rises = true;
  for (unsigned i = 0; i < CLOCK_CALLS; i++) {
    uint64_t now_ns = uv_hrtime();
    rises = rises && now_ns >= last_ns;
    if (now_ns > last_ns && now_ns - last_ns < step_ns) step_ns = now_ns - last_ns;
    last_ns = now_ns;
  }
  say(test, rises, "clock: a look at it takes %.0f ns, its least step is %llu ns",
      (double)(last_ns - began_ns) / CLOCK_CALLS, (unsigned long long)step_ns);
}

/* How late the timer that --rate sends by is: that much of a latency is not the server's. */
struct timer_test {
  struct lane lane;
  struct pacer pacer;
  struct histogram *late;
  uint64_t due_ns;
};

static void on_timer(void *arg) {
  struct timer_test *timer = arg;
  uint64_t now_ns = uv_hrtime();
  histogram_record(timer->late, now_ns > timer->due_ns ? now_ns - timer->due_ns : 0);
  timer->due_ns = now_ns + TIMER_STEP_NS;
  if (timer->late->count == TIMER_ROUNDS)
    uv_stop(&timer->lane.loop);
  else
    pacer_set(&timer->pacer, timer->due_ns);
}

static void test_timer(struct selftest *test) {
  struct timer_test timer = {.late = malloc(sizeof *timer.late)};
  char median[REPORT_NUMBER_MAX];
  char high[REPORT_NUMBER_MAX];
  if (timer.late == NULL || lane_open(&timer.lane) != WSL_OK) {
    say(test, false, "timer: no memory");
    free(timer.late);
    return;
  }
  histogram_clear(timer.late);
  if (pacer_open(&timer.pacer, &timer.lane, on_timer, &timer) == WSL_OK) {
    timer.due_ns = uv_hrtime() + TIMER_STEP_NS;
    pacer_set(&timer.pacer, timer.due_ns);
    uv_run(&timer.lane.loop, UV_RUN_DEFAULT);
    pacer_close(&timer.pacer);
  }
  lane_close(&timer.lane);
  say(test, timer.late->count == TIMER_ROUNDS,
      "timer: --rate sends late by %s (median), %s (99 %%) on this machine now",
      report_time((double)histogram_percentile(timer.late, 50), median),
      report_time((double)histogram_percentile(timer.late, 99), high));
  free(timer.late);
}

/* Runs a mode against what listens on a Unix socket here, without any bridge between. */
struct self_run {
  enum bench_mode mode;
  const char *scheme; /* "tcp" or "ws" */
  bool serves;        /* what it runs against, too; else that is there already */
};

static bool parse_run(const struct self_run *run, const char *path, struct options *options, char *why,
                      size_t why_cap) {
  static char url[128]; /* options point into them */
  static char address[128];
  static char pid[16];
  (void)snprintf(url, sizeof url, "%s+unix:%s", run->scheme, path);
  (void)snprintf(address, sizeof address, "unix:%s", path);
  (void)snprintf(pid, sizeof pid, "%d", (int)getpid());
  const char *words[] = {"",        "--mode", mode_name(run->mode), "--pid", pid,
                         "--quiet", url,      "--backend",          address};
  int count = run->serves ? 9 : 7;
  if (options_parse(options, count, words, why, why_cap) != WSL_OK) return false;
  options->duration_ms = RUN_MS;
  options->warmup_ms = WARMUP_MS;
  return true;
}

/* The meter has looked at this process, so what it says and the process's own clock must agree. */
static bool meter_agrees(const struct measurement *measurement) {
  double metered_s = measurement->proxy.cpu_s;
  double own_s = measurement->load.cpu_s;
  return metered_s > own_s * 0.8 - 0.02 && metered_s < own_s * 1.2 + 0.02;
}

static void say_run(struct selftest *test, const struct self_run *run,
                    const struct measurement *measurement) {
  char text[REPORT_NUMBER_MAX];
  const char *mode = mode_name(run->mode);
  double duration_s = measurement->duration_s;
  if (!measurement->measured || measurement->failure[0] != '\0')
    say(test, false, "%s, %s: %s", run->scheme, mode, measurement->failure);
  else if (!meter_agrees(measurement))
    say(test, false, "%s, %s: --pid finds %.3f s of CPU, the bench's own clock %.3f s", run->scheme, mode,
        measurement->proxy.cpu_s, measurement->load.cpu_s);
  else if (run->mode == MODE_ECHO)
    say(test, true, "%s, %s: median %s", run->scheme, mode,
        report_time((double)histogram_percentile(&measurement->latency, 50), text));
  else if (run->mode == MODE_CONNECT)
    say(test, true, "%s, %s: %s a second", run->scheme, mode,
        report_count((double)measurement->visits / duration_s, text));
  else
    say(test, true, "%s, %s: %s", run->scheme, mode,
        report_rate((double)measurement->bytes / duration_s, text));
}

static void test_run(struct selftest *test, const struct self_run *run, const char *path) {
  char why[256] = "no memory";
  struct options options;
  struct measurement *measurement = malloc(sizeof *measurement);
  if (measurement == NULL || !parse_run(run, path, &options, why, sizeof why)) {
    say(test, false, "%s: %s", mode_name(run->mode), why);
    free(measurement);
    return;
  }
  run_measurement(&options, measurement);
  say_run(test, run, measurement);
  measurement_free(measurement);
  free(measurement);
}

static void test_plain_runs(struct selftest *test, const char *path) {
  static const struct self_run runs[] = {{.mode = MODE_UP, .scheme = "tcp", .serves = true},
                                         {.mode = MODE_DOWN, .scheme = "tcp", .serves = true},
                                         {.mode = MODE_BOTH, .scheme = "tcp", .serves = true},
                                         {.mode = MODE_ECHO, .scheme = "tcp", .serves = true}};
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
    test_run(test, &runs[i], path);
}

/* Against the WebSocket server that is built in for this. */
static void test_websocket_runs(struct selftest *test, const struct pattern *pattern, const char *path) {
  static const struct self_run runs[] = {{.mode = MODE_BOTH, .scheme = "ws", .serves = false},
                                         {.mode = MODE_ECHO, .scheme = "ws", .serves = false},
                                         {.mode = MODE_CONNECT, .scheme = "ws", .serves = false}};
  static const struct backend_wishes wishes = {.kind = BACKEND_WEBSOCKET_ECHO, .write_len = 1};
  static struct backend backend;
  char why[ENDPOINT_WHY_MAX];
  char address[128];
  struct url url;
  const char *wrong = "";
  (void)snprintf(address, sizeof address, "unix:%s", path);
  if (url_parse_address(&url, address, &wrong) != WSL_OK ||
      backend_start(&backend, &url, &wishes, pattern, why) != WSL_OK) {
    say(test, false, "ws: no server could be started for it");
    return;
  }
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
    test_run(test, &runs[i], path);
  backend_stop(&backend);
}

static void test_runs(struct selftest *test, const struct pattern *pattern) {
  char folder[] = "/tmp/wsluice-bench-XXXXXX";
  char path[sizeof folder + 8];
  if (mkdtemp(folder) == NULL) {
    say(test, false, "runs: no folder could be made in /tmp");
    return;
  }
  (void)snprintf(path, sizeof path, "%s/socket", folder);
  (void)fputs(
      "runs of half a second by itself, over a Unix socket: the most that it can find in any bridge here\n",
      test->out);
  test_plain_runs(test, path);
  test_websocket_runs(test, pattern, path);
  (void)rmdir(folder);
}

bool selftest(FILE *out) {
  static struct pattern pattern;
  struct selftest test = {.out = out, .good = true};
  pattern_init(&pattern);
  test_histogram(&test);
  test_frames(&test, &pattern);
  test_clock(&test);
  test_timer(&test);
  test_runs(&test, &pattern);
  (void)fputs(test.good ? "selftest: all is well\n" : "selftest: don't trust this machine's figures\n", out);
  return test.good;
}
