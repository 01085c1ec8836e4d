/* Runs cases in turns and takes the middle of their rounds. */
#include "micro.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S         1e9
#define NS_PER_MS        1e6
#define CLOCK_TRIES      1000u
#define CALIBRATE_NS     200e3 /* long enough that the clock's own cost is lost in it */
#define CALIBRATE_GROWTH 4u
#define PAGE             4096u

struct micro_case *micro_add(struct micro_plan *plan, const char *group, const char *name, ...) {
  if (plan->count == MICRO_CASES_MAX) {
    fputs("micro: more cases than MICRO_CASES_MAX\n", stderr);
    exit(1);
  }
  struct micro_case *added = &plan->cases[plan->count++];
  *added = (struct micro_case){.items_per_call = 1};
  snprintf(added->group, sizeof(added->group), "%s", group);
  va_list arguments;
  va_start(arguments, name);
  vsnprintf(added->name, sizeof(added->name), name, arguments);
  va_end(arguments);
  return added;
}

double micro_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * NS_PER_S + (double)now.tv_nsec;
}

double micro_clock_cost(void) {
  static double cost;
  if (cost > 0) return cost;
  double start = micro_now();
  for (unsigned i = 0; i < CLOCK_TRIES; i++)
    micro_now();
  cost = (micro_now() - start) / (CLOCK_TRIES + 1);
  return cost;
}

uint8_t *micro_memory(size_t len) {
  size_t whole = (len + PAGE - 1) / PAGE * PAGE;
  uint8_t *block = aligned_alloc(PAGE, whole);
  if (block == NULL) {
    fputs("micro: out of memory\n", stderr);
    exit(1);
  }
  memset(block, 'w', whole);
  return block;
}

uint8_t *micro_memory_apart(size_t len) {
  return micro_memory(len + PAGE / 2) + PAGE / 2;
}

bool micro_wanted(const struct micro_plan *plan, const struct micro_case *measured) {
  return plan->filter == NULL || strstr(measured->group, plan->filter) != NULL;
}

/* Finds how often the case has to be run to last for a round. */
static void calibrate(const struct micro_plan *plan, struct micro_case *measured) {
  uint64_t count = 1;
  double took = measured->run(measured, count);
  while (took < CALIBRATE_NS) {
    count *= CALIBRATE_GROWTH;
    took = measured->run(measured, count);
  }
  double wanted = (double)count * plan->round_ms * NS_PER_MS / took;
  measured->count = wanted < 1 ? 1 : (uint64_t)wanted;
}

static void run_round(struct micro_case *measured, unsigned round) {
  double took = measured->run(measured, measured->count);
  measured->ns[round] = took / ((double)measured->count * measured->items_per_call);
}

/* The cases of one group: cases[from..to). */
static void run_group(struct micro_plan *plan, size_t from, size_t to) {
  for (size_t i = from; i < to; i++)
    calibrate(plan, &plan->cases[i]);
  for (unsigned round = 0; round < plan->rounds; round++) {
    for (size_t i = from; i < to; i++)
      run_round(&plan->cases[i], round);
  }
}

void micro_run_all(struct micro_plan *plan) {
  for (size_t from = 0, to; from < plan->count; from = to) {
    for (to = from + 1; to < plan->count; to++) {
      if (strcmp(plan->cases[to].group, plan->cases[from].group) != 0) break;
    }
    if (micro_wanted(plan, &plan->cases[from])) run_group(plan, from, to);
  }
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

struct micro_figure micro_figure(const struct micro_plan *plan, const struct micro_case *measured) {
  double sorted[MICRO_ROUNDS_MAX];
  memcpy(sorted, measured->ns, plan->rounds * sizeof(sorted[0]));
  qsort(sorted, plan->rounds, sizeof(sorted[0]), compare);
  unsigned last = plan->rounds - 1;
  return (struct micro_figure){sorted[plan->rounds / 2], sorted[last / 4], sorted[last - last / 4]};
}
