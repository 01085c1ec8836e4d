/* What a process costs: CPU and memory of it, all its threads and all its descendants (Linux).
 *
 * CPU comes from each process's own clock, in nanoseconds. Children that have ended are in their parent's
 * account once it has waited for them (to a hundredth of a second); those whose parent never does count with
 * what was last seen of them. Memory is the sum of what is resident, sampled; pages shared between processes
 * count in each.
 *
 *   process_meter_scan() finds the processes: slow, some milliseconds, before a moment that matters
 *   process_meter_cpu_ns() reads the clocks of those found: microseconds
 */
#ifndef LOADGEN_PROCESS_METER_H
#define LOADGEN_PROCESS_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <wsluice/span.h>

#define METER_WHY_MAX 128u

struct metered {
  pid_t pid;
  pid_t parent;
  uint64_t start_ticks; /* since boot: tells a process from a later one with its number */
  clockid_t clock;
  uint64_t own_ns;    /* last seen */
  uint64_t waited_ns; /* of ended children that it has waited for, last seen */
  uint64_t waited_at_first_ns;
  uint64_t threads;
  bool seen; /* in the running scan */
};

struct process_meter {
  const int64_t *roots;
  size_t roots_count;
  struct metered *processes;
  size_t count, capacity;
  uint64_t vanished_ns;        /* of those that are gone, as last seen */
  uint64_t vanished_waited_ns; /* what those had waited for */
  uint64_t rss_kb_peak;
};

/* `roots` outlive the meter. 0, or an error with one line in why[]: no such process. */
WSL_MUST_CHECK int process_meter_init(struct process_meter *meter, const int64_t *roots, size_t count,
                                      char why[METER_WHY_MAX]);
void process_meter_destroy(struct process_meter *meter);

/* Finds descendants that are new, and notes which have ended. False when none of the roots lives any more. */
bool process_meter_scan(struct process_meter *meter);

/* CPU used so far; differences between two calls are what counts. */
uint64_t process_meter_cpu_ns(struct process_meter *meter);

/* Memory now, in KB; also moves the peak. */
uint64_t process_meter_rss_kb(struct process_meter *meter);

uint64_t process_meter_threads(const struct process_meter *meter);

#endif
