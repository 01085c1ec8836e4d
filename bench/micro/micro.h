/* Micro-benchmarks: what a case is, and how cases are run.
 *
 * A case does one small thing many times and says how long that took on the processor. Cases of a
 * group are run in turns, round after round, so that what disturbs the machine disturbs all alike;
 * what is reported is the median of the rounds with the spread of their middle half.
 */
#ifndef MICRO_MICRO_H
#define MICRO_MICRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MICRO_CASES_MAX  256u
#define MICRO_ROUNDS_MAX 101u
#define MICRO_NAME_MAX   48u

struct micro_case;

/* Does the case's item `count` times; returns the nanoseconds that are to be counted (micro_now()),
 * which leave out what only prepares an item. */
typedef double micro_run(const struct micro_case *measured, uint64_t count);

struct micro_case {
  char group[MICRO_NAME_MAX];
  char name[MICRO_NAME_MAX];
  micro_run *run;
  const void *context;         /* the case's own; lives as long as the program */
  size_t size;                 /* likewise: a length, mostly */
  double items_per_call;       /* an item of the table, in one of the run's `count` */
  double bytes_per_item;       /* 0: none of a throughput */
  bool is_anchor;              /* what the others of its group are compared with */
  uint64_t count;              /* per round, by calibration */
  double ns[MICRO_ROUNDS_MAX]; /* an item, in each round */
};

struct micro_plan {
  unsigned rounds;
  double round_ms;    /* of each case in each round */
  const char *filter; /* only groups with this text in their name, or NULL */
  struct micro_case cases[MICRO_CASES_MAX];
  size_t count;
};

/* Middle of the rounds and its spread: half of them lie between low and high. */
struct micro_figure {
  double ns, ns_low, ns_high;
};

/* A new case at the end of the plan, to be filled in; its group is `group`, its name printf's. Ends
 * the program when there are too many. */
struct micro_case *micro_add(struct micro_plan *plan, const char *group, const char *name, ...)
    __attribute__((format(printf, 3, 4)));

/* Processor time of this thread in ns: the load of others does not count, but for their use of caches. */
double micro_now(void);

/* What two micro_now() cost; measured once. */
double micro_clock_cost(void);

/* Runs all cases that the filter lets through, group by group. */
void micro_run_all(struct micro_plan *plan);

bool micro_wanted(const struct micro_plan *plan, const struct micro_case *measured);
struct micro_figure micro_figure(const struct micro_plan *plan, const struct micro_case *measured);

/* A block that starts at an address divisible by 4096, all pages touched; never given back. */
uint8_t *micro_memory(size_t len);

/* The same, half a page further on: for a copy's other end. Processors take a load for one of what was just
 * stored where the last twelve bits of the addresses are the same, and wait. */
uint8_t *micro_memory_apart(size_t len);

/* Keeps the compiler from leaving out what made `value`. */
static inline void micro_keep(uint64_t value) {
  __asm__ volatile("" : : "r"(value) : "memory");
}

/* xorshift64*: the same lengths and bytes in every run. */
static inline uint64_t micro_random(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C(2685821657736338717);
}

/* The reports (report.c). */
void micro_report_table(const struct micro_plan *plan);
void micro_report_json(const struct micro_plan *plan);

/* Each file of benchmarks adds its cases. */
void bench_unmask(struct micro_plan *plan);
void bench_decode(struct micro_plan *plan);
void bench_encode(struct micro_plan *plan);
void bench_head(struct micro_plan *plan);

#endif
