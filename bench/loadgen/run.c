/* The phases of a run (run_inner.h). What is made and taken down around them is run_setup.c's. */
#include <stdio.h>
#include <string.h>

#include "loadgen/progress.h"
#include "loadgen/run.h"
#include "loadgen/run_inner.h"
#include "loadgen/run_setup.h"

#define NS_PER_S       UINT64_C(1000000000)
#define MS_PER_S       1000u
#define TICK_MS        250u
#define TICKS_A_SECOND 4u
#define DRAIN_LOOK_MS  5u
#define DRAIN_STALL_NS (5 * NS_PER_S)  /* nothing has come for so long: it was lost */
#define DRAIN_MAX_NS   (15 * NS_PER_S) /* a slow server that still moves is not waited for longer */

#define DRAIN_INTERRUPTED_NS (NS_PER_S / 4)

#define CLOSE_MAX_MS             2000u
#define VISITS_CLOSE_MAX_MS      3000u
#define INTERRUPTED_CLOSE_MAX_MS 200u /* a signal ends the run within a second */

void run_over(struct run *run) {
  run->phase = PHASE_OVER;
  uv_stop(&run->lane.loop);
}

const char *run_awaited(enum connection_state state) {
  switch (state) {
    case CONNECTION_CONNECTING:
      return "connecting";
    case CONNECTION_SECURING:
      return "the TLS handshake";
    case CONNECTION_UPGRADING:
      return "the answer to the upgrade";
    case CONNECTION_OPEN:
    case CONNECTION_CLOSING:
    case CONNECTION_GONE:
      break;
  }
  return "nothing";
}

static void on_close_deadline(uv_timer_t *timer) {
  struct run *run = timer->data;
  if (run->options->mode == MODE_CONNECT) visits_deadline(run, VISITS_CLOSE_MAX_MS / MS_PER_S);
  run_over(run);
}

/* Nothing that happens from now on is an error: the measurement is done. But visits go on to their end,
 * which is a part of what they ask for. */
static void begin_closing(struct run *run) {
  bool visits = run->options->mode == MODE_CONNECT;
  bool interrupted = run->measurement->interrupted;
  uint64_t limit_ms = interrupted ? INTERRUPTED_CLOSE_MAX_MS : visits ? VISITS_CLOSE_MAX_MS : CLOSE_MAX_MS;
  run->phase = PHASE_CLOSING;
  run->client.quiet = !visits || interrupted;
  (void)uv_timer_stop(&run->drain_timer);
  (void)uv_timer_start(&run->phase_timer, on_close_deadline, limit_ms, 0);
  for (size_t i = 0; !visits && i < run->started; i++)
    connection_close(&run->connections[i]);
  if (!visits && run->ended == run->started) run_over(run);
}

/* Bytes that are missing on one side, for the message about a loss. */
static void say_lost(struct run *run) {
  uint64_t sent = 0;
  uint64_t came = 0;
  for (size_t i = 0; i < run->started; i++) {
    sent += connection_payload_sent(&run->connections[i]);
    came += run->connections[i].payload_received;
  }
  if (run->options->mode == MODE_UP && run->has_backend)
    came = atomic_load_explicit(&run->backend.received, memory_order_relaxed);
  client_fail(&run->client, FAILURE_UNANSWERED,
              "bytes are lost or stuck: %llu were sent, %llu have come %s, and nothing moves for %u s",
              (unsigned long long)sent, (unsigned long long)came,
              run->options->mode == MODE_UP ? "to the backend" : "back",
              (unsigned)(DRAIN_STALL_NS / NS_PER_S));
}

static void end_draining(struct run *run) {
  if (run->options->rate > 0 && run->options->mode == MODE_ECHO) schedule_count_unanswered(run);
  begin_closing(run);
}

static void on_drain_look(uv_timer_t *timer) {
  struct run *run = timer->data;
  uint64_t now_ns = uv_hrtime();
  uint64_t amount = run_amount(run);
  bool drained = flow_drained(run);
  if (amount != run->drained_bytes) {
    run->drained_bytes = amount;
    run->drained_ns = now_ns;
  }
  bool stalled = now_ns - run->drained_ns > DRAIN_STALL_NS;
  uint64_t limit_ns = run->measurement->interrupted ? DRAIN_INTERRUPTED_NS : DRAIN_MAX_NS;
  if (!drained && !stalled && now_ns - run->drain_began_ns < limit_ns) return;
  if (!drained && stalled) say_lost(run);
  end_draining(run);
}

static void begin_draining(struct run *run) {
  run->phase = PHASE_DRAINING;
  run->drained_ns = run->drain_began_ns = uv_hrtime();
  run->drained_bytes = run_amount(run);
  flow_stop(run);
  (void)uv_timer_start(&run->drain_timer, on_drain_look, 0, DRAIN_LOOK_MS);
}

static void end_measuring(struct run *run) {
  (void)uv_timer_stop(&run->phase_timer); /* a signal may have come first */
  run_cut(run, &run->end);
  run_conclude(run);
  if (run->options->mode == MODE_CONNECT)
    begin_closing(run);
  else
    begin_draining(run);
}

static void on_measured(uv_timer_t *timer) {
  end_measuring(timer->data);
}

static void on_tick(uv_timer_t *timer);

static void on_warm(uv_timer_t *timer) {
  struct run *run = timer->data;
  run->phase = PHASE_MEASURING;
  if (run->has_meter) (void)process_meter_rss_kb(&run->meter);
  run_cut(run, &run->begin);
  run->last_second_ns = run->begin.at_ns;
  run->last_second_amount = run_amount(run);
  run->ticks = 0;
  uv_update_time(timer->loop); /* or the time would begin when this turn of the loop did */
  (void)uv_timer_start(timer, on_measured, run->options->duration_ms, 0);
  (void)uv_timer_start(&run->tick, on_tick, TICK_MS, TICK_MS); /* so that its seconds are whole ones */
}

void run_all_open(struct run *run) {
  run->phase = PHASE_WARMUP;
  (void)uv_timer_start(&run->phase_timer, on_warm, run->options->warmup_ms, 0);
  if (run->options->mode != MODE_CONNECT) flow_begin(run);
}

/* A signal ends the measured time early, and the run within a second; before it there is nothing to
 * report. */
static void on_signal(uv_signal_t *handle, int number) {
  struct run *run = handle->data;
  (void)number;
  run->measurement->interrupted = true;
  if (run->phase == PHASE_MEASURING || run->phase == PHASE_DRAINING) {
    run->phase == PHASE_MEASURING ? end_measuring(run) : end_draining(run);
    return;
  }
  if (run->phase < PHASE_MEASURING)
    client_fail(&run->client, FAILURE_OTHER, "interrupted before anything was measured");
  run_over(run);
}

/* Amounts of each second: the spread within a run says whether its mean means anything. */
static void note_second(struct run *run) {
  struct measurement *measurement = run->measurement;
  uint64_t now_ns = uv_hrtime();
  uint64_t amount = run_amount(run);
  double elapsed_s = (double)(now_ns - run->last_second_ns) / (double)NS_PER_S;
  double rate = elapsed_s > 0 ? (double)(amount - run->last_second_amount) / elapsed_s : 0;
  run->last_second_ns = now_ns;
  run->last_second_amount = amount;
  if (run->phase == PHASE_MEASURING && measurement->rates_count < MEASUREMENT_SECONDS_MAX)
    measurement->rates[measurement->rates_count++] = rate;
  progress_say(run, rate);
}

static void on_tick(uv_timer_t *timer) {
  struct run *run = timer->data;
  if (run->has_backend && atomic_load_explicit(&run->backend.failed, memory_order_acquire)) {
    client_fail(&run->client, FAILURE_CONTENT, "%s", run->backend.failure);
    run_over(run);
    return;
  }
  if (run->options->mode == MODE_CONNECT)
    visits_tick(run);
  else
    flow_watch_opening(run);
  if (run->phase == PHASE_OVER) return;
  if (run->has_meter) (void)process_meter_rss_kb(&run->meter);
  if (++run->ticks % TICKS_A_SECOND != 0) return;
  if (run->has_meter && !process_meter_scan(&run->meter) && run->phase <= PHASE_MEASURING) {
    client_fail(&run->client, FAILURE_OTHER, "the process that --pid names has ended");
    run_over(run);
    return;
  }
  note_second(run);
}

static void begin(struct run *run) {
  run->last_second_ns = uv_hrtime();
  (void)uv_timer_start(&run->tick, on_tick, TICK_MS, TICK_MS);
  (void)uv_signal_start(&run->interrupt, on_signal, SIGINT);
  (void)uv_signal_start(&run->terminate, on_signal, SIGTERM);
  if (run->options->mode != MODE_CONNECT) {
    flow_open(run);
    return;
  }
  run_all_open(run);
  visits_begin(run);
}

/* The backend's last words: what came while the rest was closing counts as well. And a run in which nothing
 * moved is no measurement, though nothing went wrong. */
static void judge(struct run *run) {
  const struct measurement *measurement = run->measurement;
  run->client.quiet = false;
  bool backend_failed = run->has_backend && atomic_load_explicit(&run->backend.failed, memory_order_acquire);
  if (backend_failed && run->client.failure[0] == '\0')
    client_fail(&run->client, FAILURE_CONTENT, "%s", run->backend.failure);
  bool moved = measurement->messages > 0 || measurement->latency.count > 0 || run->options->mode == MODE_IDLE;
  if (moved || run->client.failure[0] != '\0') return;
  client_fail(
      &run->client, FAILURE_OTHER, "not one message in %.2f s%s", measurement->duration_s,
      run->options->mode == MODE_DOWN ? ": mode down needs a server or backend that sends by itself" : "");
}

void run_measurement(const struct options *options, struct measurement *measurement) {
  struct run *run = run_setup(options, measurement);
  if (run == NULL) return;
  begin(run);
  while (run->phase != PHASE_OVER)
    uv_run(&run->lane.loop, UV_RUN_DEFAULT);
  judge(run);
  memcpy(measurement->failures, run->client.failures, sizeof measurement->failures);
  memcpy(measurement->failure, run->client.failure, sizeof measurement->failure);
  progress_end(run);
  run_takedown(run);
}
