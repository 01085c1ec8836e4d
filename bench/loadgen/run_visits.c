/* Mode connect: each visit dials, upgrades, has one message echoed where there is a backend for that, and
 * closes; as many at a time as there are connections (run_inner.h). */
#include "loadgen/run_inner.h"

/* A server that has answered our Close and does not end the connection (RFC 6455 7.1.1 says that it should)
 * is left after so long. */
#define SERVER_CLOSES_WITHIN_NS UINT64_C(1000000000)

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
  if (run->has_backend)
    connection->allowed = 1; /* leaves with the next write */
  else
    made(connection);
  if (run->has_backend) transport_again(connection->transport);
}

static void on_payload(struct connection *connection) {
  struct run *run = run_of(connection);
  if (run->has_backend && connection->payload_received >= run->options->size) made(connection);
}

static void next(struct connection *connection) {
  struct run *run = run_of(connection);
  run->visits++;
  if (run->phase <= PHASE_MEASURING)
    connection_start(connection, &run->client, connection->number);
  else if (++run->ended == run->started && run->phase == PHASE_CLOSING)
    run_over(run);
}

static void on_end(struct connection *connection, bool in_order) {
  struct run *run = run_of(connection);
  if (in_order || run->phase == PHASE_CLOSING)
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

void visits_tick(struct run *run) {
  uint64_t now_ns = uv_hrtime();
  for (size_t i = 0; i < run->started; i++) {
    struct connection *connection = &run->connections[i];
    if (connection->state != CONNECTION_CLOSING || !connection->close_received) continue;
    if (now_ns - connection->started_ns < SERVER_CLOSES_WITHIN_NS) continue;
    connection_drop(connection);
    next(connection);
  }
}
