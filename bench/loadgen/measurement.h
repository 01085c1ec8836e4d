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

/* Mode connect: how all visits of the run ended, those of the warm-up included. */
struct visit_ends {
  uint64_t close;         /* our Close was answered with 1000 */
  uint64_t close_bare;    /* with a Close without a code */
  uint64_t close_odd;     /* with a Close whose code no RFC knows */
  uint64_t without_close; /* not at all: the connection ended */
  uint64_t reset;         /* of all: by a reset instead of an end */
  uint64_t left_open;     /* of all: by us, since the server did not end it (RFC 6455 7.1.1) */
  uint64_t backend_accepted, backend_ended, backend_reset; /* sessions at the built-in backend */
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
  bool rate_missed;     /* --rate: fewer messages went through than that */
  uint64_t unanswered;  /* of them messages to which no answer came: with the time waited so far */
  uint64_t visits;      /* mode connect: upgrades */
  struct visit_ends ends;
  double *rates; /* bytes (connect: visits) a second, of each whole second */
  size_t rates_count;
  uint64_t failures[FAILURE_KINDS];
  char failure[CLIENT_FAILURE_MAX]; /* "" when every byte was right */
};

#endif
