/* Messages by a schedule, --rate (run_inner.h): message i of all is due at i / rate, on connection i modulo
 * their count, whatever the server does.
 *
 * The schedule is arithmetic, so falling behind costs nothing: a turn of the loop hands out a bounded number
 * of messages, however many are due, and what was due when the measured time ended is known without having
 * been counted. */
#include "loadgen/run_inner.h"

#define NS_PER_S UINT64_C(1000000000)

/* Handed out a turn; the rest follows in the next, behind what has arrived meanwhile. */
#define PACE_A_TURN 4096u

/* A backlog that would take longer than this to send is not sent any more: it is counted as unanswered. */
#define BACKLOG_MAX_S 10u

/* Messages without an answer are counted one by one up to so many, beyond that in equal groups. */
#define UNANSWERED_GROUPS (UINT64_C(1) << 20)

/* When message `index` of all was due (uneven by a nanosecond at most). */
static uint64_t due_ns(const struct run *run, uint64_t index) {
  uint64_t rate = run->options->rate;
  return run->schedule_ns + index / rate * NS_PER_S + index % rate * NS_PER_S / rate;
}

uint64_t schedule_due_ns(const struct run *run, const struct connection *connection, uint64_t index) {
  return due_ns(run, index * run->options->connections + (connection->number - 1));
}

/* How many messages of all were due before this moment. */
static uint64_t due_before(const struct run *run, uint64_t at_ns) {
  uint64_t rate = run->options->rate;
  uint64_t elapsed_ns = at_ns > run->schedule_ns ? at_ns - run->schedule_ns : 0;
  uint64_t in_second = (elapsed_ns % NS_PER_S * rate + NS_PER_S - 1) / NS_PER_S;
  return elapsed_ns / NS_PER_S * rate + in_second;
}

/* Of the first `messages` of all those that are this connection's. */
static uint64_t share_of(const struct run *run, const struct connection *connection, uint64_t messages) {
  uint64_t count = run->options->connections;
  return messages / count + (connection->number - 1 < messages % count ? 1 : 0);
}

void schedule_begin(struct run *run) {
  run->schedule_ns = uv_hrtime();
  schedule_pace(run);
}

void schedule_pace(void *arg) {
  struct run *run = arg;
  uint64_t count = run->options->connections;
  uint64_t first = run->scheduled;
  uint64_t now_ns = uv_hrtime();
  if (run->phase != PHASE_WARMUP && run->phase != PHASE_MEASURING) return;
  for (uint64_t due; run->scheduled - first < PACE_A_TURN && (due = due_ns(run, run->scheduled)) <= now_ns;
       run->scheduled++) {
    run->connections[run->scheduled % count].allowed++;
    if (run->phase == PHASE_MEASURING && due >= run->begin.at_ns)
      histogram_record(&run->measurement->lag, now_ns - due);
  }
  uint64_t touched = run->scheduled - first < count ? run->scheduled - first : count;
  for (uint64_t i = 0; i < touched; i++) {
    struct connection *connection = &run->connections[(first + i) % count];
    if (!connection_allow(connection, connection->allowed)) return;
  }
  pacer_set(&run->pacer, due_ns(run, run->scheduled)); /* at once where that has passed */
}

static uint64_t messages_begun(const struct run *run, const struct connection *connection) {
  uint64_t frame_len = run->outgoing.frame_len;
  return (connection->wire_sent + frame_len - 1) / frame_len;
}

/* Whether what is due and has not been sent could be sent soon, at the pace so far. */
static bool can_catch_up(const struct run *run) {
  uint64_t begun = 0;
  if (run->measurement->interrupted) return false;
  for (size_t i = 0; i < run->started; i++)
    begun += messages_begun(run, &run->connections[i]);
  double elapsed_s = (double)(run->end.at_ns - run->schedule_ns) / (double)NS_PER_S;
  double backlog = run->due > begun ? (double)(run->due - begun) : 0;
  return backlog * elapsed_s <= (double)begun * BACKLOG_MAX_S;
}

void schedule_stop(struct run *run) {
  run->due = due_before(run, run->end.at_ns);
  bool late_ones_too = can_catch_up(run);
  for (size_t i = 0; i < run->started; i++) {
    struct connection *connection = &run->connections[i];
    uint64_t messages = late_ones_too ? share_of(run, connection, run->due) : messages_begun(run, connection);
    if (!connection_allow(connection, messages)) return;
  }
}

void schedule_count_unanswered(struct run *run) {
  struct measurement *measurement = run->measurement;
  uint64_t now_ns = uv_hrtime();
  uint64_t group = run->due / UNANSWERED_GROUPS + 1;
  for (size_t i = 0; i < run->started; i++) {
    const struct connection *connection = &run->connections[i];
    uint64_t first = share_of(run, connection, due_before(run, run->begin.at_ns));
    uint64_t end = share_of(run, connection, run->due);
    if (first < connection->answered) first = connection->answered;
    for (uint64_t k = first; k < end; k += group) {
      uint64_t messages = end - k < group ? end - k : group;
      histogram_record_many(&measurement->latency, now_ns - schedule_due_ns(run, connection, k), messages);
      measurement->unanswered += messages;
    }
  }
}
