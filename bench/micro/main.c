/* wsluice-micro: how long the codec's inner loops take. bench/micro/README.md says how to read it. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "micro.h"

#define ROUNDS_DEFAULT   15u
#define ROUND_MS_DEFAULT 5.0

static const char usage[] =
    "usage: wsluice-micro [--json] [--rounds N] [--round-ms MS] [--only TEXT]\n"
    "  --json          machine-readable, instead of tables\n"
    "  --rounds N      times that each case is run, in turns with its group (default 15, at most 101)\n"
    "  --round-ms MS   processor time of each (default 5)\n"
    "  --only TEXT     only groups with TEXT in their name\n";

enum report { REPORT_TABLE, REPORT_JSON };

static void die_usage(void) {
  fputs(usage, stderr);
  exit(2);
}

/* A number within [least, most], or the end. */
static double number_of(const char *text, double least, double most) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= least && value <= most)) die_usage();
  return value;
}

static enum report read_options(int argc, char **argv, struct micro_plan *plan) {
  static const struct option options[] = {
      {"json", no_argument, NULL, 'j'},           {"rounds", required_argument, NULL, 'r'},
      {"round-ms", required_argument, NULL, 'm'}, {"only", required_argument, NULL, 'o'},
      {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
  enum report report = REPORT_TABLE;
  for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
    switch (option) {
      case 'j':
        report = REPORT_JSON;
        break;
      case 'r':
        plan->rounds = (unsigned)number_of(optarg, 1, MICRO_ROUNDS_MAX);
        break;
      case 'm':
        plan->round_ms = number_of(optarg, 0.001, 10000);
        break;
      case 'o':
        plan->filter = optarg;
        break;
      case 'h':
        fputs(usage, stdout);
        exit(0);
      default:
        die_usage();
    }
  }
  if (optind != argc) die_usage();
  return report;
}

int main(int argc, char **argv) {
  static struct micro_plan plan = {.rounds = ROUNDS_DEFAULT, .round_ms = ROUND_MS_DEFAULT};
  enum report report = read_options(argc, argv, &plan);
  bench_unmask(&plan);
  bench_decode(&plan);
  bench_encode(&plan);
  bench_head(&plan);
  micro_run_all(&plan);
  if (report == REPORT_JSON) {
    micro_report_json(&plan);
  } else {
    micro_report_table(&plan);
  }
  return 0;
}
