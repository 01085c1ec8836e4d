/* wsluice-bench: loads a WebSocket bridge or echo server and measures it. Reads the command line, has the
 * work done, and reports. Exit status: 0, 1 could not be measured, 2 wrong usage. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "loadgen/options.h"
#include "loadgen/report.h"
#include "loadgen/run.h"
#include "loadgen/selftest.h"
#include "loadgen/serve.h"

enum exit_status { EXIT_MEASURED, EXIT_NOT_MEASURED, EXIT_USAGE };

#define WHY_MAX 512u

/* Where the report goes: opened before the run, which may take long. */
struct outputs {
  FILE *json, *histogram; /* ours to close; NULL: not wished */
};

static bool say_unwritable(const char *path) {
  (void)fprintf(stderr, "wsluice-bench: cannot write %s: %s\n", path, strerror(errno));
  return false;
}

static bool is_stdout(const char *path) {
  return path != NULL && strcmp(path, "-") == 0;
}

static FILE *open_stdout(void) {
  int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  return fd < 0 ? NULL : fdopen(fd, "w");
}

static bool open_output(const char *path, FILE **file) {
  *file = NULL;
  if (path == NULL) return true;
  *file = is_stdout(path) ? open_stdout() : fopen(path, "we");
  return *file != NULL || say_unwritable(path);
}

/* What cannot be written shows only now. NULL is ignored. */
static bool close_output(FILE *file, const char *path) {
  if (file == NULL) return true;
  bool written = ferror(file) == 0;
  written = fclose(file) == 0 && written;
  return written || say_unwritable(is_stdout(path) ? "to standard output" : path);
}

static bool flush_stdout(void) {
  return (ferror(stdout) == 0 && fflush(stdout) == 0) || say_unwritable("to standard output");
}

static bool open_outputs(struct outputs *outputs, const struct options *options) {
  if (!open_output(options->json_path, &outputs->json)) return false;
  if (!open_output(options->histogram_path, &outputs->histogram)) {
    (void)close_output(outputs->json, options->json_path);
    return false;
  }
  return true;
}

/* Whoever asked for something on standard output does not want the table there as well. */
static bool wants_table(const struct options *options) {
  return !is_stdout(options->json_path) && !is_stdout(options->histogram_path);
}

static bool write_outputs(const struct outputs *outputs, const struct options *options,
                          const struct measurement *measurement) {
  if (wants_table(options) && measurement->measured) report_human(options, measurement, stdout);
  if (outputs->json != NULL) report_json(options, measurement, outputs->json);
  if (outputs->histogram != NULL) histogram_write_percentiles(&measurement->latency, outputs->histogram);
  bool table = flush_stdout();
  bool json = close_output(outputs->json, options->json_path);
  return close_output(outputs->histogram, options->histogram_path) && json && table;
}

static enum exit_status measure(const struct options *options) {
  struct outputs outputs;
  struct measurement *measurement = malloc(sizeof *measurement);
  if (measurement == NULL) {
    (void)fputs("wsluice-bench: no memory\n", stderr);
    return EXIT_NOT_MEASURED;
  }
  if (!open_outputs(&outputs, options)) {
    free(measurement);
    return EXIT_NOT_MEASURED;
  }
  run_measurement(options, measurement);
  bool good = measurement->measured && measurement->failure[0] == '\0';
  bool written = write_outputs(&outputs, options, measurement);
  if (!good) (void)fprintf(stderr, "wsluice-bench: %s\n", measurement->failure);
  measurement_free(measurement);
  free(measurement);
  return good && written ? EXIT_MEASURED : EXIT_NOT_MEASURED;
}

static enum exit_status act(const struct options *options) {
  switch (options->action) {
    case ACTION_HELP:
      options_print_help(stdout);
      return flush_stdout() ? EXIT_MEASURED : EXIT_NOT_MEASURED;
    case ACTION_VERSION:
      (void)puts("wsluice-bench " WSLUICE_VERSION);
      return flush_stdout() ? EXIT_MEASURED : EXIT_NOT_MEASURED;
    case ACTION_SELFTEST:
      return selftest(stdout) ? EXIT_MEASURED : EXIT_NOT_MEASURED;
    case ACTION_SERVE:
      return serve(options) ? EXIT_MEASURED : EXIT_NOT_MEASURED;
    case ACTION_MEASURE:
      break;
  }
  return measure(options);
}

int main(int argc, char **argv) {
  static struct options options;
  char why[WHY_MAX];
  (void)signal(SIGPIPE, SIG_IGN); /* a peer that has gone is an error of the write */
  if (options_parse(&options, argc, (const char *const *)argv, why, sizeof why) != WSL_OK) {
    (void)fprintf(stderr, "wsluice-bench: %s\n", why);
    return EXIT_USAGE;
  }
  return (int)act(&options);
}
