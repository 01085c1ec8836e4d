/* Whether the peers still live: heartbeat, pong, idle limit, vanished peers; and the session's one
 * timer, which also serves closing.c.
 *
 * The timer is lazy: what happens on the data path only stores times, and a timer that fires too
 * early works out the next one. So a message costs no timer operation.
 */
#include "bridge/session_internal.h"
#include "core/log.h"

/* Timers may fire a grain and a turn late; the heartbeat's interval is the longest, so it aims
 * earlier by this. */
#define HEARTBEAT_MARGIN_MS 20u
/* A peer with unacknowledged data of which nothing, not even an ACK, came for so long has vanished.
 * A stalled one acknowledges window probes. TCP_USER_TIMEOUT can't tell them apart. */
#define VANISHED_MS     130000u
#define VANISH_CHECK_MS 15000u
/* A client's stream ended without a Close. It may still listen; or its process has gone, and its kernel tells
 * that only to who sends it something (RST). A program would run for nobody meanwhile. Pings tell: the first
 * not at once, since a program that ends with its input has done so by then and its client gets no frame
 * more. Further ones, since who listened may go later, or stands behind a proxy that passes on bytes only. */
#define DOUBT_FIRST_MS   1000u
#define DOUBT_LONGEST_MS 30000u

/* ---- heartbeat ---- */

/* Longest silence towards the client; 0: any. */
static uint64_t silence_limit(const struct session *s) {
  uint64_t heartbeat = s->domain->settings->heartbeat_ms;
  if (s->doubt_ms == 0) return heartbeat;
  return heartbeat == 0 ? s->doubt_ms : earlier(heartbeat, s->doubt_ms);
}

static void plan_heartbeat(struct session *s) {
  uint64_t interval = silence_limit(s);
  if (interval == 0) {
    s->heartbeat_due_ms = NEVER;
    return;
  }
  uint64_t jitter = random_below(&s->domain->random, (uint32_t)(earlier(interval, UINT32_MAX) / 10) + 1);
  uint64_t margin = interval > 10u * HEARTBEAT_MARGIN_MS ? HEARTBEAT_MARGIN_MS : 0;
  if (jitter < margin) jitter = margin;
  s->heartbeat_due_ms = s->client_written_ms + interval - jitter;
}

/* One that waits or is leaving; the next is planned when it has left. */
static bool ping_pending(const struct client_writer *w) {
  return w->ping_waiting || (w->control_sent < w->control_len && w->control_opcode == WSL_OP_PING);
}

static uint64_t heartbeat_due(const struct session *s) {
  return s->client_out == CLIENT_OUT_OPEN && !ping_pending(&s->writer) ? s->heartbeat_due_ms : NEVER;
}

static void run_heartbeat(struct session *s) {
  uint64_t now = session_now(s);
  if (now < heartbeat_due(s)) return;
  plan_heartbeat(s); /* something may have been written since the last plan */
  if (now < s->heartbeat_due_ms) return;
  client_ping(s);
}

void liveness_doubt_client(struct session *s) {
  s->doubt_ms = DOUBT_FIRST_MS;
  s->heartbeat_due_ms = earlier(s->heartbeat_due_ms, session_now(s) + DOUBT_FIRST_MS);
}

void liveness_ping_sent(struct session *s) {
  s->doubt_ms = (uint32_t)earlier(2u * s->doubt_ms, DOUBT_LONGEST_MS);
  plan_heartbeat(s);
  if (s->awaiting_pong || s->domain->settings->pong_timeout_ms == 0) return;
  s->awaiting_pong = true;
  s->pong_left_ms = s->domain->settings->pong_timeout_ms;
  s->pong_ticked_ms = session_now(s);
}

/* ---- pong ---- */

/* The clock stands still while the pong may lie unread, and after the client's FIN. */
static bool pong_clock_runs(const struct session *s) {
  return s->awaiting_pong && !s->client_reading_stopped && s->client_in == CLIENT_IN_FRAMES &&
         s->client_out == CLIENT_OUT_OPEN;
}

static void tick_pong_clock(struct session *s) {
  uint64_t now = session_now(s);
  uint64_t passed = now - s->pong_ticked_ms;
  s->pong_ticked_ms = now;
  if (pong_clock_runs(s)) s->pong_left_ms -= earlier(passed, s->pong_left_ms);
}

static uint64_t pong_due(const struct session *s) {
  return pong_clock_runs(s) ? s->pong_ticked_ms + s->pong_left_ms : NEVER;
}

/* ---- idle ---- */

static uint64_t idle_due(const struct session *s) {
  uint64_t limit = s->domain->settings->idle_timeout_ms;
  return limit != 0 && s->state <= SESSION_OPEN ? s->payload_moved_ms + limit : NEVER;
}

/* ---- vanished peers ---- */

static bool vanished(struct transport *t, bool *unacked) {
  size_t bytes;
  uint64_t silent_ms;
  if (t == NULL || !*unacked) return false;
  if (transport_unacked(t, &bytes) != WSL_OK || bytes == 0) {
    *unacked = false;
    return false;
  }
  return transport_silence(t, &silent_ms) == WSL_OK && silent_ms >= VANISHED_MS;
}

static uint64_t vanish_due(const struct session *s) {
  return s->client_unacked || s->backend_unacked ? s->vanish_check_ms : NEVER;
}

static void look_for_vanished(struct session *s) {
  if (session_now(s) < vanish_due(s)) return;
  s->vanish_check_ms = session_now(s) + VANISH_CHECK_MS;
  if (vanished(s->client, &s->client_unacked)) ending_client_lost(s, WSL_TIMED_OUT);
  if (vanished(s->backend, &s->backend_unacked)) ending_backend_lost(s, WSL_TIMED_OUT);
}

static void note_unacked(struct session *s, bool *unacked) {
  if (!s->client_unacked && !s->backend_unacked) s->vanish_check_ms = session_now(s) + VANISH_CHECK_MS;
  *unacked = true;
}

/* ---- what happened ---- */

void liveness_client_read(struct session *s) {
  s->awaiting_pong = false;
}

void liveness_client_written(struct session *s) {
  s->client_written_ms = session_now(s);
  note_unacked(s, &s->client_unacked);
}

void liveness_backend_written(struct session *s) {
  s->backend_written_ms = session_now(s);
  note_unacked(s, &s->backend_unacked);
}

void liveness_payload_moved(struct session *s) {
  s->payload_moved_ms = session_now(s);
}

/* ---- the timer ---- */

static void run_idle_and_pong(struct session *s) {
  uint64_t now = session_now(s);
  if (now >= pong_due(s)) {
    ending_by_us(s, WSL_CLOSE_INTERNAL_ERROR, "no answer to ping", "No answer to ping");
  } else if (now >= idle_due(s)) {
    ending_by_us(s, WSL_CLOSE_GOING_AWAY, "idle", "Idle");
  }
}

static void on_timer(struct timer *timer) {
  struct session *s = LIST_ENTRY(timer, struct session, timer);
  tick_pong_clock(s);
  run_idle_and_pong(s);
  run_heartbeat(s);
  look_for_vanished(s);
  closing_on_time(s);
  session_run(s);
}

void liveness_start(struct session *s) {
  uint64_t now = session_now(s);
  timer_init(&s->timer, on_timer);
  s->client_written_ms = now; /* the 101 */
  s->payload_moved_ms = now;
  s->pong_ticked_ms = now;
  plan_heartbeat(s);
}

/* Bytes of the client, its pong among them perhaps, may lie unread: reading is stopped, or other
 * sessions have all the buffers (READABLE still stands). */
static bool client_unread(const struct session *s) {
  return !up_may_read(s) || transport_readable(s->client);
}

void liveness_rearm(struct session *s) {
  if (s->awaiting_pong) tick_pong_clock(s);
  s->client_reading_stopped = client_unread(s);
  uint64_t due = earlier(earlier(heartbeat_due(s), pong_due(s)), earlier(idle_due(s), vanish_due(s)));
  due = earlier(due, closing_due(s));
  if (s->in_line) due = earlier(due, shortage_try_due(s));
  if (due == NEVER) return; /* an armed one may fire for nothing */
  if (s->timer.armed && s->timer.due_ms <= due) return;
  timer_arm(s->domain->timers, &s->timer, due);
}

void liveness_stop(struct session *s) {
  timer_disarm(s->domain->timers, &s->timer);
}
