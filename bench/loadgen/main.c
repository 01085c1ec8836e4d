/* wsluice-bench: loads a WebSocket bridge or echo server and measures it. Reads the command line, has the
 * work done, and reports. Exit status: 0, 1 could not be measured, 2 wrong usage. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "loadgen/options.h"
#include "loadgen/report.h"
#include "loadgen/run.h"
#include "loadgen/selftest.h"
#include "loadgen/serve.h"

enum exit_status { EXIT_MEASURED, EXIT_NOT_MEASURED, EXIT_USAGE };

#define WHY_MAX 512u

static bool close_file(FILE *file, const char *path) {
  bool written = ferror(file) == 0;
  written = (file == stdout ? fflush(file) : fclose(file)) == 0 && written;
  if (!written) (void)fprintf(stderr, "wsluice-bench: cannot write %s: %s\n", path, strerror(errno));
  return written;
}

static FILE *open_file(const char *path) {
  FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
  if (file == NULL) (void)fprintf(stderr, "wsluice-bench: cannot write %s: %s\n", path, strerror(errno));
  return file;
}

static bool write_json(const struct options *options, const struct measurement *measurement) {
  if (options->json_path == NULL) return true;
  FILE *file = open_file(options->json_path);
  if (file == NULL) return false;
  report_json(options, measurement, file);
  return close_file(file, options->json_path);
}

static bool write_histogram(const struct options *options, const struct measurement *measurement) {
  if (options->histogram_path == NULL) return true;
  FILE *file = open_file(options->histogram_path);
  if (file == NULL) return false;
  histogram_write_percentiles(&measurement->latency, file);
  return close_file(file, options->histogram_path);
}

static enum exit_status measure(const struct options *options) {
  struct measurement *measurement = malloc(sizeof *measurement);
  if (measurement == NULL) {
    (void)fputs("wsluice-bench: no memory\n", stderr);
    return EXIT_NOT_MEASURED;
  }
  run_measurement(options, measurement);
  bool good = measurement->measured && measurement->failure[0] == '\0';
  bool json_to_stdout = options->json_path != NULL && strcmp(options->json_path, "-") == 0;
  bool histogram_to_stdout = options->histogram_path != NULL && strcmp(options->histogram_path, "-") == 0;
  if (measurement->measured && !json_to_stdout && !histogram_to_stdout)
    report_human(options, measurement, stdout);
  bool written = write_json(options, measurement) && write_histogram(options, measurement);
  (void)fflush(stdout);
  if (!good) (void)fprintf(stderr, "wsluice-bench: %s\n", measurement->failure);
  measurement_free(measurement);
  free(measurement);
  return good && written ? EXIT_MEASURED : EXIT_NOT_MEASURED;
}

static enum exit_status act(const struct options *options) {
  switch (options->action) {
    case ACTION_HELP:
      options_print_help(stdout);
      return EXIT_MEASURED;
    case ACTION_VERSION:
      (void)puts("wsluice-bench " WSLUICE_VERSION);
      return EXIT_MEASURED;
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
