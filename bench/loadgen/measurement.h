/* What a run has found out: the figures that reports are made of. */
#ifndef LOADGEN_MEASUREMENT_H
#define LOADGEN_MEASUREMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadgen/connection.h"
#include "loadgen/histogram.h"

#define MEASUREMENT_SECONDS_MAX 86400u

struct proxy_cost {
  double cpu_s;
  uint64_t rss_kb_before, rss_kb_after, rss_kb_peak;
  uint64_t processes, threads;
};

struct load_cost {
  double cpu_s;         /* the whole bench */
  double client_cpu_s;  /* of it the thread that makes the load */
  double backend_cpu_s; /* and the built-in backend's */
};

struct measurement {
  bool measured;    /* the measured time began and ended; else only the failure below means something */
  bool interrupted; /* by a signal, so the time is shorter than was wished */
  double duration_s;
  uint64_t messages, bytes;
  bool has_proxy;
  struct proxy_cost proxy;
  struct load_cost load;
  struct histogram latency; /* nanoseconds */
  struct histogram lag; /* --rate: how late the bench itself was with its messages; part of the latencies */
  uint64_t unanswered;  /* of them messages to which no answer came: with the time waited so far */
  uint64_t visits;      /* mode connect: upgrades */
  double *rates;        /* bytes (connect: visits) a second, of each whole second */
  size_t rates_count;
  uint64_t failures[FAILURE_KINDS];
  char failure[CLIENT_FAILURE_MAX]; /* "" when every byte was right */
};

#endif
