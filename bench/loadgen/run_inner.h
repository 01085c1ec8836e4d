/* A run and its parts: phases (run.c), moments at which all counters are read (run_cut.c), streams of
 * messages (run_flow.c), visits (run_visits.c).
 *
 *   OPENING --> WARMUP --> MEASURING --> DRAINING --> CLOSING --> OVER
 *        \---------\------------\------------\----------------------^   at the first failure
 *
 * All on one thread, the load's.
 */
#ifndef LOADGEN_RUN_INNER_H
#define LOADGEN_RUN_INNER_H

#include <uv.h>

#include "loadgen/backend.h"
#include "loadgen/connection.h"
#include "loadgen/lane.h"
#include "loadgen/measurement.h"
#include "loadgen/options.h"
#include "loadgen/outgoing.h"
#include "loadgen/pacer.h"
#include "loadgen/pattern.h"
#include "loadgen/process_meter.h"
#include "net/offload_pool.h"
#include "net/tls/context.h"
#include "net/tls/tls.h"

enum run_phase { PHASE_OPENING, PHASE_WARMUP, PHASE_MEASURING, PHASE_DRAINING, PHASE_CLOSING, PHASE_OVER };

/* All counters, read at one moment. */
struct cut {
  uint64_t at_ns;
  uint64_t bytes;
  uint64_t visits;
  uint64_t proxy_cpu_ns;
  uint64_t load_cpu_ns, client_cpu_ns, backend_cpu_ns;
};

struct run {
  const struct options *options;
  struct measurement *measurement;
  enum run_phase phase;

  struct pattern pattern;
  struct outgoing outgoing;
  struct handshake handshake;
  struct endpoint endpoint;
  struct client client;
  struct lane lane;
  struct offload_pool offload;
  struct tls_domain tls;
  struct tls_context *tls_context;
  struct backend backend;
  bool has_backend;
  struct process_meter meter;
  bool has_meter;

  struct connection *connections;
  uint64_t *stamps;
  size_t started, opened, ended; /* connections */
  size_t opened_before;          /* as it was when any was opened last, */
  uint64_t opened_ns;            /* and when that was */
  uint64_t visits;               /* mode connect: completed, */
  uint64_t settle_until_ns;      /* and how long the backend may take to have seen them */

  uv_timer_t phase_timer; /* ends the phase */
  uv_timer_t tick;        /* looks after things four times a second */
  uv_timer_t drain_timer; /* looks whether all has come */
  uv_signal_t interrupt, terminate;
  struct pacer pacer;
  uint64_t schedule_ns; /* when message 0 was due */
  uint64_t scheduled;   /* messages allowed by the schedule so far */
  uint64_t due;         /* messages that it had until the end of the measured time */

  struct cut begin, end;
  uint64_t rss_kb_before;
  uint64_t drained_ns, drained_bytes; /* the last progress while draining */
  uint64_t drain_began_ns;
  uint64_t last_second_ns, last_second_amount;
  unsigned ticks;
};

/* ---- run.c ---- */

/* Ends the run because something is wrong (client.failure says what), or because all is over. */
void run_over(struct run *run);

/* Every connection is open: the load begins. */
void run_all_open(struct run *run);

/* What a connection waits for, for messages. */
const char *run_awaited(enum connection_state state);

/* ---- run_cut.c ---- */

void run_cut(struct run *run, struct cut *cut);

/* Bytes (connect: visits) so far. */
uint64_t run_amount(const struct run *run);

/* Turns the two cuts into figures. */
void run_conclude(struct run *run);

/* ---- run_flow.c: modes up, down, both, echo, idle ---- */

extern const struct client_events flow_events;

/* Opens connections, at most so many at a time. */
void flow_open(struct run *run);
/* Ends the run when no connection comes about any more. */
void flow_watch_opening(struct run *run);
/* All are open: lets them send. */
void flow_begin(struct run *run);
/* No more messages but those that are under way. */
void flow_stop(struct run *run);
/* Whether all that was sent has come. */
bool flow_drained(const struct run *run);

/* Whether streams run at full speed between ends that are both ours: then each reads much at a time. */
bool run_in_bulk(const struct run *run);

/* ---- run_schedule.c: --rate ---- */

void schedule_begin(struct run *run);
/* The schedule's next messages; `arg` is the run (pacer). */
void schedule_pace(void *arg);
/* When message `index` of a connection was due. */
uint64_t schedule_due_ns(const struct run *run, const struct connection *connection, uint64_t index);
/* The measured time is over. What was due in it is sent, even late: it was to be measured; but not where
 * that would take for ever, or where a signal wants an end. */
void schedule_stop(struct run *run);
/* Counts what was due and never answered, with the time that was waited. */
void schedule_count_unanswered(struct run *run);

/* ---- run_visits.c: mode connect ---- */

extern const struct client_events visit_events;

void visits_begin(struct run *run);
/* Closes those whose server does not. */
void visits_tick(struct run *run);
/* The time for the last visits is over: so many seconds. */
void visits_deadline(struct run *run, unsigned seconds);

#endif
