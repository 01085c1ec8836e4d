/* wsluice-sim: plays lives of sessions, drawn from seeds, until one goes wrong.
 *
 *   wsluice-sim --seeds 1000000 --seed 1     plays seeds 1 to 1000000 on all processors
 *   gdb --args wsluice-sim --seed 7 --here   plays one in this process
 *   wsluice-sim --tell 7                     tells one's story
 *
 * Exit status: 0 when no seed fails, 1 when one does, 2 for a command line that it does not understand.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attempt.h"
#include "board.h"
#include "leaks.h"
#include "play.h"
#include "report.h"
#include "runner.h"
#include "shrink.h"
#include "watch.h"

#define EXIT_USAGE    2
#define SEEDS_DEFAULT 100000u
#define SHRINK_S      30u /* most of the time that the search for a short story may take */
#define HERE_CPU_MS   30000u

enum mode { MODE_RUN, MODE_HERE, MODE_TELL };

struct options {
  enum mode mode;
  struct run run;
  const char *story; /* a file for the report, or NULL */
  bool shrinks;
  bool shortest; /* with MODE_HERE and MODE_TELL: not the plan as drawn */
};

static const char usage[] =
    "wsluice-sim: plays lives of sessions, drawn from seeds, until one goes wrong\n"
    "\n"
    "  --seed S       the first seed (1)\n"
    "  --seeds N      how many (100000)\n"
    "  --jobs J       worker processes (one a processor)\n"
    "  --first        stop at the first seed that fails, not at the third\n"
    "  --no-shrink    don't look for the shortest story\n"
    "  --story FILE   write the reports there too\n"
    "\n"
    "  --here         play seed S in this process, for a debugger\n"
    "  --trace        with --here: print what happens\n"
    "  --tell S       tell the story of a seed\n"
    "  --shortest     with --here, --tell: first look for the shortest that fails so\n";

enum option_key {
  KEY_SEED = 1,
  KEY_SEEDS,
  KEY_JOBS,
  KEY_FIRST,
  KEY_NO_SHRINK,
  KEY_STORY,
  KEY_HERE,
  KEY_TRACE,
  KEY_TELL,
  KEY_SHORTEST,
  KEY_HELP
};

static const struct option long_options[] = {
    {"seed", required_argument, NULL, KEY_SEED},     {"seeds", required_argument, NULL, KEY_SEEDS},
    {"jobs", required_argument, NULL, KEY_JOBS},     {"first", no_argument, NULL, KEY_FIRST},
    {"no-shrink", no_argument, NULL, KEY_NO_SHRINK}, {"story", required_argument, NULL, KEY_STORY},
    {"here", no_argument, NULL, KEY_HERE},           {"trace", no_argument, NULL, KEY_TRACE},
    {"tell", required_argument, NULL, KEY_TELL},     {"shortest", no_argument, NULL, KEY_SHORTEST},
    {"help", no_argument, NULL, KEY_HELP},           {0},
};

static void refuse(const char *what, const char *value) {
  fprintf(stderr, "wsluice-sim: %s \"%s\"\n", what, value);
  exit(EXIT_USAGE);
}

static uint64_t number(const char *text, uint64_t min, uint64_t max) {
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || *text == '-' || value < min || value > max) {
    refuse("no number, or none that fits:", text);
  }
  return value;
}

static void apply_option(struct options *options, int key, const char *value) {
  switch (key) {
    case KEY_TELL:
      options->mode = MODE_TELL;
      options->run.first = number(value, 0, INT64_MAX);
      break;
    case KEY_SEED:
      options->run.first = number(value, 0, INT64_MAX);
      break;
    case KEY_SEEDS:
      options->run.count = number(value, 1, INT64_MAX);
      break;
    case KEY_JOBS:
      options->run.jobs = (unsigned)number(value, 1, WORKERS_MAX);
      break;
    case KEY_FIRST:
      options->run.failures_max = 1;
      break;
    case KEY_NO_SHRINK:
      options->shrinks = false;
      break;
    case KEY_STORY:
      options->story = value;
      break;
    case KEY_HERE:
      options->mode = MODE_HERE;
      break;
    case KEY_TRACE:
      sim_tracing = true;
      break;
    case KEY_SHORTEST:
      options->shortest = true;
      break;
    case KEY_HELP:
      fputs(usage, stdout);
      exit(EXIT_SUCCESS);
    default: /* getopt has said what */
      exit(EXIT_USAGE);
  }
}

static unsigned processors(void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  if (count < 1) return 1;
  return count < (long)WORKERS_MAX ? (unsigned)count : WORKERS_MAX;
}

static struct options read_options(int argc, char **argv) {
  struct options options = {.mode = MODE_RUN, .shrinks = true};
  options.run = (struct run){.first = 1, .count = SEEDS_DEFAULT, .failures_max = FAILURES_MAX};
  options.run.jobs = processors();
  int key;
  while ((key = getopt_long(argc, argv, "", long_options, NULL)) != -1)
    apply_option(&options, key, optarg);
  if (optind < argc) refuse("what to do with", argv[optind]);
  return options;
}

/* ---- one seed ---- */

/* The seed's plan, or the shortest that fails as it does. */
static void make_plan(struct plan *plan, const struct options *options) {
  plan_draw(plan, options->run.first);
  if (!options->shortest) return;
  static struct shrunk shrunk;
  struct death death;
  if (!attempt_fails(plan, &death)) return;
  shrink(plan, &death, SHRINK_S, &shrunk);
  *plan = shrunk.plan;
}

static int play_here(const struct options *options) {
  static struct plan plan; /* not on the stack: a debugger's backtrace shows its address all the way up */
  bool tracing = sim_tracing;
  sim_tracing = false;
  make_plan(&plan, options);
  plan_tell(&plan, stdout);
  fflush(stdout);
  sim_tracing = tracing;
  watch_start(HERE_CPU_MS);
  play(&plan);
  leaks_check();
  printf("sim: seed %" PRIu64 " does not fail\n", options->run.first);
  return EXIT_SUCCESS;
}

static int tell(const struct options *options) {
  struct plan plan;
  make_plan(&plan, options);
  plan_tell(&plan, stdout);
  return EXIT_SUCCESS;
}

/* ---- many ---- */

static void report_to_all(const struct failure *failure, const struct shrunk *shrunk, FILE *story) {
  report_failure(failure, shrunk, stdout);
  fflush(stdout);
  if (story != NULL) report_failure(failure, shrunk, story);
}

/* One story a kind of fault: the second of a kind would tell the same. */
static bool is_new_kind(const struct run_result *result, unsigned number_of) {
  for (unsigned i = 0; i < number_of; i++)
    if (death_same_kind(&result->failures[i].death, &result->failures[number_of].death)) return false;
  return true;
}

static void report_failures(const struct run_result *result, bool shrinks, FILE *story) {
  static struct shrunk shrunk;
  for (unsigned i = 0; i < result->failure_count; i++) {
    const struct failure *failure = &result->failures[i];
    if (!is_new_kind(result, i)) continue;
    if (shrinks) {
      struct plan plan;
      plan_draw(&plan, failure->seed);
      shrink(&plan, &failure->death, SHRINK_S, &shrunk);
    }
    report_to_all(failure, shrinks ? &shrunk : NULL, story);
  }
}

static int run(const struct options *options) {
  struct run_result result;
  FILE *story = NULL;
  if (options->story != NULL && (story = fopen(options->story, "w")) == NULL)
    refuse("can't write the story to", options->story);
  run_seeds(&options->run, &result);
  report_failures(&result, options->shrinks, story);
  report_run(&options->run, &result, stdout);
  if (story != NULL) fclose(story);
  return result.failure_count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
  struct options options = read_options(argc, argv);
  switch (options.mode) {
    case MODE_HERE:
      return play_here(&options);
    case MODE_TELL:
      return tell(&options);
    case MODE_RUN:
      break;
  }
  return run(&options);
}
