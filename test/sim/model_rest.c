/* The model: what must have happened when the loop has come to rest, and in time (model.h). */
#include "fault.h"
#include "model.h"

/* Timers fire on a grid of 10 ms. */
#define GRAIN_MS         20u
#define PING_MARGIN_MS   20u
#define PROBE_MS         500u /* acknowledgements are looked for so often */
#define LINGER_MS        2000u
#define DOUBT_FIRST_MS   1000u
#define DOUBT_LONGEST_MS 30000u
#define VANISHED_MS      130000u
#define VANISH_CHECK_MS  15000u
#define TIMERS_FREE      300u
#define TIMER_SPACING_MS 60u /* a session's timer fires less often than that, on the whole */

static const struct transport *transport_of(const struct peer *peer) {
  return &peer->transport.base;
}

static bool readable(const struct peer *peer) {
  return peer->connected && transport_readable(transport_of(peer));
}

static bool writable(const struct peer *peer) {
  return peer->connected && transport_writable(transport_of(peer)) && peer_has_room(peer) && !peer->deaf;
}

static uint64_t later(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

static bool client_is_lost(const struct life *life) {
  return model_knows(life, FACT_CLIENT_LOST) || model_knows(life, FACT_CLIENT_FAILED);
}

/* ---- bytes ---- */

static void look_at_up(struct world *w, struct life *life) {
  bool held = model_backend_takes(life) && model_held_up(life) > 0;
  bool pong = life->heard.ping_count > life->pings_answered && !client_is_lost(life);
  bool stopped = life->heard.end == HEARD_OPEN && (held || pong);
  bool may_read = life->client_finished || (!stopped && model_lends(w, BUFFER_UP));
  if (model_knows(life, FACT_CLIENT_FAILED) && model_held_up(life) > 0) may_read = false;
  sim_check(!readable(&life->client) || !may_read,
            "bytes of the client lie unread, and nothing stands in the way");
  bool waits = model_held_up(life) > 0 && model_backend_takes(life) && life->backend.connected;
  if (model_timed_out(life)) return; /* they may have been dropped */
  sim_check(!waits || !writable(&life->backend), "the backend would take the %zu bytes that wait for it",
            model_held_up(life));
}

static void look_at_down(struct world *w, struct life *life) {
  bool dropping = model_may_drop_backend(life);
  bool may_read =
      (model_must_drop_backend(life) || model_held_down(life) == 0) && model_lends(w, BUFFER_DOWN);
  sim_check(!readable(&life->backend) || !may_read,
            "bytes of the backend lie unread, and nothing stands in the way");
  if (client_is_lost(life) || life->client_finished || !writable(&life->client)) return;
  sim_check(!reader_in_frame(&life->told), "the client would take the rest of a frame");
  sim_check(dropping || model_held_down(life) == 0, "the client would take the %zu bytes that wait for it",
            model_held_down(life));
  sim_check(!model_pong_waits(life), "the client would take the pong that waits for it");
}

/* ---- ends ---- */

static void look_at_client_end(struct life *life) {
  if (!life->client.connected) return;
  if (!client_is_lost(life) && writable(&life->client) && model_close_is_due(life))
    sim_check(life->told.closed, "the client would take the Close that is due");
  bool said_all = model_client_end_was_read(life) || life->heard.end != HEARD_OPEN ||
                  model_knows(life, FACT_DIAL_FAILED); /* or all that is wanted */
  if (life->told.closed && writable(&life->client) && said_all && !client_is_lost(life))
    sim_check(life->client_finished, "the client has said all and been told all, but sees no end");
  bool over = life->client_finished && (model_client_end_was_read(life) || life->client.end_read);
  sim_check(!over, "the client is kept although both directions have ended");
  sim_check(!model_knows(life, FACT_CLIENT_LOST) || life->lost_error == WSL_TLS_FAILED,
            "a client that is lost is kept");
}

static void look_at_backend_end(struct life *life) {
  if (!life->backend.connected) return;
  bool not_text = model_knows(life, FACT_BACKEND_NOT_TEXT);
  bool broken = model_knows(life, FACT_BACKEND_FAILED) || model_knows(life, FACT_BACKEND_LOST) || not_text;
  bool ends = model_client_ended_well(life) && life->heard.end != HEARD_WRONG && model_held_up(life) == 0;
  /* A write may fail in the middle of what was read with the Close behind it. */
  bool client_failed = client_is_lost(life) && (life->client.deaf || !model_knows(life, FACT_CLIENT_CLOSE));
  if (ends && !broken && !client_failed && !model_timed_out(life) && writable(&life->backend))
    sim_check(life->backend_finished, "the backend has got everything, but no end");
  bool ended = model_backend_end_was_read(life) && !life->backend_end_waits;
  bool both = ended && (broken || life->backend_finished);
  /* Where the client has failed behind its end, a reset follows when all is acknowledged. */
  sim_check(!both || client_failed || not_text || model_timed_out(life),
            "the backend is kept although both directions have ended");
}

/* A program that nobody listens to knows, and does not stay when its client has gone. */
static void look_at_program(const struct life *life) {
  const struct peer *program = &life->backend;
  if (!program->temper->heeds || !program->connected) return;
  sim_check(program->forsaken || !model_must_drop_backend(life) || model_backend_end_was_read(life),
            "a program does not know that nobody listens");
  bool whole = model_knows(life, FACT_CLIENT_CLOSE) || !model_client_end_was_read(life);
  bool over = client_is_lost(life) && !whole && model_held_up(life) == 0;
  sim_check(!over || !program->temper->cant_tell,
            "a program outlives its client"); /* or until it has acked */
}

/* Nothing is left to bring there, and nothing of the target's is wanted. */
static void look_at_dial(struct life *life) {
  if (life->dial == NULL || model_held_up(life) > 0) return;
  bool over = model_knows(life, FACT_CLIENT_CLOSE) || model_knows(life, FACT_CLIENT_WRONG) ||
              model_knows(life, FACT_CLIENT_CUT) || model_knows(life, FACT_CLIENT_TRUNCATED) ||
              model_knows(life, FACT_CLIENT_LOST);
  sim_check(!over, "a dial goes on that nobody needs");
}

static void look_at_death(struct life *life) {
  bool gone = life->client_gone && !life->backend.connected && life->dial == NULL;
  sim_check(!gone, "a session lives on without peers");
}

/* ---- buffers ---- */

/* A pipe is kept only with bytes in it that wait for a client. */
static void look_at_pipes(const struct world *w) {
  size_t lent = w->pipes.pool.existing - w->pipes.pool.free_count, wanted = 0;
  for (size_t i = 0; i < w->plan->sessions; i++) {
    const struct life *life = &w->lives[i];
    bool may = life->opened && !life->ended && !client_is_lost(life);
    wanted += may && model_held_down(life) > 0;
  }
  sim_check(lent <= wanted, "%zu pipes are kept, where %zu are wanted", lent, wanted);
  sim_check(w->pipes.open <= w->plan->pipes, "%zu pipes are open", w->pipes.open);
}

/* ---- time ---- */

/* Jitter shortens the interval by up to a tenth, a margin for coarse timers by a bit. */
static uint64_t soonest_ping_ms(uint64_t interval) {
  return interval - interval / 10 - (interval / 10 < PING_MARGIN_MS ? PING_MARGIN_MS - interval / 10 : 0);
}

/* How long a client that may have gone from its program is left in silence. */
static uint64_t doubt_ms(const struct life *life) {
  uint64_t ms = DOUBT_FIRST_MS;
  for (unsigned i = 0; i < life->doubts && ms < DOUBT_LONGEST_MS; i++)
    ms *= 2;
  return ms < DOUBT_LONGEST_MS ? ms : DOUBT_LONGEST_MS;
}

/* The first time is from the end of its stream on, whatever was said before. */
static uint64_t doubted_since_ms(const struct life *life) {
  return life->doubts == 0 ? later(life->backend_finished_ms, life->to_client_ms) : life->to_client_ms;
}

static bool may_ping(const struct session_settings *limits, const struct life *life, uint64_t now) {
  bool silent = limits->heartbeat_ms > 0 && now >= life->to_client_ms + soonest_ping_ms(limits->heartbeat_ms);
  if (silent || !model_doubts_client(life)) return silent;
  return now >= doubted_since_ms(life) + soonest_ping_ms(doubt_ms(life));
}

/* A Close that TLS had sealed may have left meanwhile. */
static void note_closed(const struct world *w, struct life *life) {
  if (life->told.closed && life->client.sealed == 0 && life->closed_ms == NOT_YET)
    life->closed_ms = w->timers.now_ms;
}

static bool may_count_as_vanished(const struct peer *peer, uint64_t now) {
  return peer->connected && peer->vanished && peer->unacked + peer->sealed > 0 &&
         now >= peer->heard_ms + VANISHED_MS;
}

/* When an acknowledgement came that the session cannot have overlooked: it looks only while closing, and at a
 * client no more that it has let go of to linger. */
static uint64_t noticed_ms(const struct life *life) {
  uint64_t client_ms = life->client_finished_ms == NOT_YET ? life->client.noticed_ms : 0;
  uint64_t noticed = later(client_ms, life->backend.connected ? life->backend.noticed_ms : 0);
  bool sure =
      life->closing_since_ms != NOT_YET && noticed >= life->closing_since_ms + 2 * PROBE_MS + GRAIN_MS;
  /* Of what was written since the last look it can't be told apart. */
  return sure && noticed >= life->moved_ms + PROBE_MS + GRAIN_MS ? noticed : 0;
}

/* From when on the client's Close is awaited: the acknowledgement of ours, where that can be told. Half of
 * what is never, so that times can be added to it. */
static uint64_t awaited_since_ms(const struct life *life) {
  const struct peer *client = &life->client;
  if (life->closed_ms == NOT_YET) return NOT_YET / 2;
  if (life->role->client.cant_tell) return life->closed_ms;
  return client->unacked + client->sealed > 0 ? NOT_YET / 2 : later(life->closed_ms, client->acked_ms);
}

void model_clock(struct world *w, uint64_t now) {
  model_note_waiting(w);
  for (size_t i = 0; i < w->plan->sessions; i++) {
    struct life *life = &w->lives[i];
    if (!life->opened || life->ended) continue;
    const struct session_settings *limits = &w->settings;
    if (may_ping(limits, life, now)) life->ping_may = true;
    if (!life->pong_stopped) life->pong_run_ms += now - life->clock_ms;
    life->clock_ms = now;
    bool pinged = life->pinged_ms != NOT_YET && limits->pong_timeout_ms > 0;
    if (pinged && life->pong_run_ms >= limits->pong_timeout_ms) life->pong_over = true;
    if (limits->idle_timeout_ms > 0 && now >= life->payload_ms + limits->idle_timeout_ms)
      life->idle_over = true;
    note_closed(w, life);
    model_note_holding(w, life, now);
    if (may_count_as_vanished(&life->client, now) || may_count_as_vanished(&life->backend, now))
      life->vanish_over = true;
    if (now >= awaited_since_ms(life) + limits->close_timeout_max_ms) life->await_over = true;
    if (model_timed_out(life) && life->over_since_ms == NOT_YET) life->over_since_ms = now;
    uint64_t since_ms =
        life->closing_since_ms < life->over_since_ms ? life->closing_since_ms : life->over_since_ms;
    uint64_t moved_ms = later(life->moved_ms, noticed_ms(life));
    if (since_ms != NOT_YET && now >= later(moved_ms, since_ms) + limits->close_timeout_ms)
      life->stall_over = true;
  }
}

static void look_at_heartbeat(struct world *w, struct life *life) {
  uint64_t interval = w->settings.heartbeat_ms, now = w->timers.now_ms;
  if (interval == 0 || model_is_ending(life) || model_timed_out(life) || !writable(&life->client)) return;
  sim_check(now - life->to_client_ms <= interval + w->late_ms, "no ping after %llu ms of silence",
            (unsigned long long)(now - life->to_client_ms));
}

static void look_at_doubt(struct world *w, struct life *life) {
  if (!model_doubts_client(life)) return;
  if (model_is_ending(life) || model_timed_out(life) || !writable(&life->client)) return;
  uint64_t silent_ms = w->timers.now_ms - doubted_since_ms(life);
  sim_check(silent_ms <= doubt_ms(life) + GRAIN_MS + w->late_ms,
            "a client that may have gone from its program is not asked for %llu ms",
            (unsigned long long)silent_ms);
}

static void look_at_pong(struct world *w, struct life *life) {
  uint64_t limit = w->settings.pong_timeout_ms, now = w->timers.now_ms;
  bool perhaps = life->heard.ping_count > life->pings_answered;
  bool held = model_backend_takes(life) && model_held_up(life) > 0;
  life->pong_stopped = readable(&life->client) || held || model_pong_waits(life);
  bool stopped = life->pong_stopped || perhaps;
  if (limit == 0 || life->pong_clock_ms == NOT_YET) return;
  if (stopped || model_is_ending(life) || model_client_end_was_read(life)) {
    life->pong_clock_ms = now;
    return;
  }
  if (!writable(&life->client)) return; /* its Close waits */
  sim_check(now - life->pong_clock_ms <= limit + GRAIN_MS + w->late_ms,
            "no end %llu ms after a ping that nobody answers",
            (unsigned long long)(now - life->pong_clock_ms));
}

static void look_at_idle(struct world *w, struct life *life) {
  uint64_t limit = w->settings.idle_timeout_ms, now = w->timers.now_ms;
  if (limit == 0 || model_is_ending(life) || life->told.close_begun) return;
  if (!writable(&life->client)) return; /* its Close waits */
  sim_check(now - life->payload_ms <= limit + GRAIN_MS + w->late_ms, "no end after %llu ms without payload",
            (unsigned long long)(now - life->payload_ms));
}

static uint64_t last_sign(const struct life *life) {
  uint64_t acked = later(life->client.acked_ms, life->backend.acked_ms);
  return later(later(life->touched_ms, acked), life->closing_since_ms);
}

static void look_at_stall(struct world *w, struct life *life) {
  uint64_t limit = w->settings.close_timeout_ms, now = w->timers.now_ms;
  if (life->closing_since_ms == NOT_YET || life->dial != NULL) return;
  if (model_knows(life, FACT_BACKEND_FAILED)) limit *= 2; /* the client is told of it behind the first */
  uint64_t quiet_ms = now - last_sign(life);
  uint64_t acked = later(life->client.acked_ms, life->backend.acked_ms);
  bool stalls = life->client.connected && !client_is_lost(life) && !life->told.closed &&
                quiet_ms > limit + PROBE_MS + GRAIN_MS + w->late_ms;
  uint64_t useful_ms =
      now - later(later(life->moved_ms, acked), later(life->closing_since_ms, life->undialled_ms));
  sim_check(useful_ms <= limit * 2 + w->settings.close_timeout_max_ms + LINGER_MS + 2 * PROBE_MS + GRAIN_MS +
                             w->late_ms,
            "only bytes that nobody wants have moved for %llu ms of closing", (unsigned long long)useful_ms);
  sim_check(!stalls, "a client that takes no Close is kept for %llu ms", (unsigned long long)quiet_ms);
  sim_check(quiet_ms <= 2 * limit + LINGER_MS + 2 * PROBE_MS + GRAIN_MS + w->late_ms,
            "nothing has moved for %llu ms of closing", (unsigned long long)quiet_ms);
}

static void look_at_awaited_close(struct world *w, struct life *life) {
  uint64_t now = w->timers.now_ms, limit = w->settings.close_timeout_max_ms;
  bool awaited = life->client.connected && life->closed_ms != NOT_YET && !life->client_finished &&
                 !client_is_lost(life) && !model_client_end_was_read(life) && writable(&life->client);
  if (!awaited || (life->client.unacked > 0 && !life->role->client.cant_tell)) return;
  uint64_t since_ms = later(life->closed_ms, life->client.acked_ms);
  sim_check(now - since_ms <= limit + PROBE_MS + GRAIN_MS + w->late_ms,
            "the client's Close is awaited for %llu ms", (unsigned long long)(now - since_ms));
}

static void look_at_linger(struct world *w, struct life *life) {
  if (!life->client.connected || !life->client_finished) return;
  sim_check(w->timers.now_ms - life->client_finished_ms <= LINGER_MS + GRAIN_MS + w->late_ms,
            "a client lingers for too long");
}

static void look_for_vanished(struct world *w, const struct peer *peer) {
  if (!peer->connected || !peer->vanished || peer->unacked + peer->sealed == 0 || peer->temper->cant_tell)
    return;
  uint64_t due_ms = later(peer->heard_ms + VANISHED_MS, peer->unacked_since_ms) + VANISH_CHECK_MS;
  sim_check(w->timers.now_ms <= due_ms + GRAIN_MS + w->late_ms, "a peer that vanished is kept for %llu ms",
            (unsigned long long)(w->timers.now_ms - peer->heard_ms));
}

/* ---- no busy loop ---- */

static void look_at_effort(struct world *w) {
  uint64_t elapsed_ms = w->timers.now_ms - WORLD_BORN_MS;
  uint64_t limit = TIMERS_FREE + w->plan->sessions * elapsed_ms / TIMER_SPACING_MS;
  sim_check(w->fired <= limit, "timers fired %llu times in %llu ms", (unsigned long long)w->fired,
            (unsigned long long)elapsed_ms);
  for (size_t i = 0; i < w->plan->sessions; i++) {
    const struct peer *client = &w->lives[i].client, *backend = &w->lives[i].backend;
    uint64_t reasons = client->edges + backend->edges + client->jests + backend->jests + w->fired;
    uint64_t fruitless = client->fruitless + backend->fruitless;
    sim_check(fruitless <= 64 + 4 * reasons, "%llu calls moved nothing, with %llu reasons to try",
              (unsigned long long)fruitless, (unsigned long long)reasons);
  }
}

void model_rest(struct world *w) {
  model_look_at_buffers(w);
  look_at_pipes(w);
  look_at_effort(w);
  model_note_waiting(w);
  for (size_t i = 0; i < w->plan->sessions; i++) {
    struct life *life = &w->lives[i];
    if (!life->opened || life->ended) continue;
    note_closed(w, life);
    look_at_up(w, life);
    look_at_down(w, life);
    look_at_client_end(life);
    look_at_backend_end(life);
    look_at_program(life);
    look_at_dial(life);
    look_at_death(life);
    look_at_heartbeat(w, life);
    look_at_doubt(w, life);
    look_at_pong(w, life);
    look_at_idle(w, life);
    look_at_stall(w, life);
    look_at_awaited_close(w, life);
    look_at_linger(w, life);
    model_look_at_waiting(w, life);
    look_for_vanished(w, &life->client);
    look_for_vanished(w, &life->backend);
  }
}

void model_end(struct world *w) {
  for (size_t i = 0; i < w->plan->sessions; i++) {
    struct life *life = &w->lives[i];
    sim_check(life->ended, "session %zu never ended", i + 1);
  }
  sim_check(w->domain.count == 0, "sessions were forgotten");
  sim_check(timers_next_ms(&w->timers) == -1, "a timer was left behind");
  sim_check(w->pool.existing == w->pool.free_count, "a buffer was left behind");
  bool waits = !list_empty(&w->pool.waiting[BUFFER_UP]) || !list_empty(&w->pool.waiting[BUFFER_DOWN]);
  sim_check(!waits, "somebody waits for a buffer who has gone");
}
