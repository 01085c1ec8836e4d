/* The modes in which connections stay: what each may send, and what its answers mean (run_inner.h). */
#include <stdio.h>

#include "loadgen/run_inner.h"

#define NS_PER_S UINT64_C(1000000000)

/* Handshakes at a time: a server's backlog (128 with some) must not overflow. */
#define OPENING_MAX 64u

#define OPENING_STALL_NS (10 * NS_PER_S)

/* Mode both: bytes under way a connection. More than the socket buffers on the way hold at first, and
 * little enough that no bridge is asked to store much. */
#define BOTH_IN_FLIGHT_MIN (1024u * 1024u)
_Static_assert(BOTH_IN_FLIGHT_MIN > 2 * LANE_BULK_BYTES, "or both ends could wait for more than there is");

/* Each one that waits for much at once has a receive buffer that holds it. */
#define BULK_CONNECTIONS_MAX 16u

static struct run *run_of(const struct connection *connection) {
  return connection->client->run;
}

void flow_open(struct run *run) {
  while (run->phase == PHASE_OPENING && run->started < run->options->connections &&
         run->started - run->opened < OPENING_MAX) {
    struct connection *connection = &run->connections[run->started++];
    connection_start(connection, &run->client, run->started);
  }
}

/* A server that accepts and says no more would be waited for for ever. */
void flow_watch_opening(struct run *run) {
  uint64_t now_ns = uv_hrtime();
  if (run->opened != run->opened_before || run->opened_ns == 0) {
    run->opened_before = run->opened;
    run->opened_ns = now_ns;
  }
  if (run->phase != PHASE_OPENING || now_ns - run->opened_ns < OPENING_STALL_NS) return;
  const struct connection *stuck = run->connections;
  while (stuck->state == CONNECTION_OPEN && stuck + 1 < run->connections + run->started)
    stuck++;
  client_fail(&run->client, FAILURE_CONNECT, "%zu of %llu connections are open; %s takes more than %u s",
              run->opened, (unsigned long long)run->options->connections, run_awaited(stuck->state),
              (unsigned)(OPENING_STALL_NS / NS_PER_S));
  run_over(run);
}

static void on_open(struct connection *connection) {
  struct run *run = run_of(connection);
  run->opened++;
  if (run->opened == run->options->connections)
    run_all_open(run);
  else
    flow_open(run);
}

/* Messages that mode both keeps under way. */
static uint64_t both_in_flight(const struct run *run) {
  uint64_t messages = BOTH_IN_FLIGHT_MIN / run->options->size;
  return messages < 4 ? 4 : messages;
}

static void begin_window(struct run *run, struct connection *connection, uint64_t now_ns) {
  for (uint64_t i = 0; i < run->options->window; i++)
    connection->stamps[i] = now_ns;
}

/* Small streams and many of them have to be read as they come. */
bool run_in_bulk(const struct run *run) {
  const struct options *options = run->options;
  bool streams = options->mode == MODE_UP || options->mode == MODE_DOWN || options->mode == MODE_BOTH;
  return streams && options->backend_text != NULL && options->rate == 0 &&
         options->connections <= BULK_CONNECTIONS_MAX;
}

/* TLS reads its records itself. */
static void receive_at_least(struct run *run, int bytes) {
  if (!run_in_bulk(run) || run->client.context != NULL) return;
  for (size_t i = 0; i < run->started; i++)
    if (run->connections[i].transport != NULL) lane_receive_at_least(run->connections[i].transport, bytes);
}

void flow_begin(struct run *run) {
  const struct options *options = run->options;
  uint64_t messages = 0;
  receive_at_least(run, LANE_BULK_BYTES);
  if (options->rate > 0) {
    schedule_begin(run);
    return;
  }
  if (options->mode == MODE_UP) messages = MESSAGES_UNLIMITED;
  if (options->mode == MODE_BOTH) messages = both_in_flight(run);
  if (options->mode == MODE_ECHO) messages = options->window;
  for (size_t i = 0; messages > 0 && i < options->connections; i++) {
    if (options->mode == MODE_ECHO) begin_window(run, &run->connections[i], uv_hrtime());
    if (!connection_allow(&run->connections[i], messages)) return;
  }
}

/* Counts an answer whose message was due at `due`, if that lies in the measured time. */
static void record_scheduled(struct run *run, uint64_t due, uint64_t now_ns) {
  if (run->phase < PHASE_MEASURING || due < run->begin.at_ns) return;
  if (run->phase > PHASE_MEASURING && due >= run->end.at_ns) return;
  histogram_record(&run->measurement->latency, now_ns > due ? now_ns - due : 0);
}

static void take_answers(struct run *run, struct connection *connection) {
  const struct options *options = run->options;
  uint64_t now_ns = connection->client->now_ns;
  uint64_t complete = connection->payload_received / options->size;
  for (; connection->answered < complete; connection->answered++) {
    if (options->rate > 0) {
      record_scheduled(run, schedule_due_ns(run, connection, connection->answered), now_ns);
      continue;
    }
    uint64_t *stamp = &connection->stamps[connection->answered % options->window];
    if (run->phase == PHASE_MEASURING) histogram_record(&run->measurement->latency, now_ns - *stamp);
    *stamp = now_ns;
    if (run->phase <= PHASE_MEASURING) connection->allowed++; /* leaves behind this read */
  }
}

static void on_payload(struct connection *connection) {
  struct run *run = run_of(connection);
  bool echoes = run->options->mode == MODE_BOTH || run->options->mode == MODE_ECHO;
  if (!echoes) return;
  if (connection->payload_received > connection_payload_sent(connection)) {
    client_fail(&run->client, FAILURE_CONTENT, "connection %zu: more comes back than was sent",
                connection->number);
    run_over(run);
    return;
  }
  if (run->options->mode == MODE_ECHO)
    take_answers(run, connection);
  else if (run->phase <= PHASE_MEASURING)
    connection->allowed = connection->payload_received / run->options->size + both_in_flight(run);
}

static void on_end(struct connection *connection, bool in_order) {
  struct run *run = run_of(connection);
  run->ended++;
  if (run->phase == PHASE_CLOSING && run->ended == run->started) run_over(run);
  if (run->phase != PHASE_CLOSING && !in_order) run_over(run);
}

const struct client_events flow_events = {.on_open = on_open, .on_payload = on_payload, .on_end = on_end};

void flow_stop(struct run *run) {
  receive_at_least(run, 1);
  if (run->options->rate > 0) {
    schedule_stop(run);
    return;
  }
  for (size_t i = 0; i < run->started; i++) {
    struct connection *connection = &run->connections[i];
    bool begun = !connection_between_messages(connection);
    connection->allowed = connection->wire_sent / run->outgoing.frame_len + (begun ? 1 : 0);
  }
}

bool flow_drained(const struct run *run) {
  enum bench_mode mode = run->options->mode;
  uint64_t sent = 0;
  uint64_t received = 0;
  if (mode == MODE_DOWN || mode == MODE_IDLE) return true;
  for (size_t i = 0; i < run->started; i++) {
    const struct connection *connection = &run->connections[i];
    if (connection->wire_sent < connection->allowed * run->outgoing.frame_len) return false;
    sent += connection_payload_sent(connection);
    received += connection->payload_received;
  }
  if (mode == MODE_UP)
    return !run->has_backend || atomic_load_explicit(&run->backend.received, memory_order_relaxed) >= sent;
  return received == sent;
}
