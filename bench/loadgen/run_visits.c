/* Mode connect: each visit dials, upgrades, has its messages echoed (--messages, one unless it says else),
 * sends Close, and waits for the Close and the end of the server; as many at a time as there are connections
 * (run_inner.h).
 *
 * A visit is proved, not believed: by its echo, by the answer to its Close, and with a built-in backend by
 * that: it must have seen as many sessions begun and ended in order, so no bridge looks good that answers
 * the upgrade and never dials. */
#include "loadgen/run_inner.h"

#define NS_PER_MS UINT64_C(1000000)

/* A server that has answered our Close and does not end the connection (RFC 6455 7.1.1 says that it should)
 * is left after so long. */
#define SERVER_CLOSES_WITHIN_NS (1000 * NS_PER_MS)

/* The same for each step before. */
#define STEP_MAX_S  10u
#define STEP_MAX_NS (STEP_MAX_S * 1000 * NS_PER_MS)

/* Bridges may tell their backend a little later than their client. */
#define SETTLE_LOOK_MS            5u
#define SETTLE_MAX_NS             (2000 * NS_PER_MS)
#define SETTLE_INTERRUPTED_MAX_NS (200 * NS_PER_MS)

static struct run *run_of(const struct connection *connection) {
  return connection->client->run;
}

static void made(struct connection *connection) {
  struct run *run = run_of(connection);
  if (run->phase == PHASE_MEASURING)
    histogram_record(&run->measurement->latency, uv_hrtime() - connection->started_ns);
  connection_close(connection);
}

static void on_open(struct connection *connection) {
  struct run *run = run_of(connection);
  if (run->options->messages == 0) {
    made(connection);
    return;
  }
  connection->allowed = run->options->messages; /* they leave with the next write */
  transport_again(connection->transport);
}

static void on_payload(struct connection *connection) {
  struct run *run = run_of(connection);
  uint64_t awaited = run->options->messages * run->options->size;
  if (connection->payload_received == awaited) made(connection);
  if (connection->payload_received <= awaited) return;
  client_fail(&run->client, FAILURE_CONTENT, "connection %zu: more comes back than was sent",
              connection->number);
  run_over(run);
}

/* ---- the end of the run ---- */

static void note_backend(struct run *run) {
  struct visit_ends *ends = &run->measurement->ends;
  const struct backend *backend = &run->backend;
  ends->backend_accepted = atomic_load_explicit(&backend->accepted, memory_order_relaxed);
  ends->backend_ended = atomic_load_explicit(&backend->ended, memory_order_relaxed);
  ends->backend_reset = atomic_load_explicit(&backend->broken, memory_order_relaxed);
}

static bool backend_has_seen_all(struct run *run) {
  const struct visit_ends *ends = &run->measurement->ends;
  note_backend(run);
  return ends->backend_accepted >= run->visits &&
         ends->backend_ended + ends->backend_reset == ends->backend_accepted;
}

static void judge_backend(struct run *run) {
  const struct visit_ends *ends = &run->measurement->ends;
  unsigned long long visits = run->visits;
  unsigned long long accepted = ends->backend_accepted;
  if (accepted < visits)
    client_fail(&run->client, FAILURE_UNANSWERED, "%llu visits, but only %llu sessions at the backend",
                visits, accepted);
  else if (ends->backend_reset > 0 && !run->measurement->interrupted)
    client_fail(&run->client, FAILURE_CLOSED, "%llu of %llu sessions ended with a reset at the backend",
                (unsigned long long)ends->backend_reset, accepted);
  else if (ends->backend_ended < accepted && !run->measurement->interrupted)
    client_fail(&run->client, FAILURE_UNANSWERED,
                "%llu of %llu sessions have not ended at the backend, %u ms after the last visit",
                accepted - ends->backend_ended, accepted, (unsigned)(SETTLE_MAX_NS / NS_PER_MS));
}

static void on_settle_look(uv_timer_t *timer) {
  struct run *run = timer->data;
  if (!backend_has_seen_all(run) && uv_hrtime() < run->settle_until_ns) return;
  judge_backend(run);
  run_over(run);
}

/* All visits are over: what has the backend seen of them? */
static void settle(struct run *run) {
  (void)uv_timer_stop(&run->phase_timer);
  if (!run->has_backend) {
    run_over(run);
    return;
  }
  run->settle_until_ns =
      uv_hrtime() + (run->measurement->interrupted ? SETTLE_INTERRUPTED_MAX_NS : SETTLE_MAX_NS);
  (void)uv_timer_start(&run->drain_timer, on_settle_look, 0, SETTLE_LOOK_MS);
}

/* ---- a visit's end ---- */

static void next(struct connection *connection) {
  struct run *run = run_of(connection);
  run->visits++;
  if (run->phase <= PHASE_MEASURING)
    connection_start(connection, &run->client, connection->number);
  else if (++run->ended == run->started && run->phase == PHASE_CLOSING)
    settle(run);
}

static void count_end(struct visit_ends *ends, const struct connection *connection) {
  if (!connection->close_received)
    ends->without_close++;
  else if (connection->close_code == WSL_CLOSE_NO_STATUS)
    ends->close_bare++;
  else if (!close_code_exists(connection->close_code))
    ends->close_odd++;
  else
    ends->close++;
  if (connection->was_reset) ends->reset++;
}

/* Whether something besides the 101 tells that the bridge reached its target. */
static bool is_proved(const struct run *run, const struct connection *connection) {
  return run->options->messages > 0 || run->has_backend || connection->close_received;
}

static void on_end(struct connection *connection, bool in_order) {
  struct run *run = run_of(connection);
  if (in_order && !is_proved(run, connection)) {
    client_fail(&run->client, FAILURE_CLOSED, "the server ended a connection without an answer to the Close");
    in_order = false;
  }
  if (in_order) count_end(&run->measurement->ends, connection);
  if (in_order || run->client.quiet)
    next(connection);
  else
    run_over(run);
}

const struct client_events visit_events = {.on_open = on_open, .on_payload = on_payload, .on_end = on_end};

void visits_begin(struct run *run) {
  size_t count = (size_t)run->options->connections;
  for (size_t i = 0; i < count && run->phase < PHASE_OVER; i++) {
    run->started++;
    connection_start(&run->connections[i], &run->client, i + 1);
  }
}

/* ---- servers that don't go on ---- */

static void give_up(struct run *run, const struct connection *connection, unsigned seconds) {
  struct client *client = &run->client;
  if (connection->state == CONNECTION_CLOSING)
    client_fail(client, FAILURE_CLOSED, "no answer to the Close within %u s", seconds);
  else if (connection->state == CONNECTION_OPEN)
    client_fail(client, FAILURE_UNANSWERED, "no echo within %u s (--messages 0 asks for none)", seconds);
  else
    client_fail(client, FAILURE_CONNECT, "%s takes more than %u s", run_awaited(connection->state), seconds);
  run_over(run);
}

void visits_deadline(struct run *run, unsigned seconds) {
  if (run->has_backend) note_backend(run);
  for (size_t i = 0; i < run->started && !run->measurement->interrupted; i++)
    if (run->connections[i].state != CONNECTION_GONE) {
      give_up(run, &run->connections[i], seconds);
      return;
    }
}

static void watch(struct run *run, struct connection *connection, uint64_t now_ns) {
  bool closing = connection->state == CONNECTION_CLOSING;
  uint64_t waited_ns = now_ns - (closing ? connection->closing_ns : connection->started_ns);
  if (connection->state == CONNECTION_GONE) return;
  if (closing && connection->close_received) {
    if (waited_ns < SERVER_CLOSES_WITHIN_NS) return;
    run->measurement->ends.left_open++;
    count_end(&run->measurement->ends, connection);
    connection_drop(connection);
    next(connection);
  } else if (waited_ns > STEP_MAX_NS) {
    give_up(run, connection, STEP_MAX_S);
  }
}

void visits_tick(struct run *run) {
  uint64_t now_ns = uv_hrtime();
  for (size_t i = 0; i < run->started && run->phase != PHASE_OVER; i++)
    watch(run, &run->connections[i], now_ns);
}
