/* The model: what is read and written, as it happens (model.h). */
#include "model.h"

#include <string.h>

#include "fault.h"

void model_begin(struct world *w, struct life *life) {
  const struct role *role = life->role;
  size_t line_max = w->plan->max_line < w->plan->max_frame_size ? w->plan->max_line : w->plan->max_frame_size;
  if (role->frames == FRAMES_LINES && line_max < 4) line_max = 4; /* as much as a character may need */
  listener_init(&life->heard, w->plan->refuse_text, role->frames, role->line_end);
  reader_init(&life->told, role->frames);
  translation_init(&life->translation, role->frames, line_max, w->plan->invalid_closes);
  life->backend_end_read = life->backend_end_waits = false;
  bytes_clear(&life->taken);
  life->dial = NULL;
  life->opened = life->ended = false;
  life->forwarded = 0;
  life->pong_at = life->pings_answered = 0;
  for (int i = 0; i < FACTS; i++)
    life->facts[i] = life->fact_ms[i] = NOT_YET;
  life->lost_error = life->backend_error = life->dial_error = 0;
  life->client_clogged = life->ping_may = false;
  life->backend_finished = life->backend_gone = life->backend_was_reset = false;
  life->client_finished = life->client_gone = life->client_was_reset = false;
  life->read_behind_finish = 0;
  life->backend_finished_ms = NOT_YET;
  life->doubts = 0;
  life->reacted_client = false;
  uint64_t now = w->timers.now_ms;
  life->born_ms = now;
  life->undialled_ms = 0;
  life->moved_ms = life->touched_ms = life->to_client_ms = life->from_client_ms = life->payload_ms = now;
  life->begun_at_close = SIZE_MAX;
  life->judged = 0;
  life->clock_ms = now;
  life->pong_run_ms = 0;
  life->pong_stopped = false;
  life->client_finished_ms = life->pinged_ms = life->closed_ms = life->closing_since_ms = NOT_YET;
  life->pong_clock_ms = life->over_since_ms = NOT_YET;
  life->pong_over = life->idle_over = life->stall_over = life->await_over = life->vanish_over = false;
  life->starved_over = false;
  life->to_backend_ms = life->hold_up_ms = life->hold_down_ms = now;
  life->unread_up_ms = life->unread_down_ms = NOT_YET;
}

bool model_knows(const struct life *life, enum fact fact) {
  return life->facts[fact] != NOT_YET;
}

static void settle_backend_end(struct world *w, struct life *life);

void model_fact(struct world *w, struct life *life, enum fact fact) {
  if (model_knows(life, fact)) return;
  life->facts[fact] = w->events++;
  life->fact_ms[fact] = w->timers.now_ms;
  bool writable = life->client.connected && transport_writable(&life->client.transport.base);
  life->fact_edges[fact] = writable ? NO_EDGE : life->client.writable_edges;
  life->touched_ms = w->timers.now_ms;
  if (fact == FACT_DIAL_FAILED) life->moved_ms = w->timers.now_ms; /* until then its own time ran */
  if (fact != FACT_BACKEND_FIN && life->begun_at_close == SIZE_MAX && model_close_is_due(life))
    life->begun_at_close = life->told.begun;
  if (life->closing_since_ms == NOT_YET && model_is_ending(life)) life->closing_since_ms = w->timers.now_ms;
  if (life->backend_end_waits) settle_backend_end(w, life);
}

/* Who is being told of an end already is not told of another. */
void model_sent_away(struct world *w, struct life *life) {
  bool lost = model_knows(life, FACT_CLIENT_FAILED) || model_knows(life, FACT_CLIENT_LOST);
  if (!lost && !model_close_is_due(life) && !life->told.close_begun) model_fact(w, life, FACT_WENT_AWAY);
}

/* The client's stream ended between messages: that alone ends nothing. */
bool model_is_ending(const struct life *life) {
  for (int fact = 0; fact < FACTS; fact++)
    if (fact != FACT_CLIENT_FIN && model_knows(life, (enum fact)fact)) return true;
  return life->told.close_begun;
}

/* While a time-out may have struck it is no news what else ends. */
bool model_timed_out(const struct life *life) {
  return life->pong_over || life->idle_over || life->stall_over || life->await_over || life->vanish_over ||
         life->starved_over;
}

bool model_must_drop_backend(const struct life *life) {
  static const enum fact facts[] = {FACT_CLIENT_CLOSE,     FACT_CLIENT_WRONG, FACT_CLIENT_CUT,
                                    FACT_CLIENT_TRUNCATED, FACT_CLIENT_LOST,  FACT_CLIENT_FAILED,
                                    FACT_BACKEND_NOT_TEXT, FACT_WENT_AWAY,    FACT_CUT};
  for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
    if (model_knows(life, facts[i])) return true;
  return false;
}

bool model_may_drop_backend(const struct life *life) {
  return model_must_drop_backend(life) || life->told.close_begun || model_timed_out(life);
}

bool model_doubts_client(const struct life *life) {
  return life->role->backend.heeds && life->backend_finished && model_knows(life, FACT_CLIENT_FIN) &&
         !model_knows(life, FACT_CLIENT_CLOSE);
}

bool model_backend_end_was_read(const struct life *life) {
  return life->backend_end_read;
}

size_t model_held_up(const struct life *life) {
  size_t wanted = life->heard.end == HEARD_WRONG ? life->heard.certain : life->heard.payload.len;
  return wanted > life->forwarded ? wanted - life->forwarded : 0;
}

size_t model_held_down(const struct life *life) {
  return life->taken.len - life->told.payload.len;
}

bool model_client_ended_well(const struct life *life) {
  return model_knows(life, FACT_CLIENT_CLOSE) || model_knows(life, FACT_CLIENT_FIN);
}

static void moved(struct life *life) {
  life->moved_ms = life->touched_ms = world_of(life)->timers.now_ms;
}

/* ---- the backend's end ---- */

static void note_backend_end(struct world *w, struct life *life, int64_t n) {
  life->backend_end_wanted = !model_must_drop_backend(life);
  if (n == 0) {
    model_fact(w, life, FACT_BACKEND_FIN);
  } else {
    life->backend_error = (int)n;
    model_fact(w, life, FACT_BACKEND_LOST);
  }
}

/* What ends the backend's stream counts when all before it has been told, or is not wanted any more. */
static void settle_backend_end(struct world *w, struct life *life) {
  bool drop = model_must_drop_backend(life), waits = life->backend_end_waits;
  if (model_held_down(life) > 0 && !drop) return;
  life->backend_end_waits = false;
  if (life->translation.broken && !drop) {
    model_fact(w, life, FACT_BACKEND_NOT_TEXT);
  } else if (waits) {
    note_backend_end(w, life, life->backend_end);
  }
}

/* ---- the client's bytes ---- */

bool model_backend_takes(const struct life *life) {
  return !life->backend_gone && !model_knows(life, FACT_BACKEND_FAILED) &&
         !model_knows(life, FACT_DIAL_FAILED) && !model_knows(life, FACT_BACKEND_LOST);
}

bool model_close_is_due(const struct life *life) {
  static const enum fact facts[] = {FACT_CLIENT_CLOSE,     FACT_CLIENT_WRONG, FACT_CLIENT_CUT,
                                    FACT_CLIENT_TRUNCATED, FACT_BACKEND_FIN,  FACT_BACKEND_LOST,
                                    FACT_BACKEND_NOT_TEXT, FACT_DIAL_FAILED,  FACT_WENT_AWAY};
  for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
    if (model_knows(life, facts[i])) return true;
  return false;
}

/* Of pings that are alike nobody can tell which one a pong answers: it may be the newest. */
static bool owes_pong(const struct life *life) {
  const struct listener *heard = &life->heard;
  if (heard->ping_count == life->pings_answered) return false;
  const uint8_t *newest = heard->pings.data + heard->newest_ping_at;
  bool alike = life->pings_answered > 0 && memcmp(newest, life->last_pong, 1u + newest[0]) == 0;
  return !(alike && life->client_clogged);
}

/* A Close that is due may stand where the pong would. */
bool model_pong_waits(const struct life *life) {
  bool lost = model_knows(life, FACT_CLIENT_FAILED) || model_knows(life, FACT_CLIENT_LOST);
  return owes_pong(life) && !model_close_is_due(life) && !life->told.close_begun && !lost;
}

static void judge_reading_client(struct life *life) {
  if (life->heard.end != HEARD_OPEN || model_timed_out(life)) return;
  if (model_knows(life, FACT_BACKEND_NOT_TEXT)) return;
  if (model_backend_takes(life) && model_held_up(life) > 0)
    sim_fail("the client was read while %zu of its bytes waited for the backend", model_held_up(life));
  sim_check(!model_pong_waits(life), "the client was read while a pong waited for it");
}

static void note_heard(struct world *w, struct life *life) {
  if (life->heard.end == HEARD_CLOSE) model_fact(w, life, FACT_CLIENT_CLOSE);
  if (life->heard.end == HEARD_WRONG) model_fact(w, life, FACT_CLIENT_WRONG);
}

/* What of a broken character came with the byte that shows it does not go up. (In front of a control frame in
 * the same read it does: that run has been handed on.) */
static void forget_broken_text(struct life *life, size_t before) {
  size_t len = life->heard.certain > before ? life->heard.certain : before;
  if (life->heard.payload.len > len) life->heard.payload.len = len;
  life->heard.certain = len;
}

static void hear(struct world *w, struct life *life, const uint8_t *bytes, size_t n) {
  uint64_t now = w->timers.now_ms;
  life->from_client_ms = life->touched_ms = now;
  life->pinged_ms = life->pong_clock_ms = NOT_YET;
  if (life->client_finished) life->read_behind_finish += n;
  if (life->heard.end != HEARD_OPEN || model_knows(life, FACT_BACKEND_NOT_TEXT)) return;
  size_t before = life->heard.payload.len;
  if (model_backend_takes(life) && !model_timed_out(life)) life->moved_ms = now;
  size_t controls = life->heard.controls;
  listener_hear(&life->heard, bytes, n);
  if (life->heard.end == HEARD_WRONG && controls == life->heard.controls) forget_broken_text(life, before);
  if (life->heard.payload.len > before) life->payload_ms = now;
  note_heard(w, life);
}

static void note_client_end(struct world *w, struct life *life, int64_t n) {
  if (n == 0) {
    model_fact(w, life, listener_between_messages(&life->heard) ? FACT_CLIENT_FIN : FACT_CLIENT_CUT);
  } else if (n == WSL_TRUNCATED) {
    model_fact(w, life, FACT_CLIENT_TRUNCATED);
  } else {
    life->lost_error = (int)n;
    model_fact(w, life, FACT_CLIENT_LOST);
  }
}

bool model_client_end_was_read(const struct life *life) {
  return model_knows(life, FACT_CLIENT_FIN) || model_knows(life, FACT_CLIENT_CUT) ||
         model_knows(life, FACT_CLIENT_TRUNCATED) || model_knows(life, FACT_CLIENT_LOST);
}

static void client_read(struct peer *peer, int64_t n, const uint8_t *bytes) {
  struct life *life = peer->model;
  struct world *w = world_of(life);
  if (sim_tracing) sim_trace("  client %llu: read %lld", (unsigned long long)life->id, (long long)n);
  if (n == WSL_AGAIN) return;
  sim_check(!model_client_end_was_read(life), "the client was read behind its end");
  judge_reading_client(life);
  if (life->client_finished_ms == NOT_YET && bytes != NULL) model_judge_buffer_up(w, life, n);
  if (n > 0) {
    hear(w, life, bytes, (size_t)n);
  } else {
    note_client_end(w, life, n);
  }
}

/* ---- bytes to the client ---- */

/* Of a payload as large as a frame may be there is no less than a character, or a group of base64. */
static size_t largest_frame(const struct world *w, const struct life *life) {
  size_t max = w->settings.max_frame_size;
  return life->role->frames != FRAMES_BINARY && max < 4 ? 4 : max;
}

static void judge_payload(struct life *life) {
  size_t from = life->judged;
  const struct bytes *told = &life->told.payload;
  sim_check(told->len <= life->taken.len, "the client got %zu bytes of the %zu that the backend sent",
            told->len, life->taken.len);
  bool same = told->len == from || memcmp(told->data + from, life->taken.data + from, told->len - from) == 0;
  life->judged = told->len;
  sim_check(same, "the client got other bytes than the backend sent");
}

/* Each pong answers a ping, in their order; some may be skipped (RFC 6455 5.5.3). */
static bool next_ping_is(struct life *life, const uint8_t *pong) {
  const struct bytes *pings = &life->heard.pings;
  while (life->pong_at < pings->len) {
    const uint8_t *ping = pings->data + life->pong_at;
    bool same = ping[0] == pong[0] && (ping[0] == 0 || memcmp(ping + 1, pong + 1, ping[0]) == 0);
    if (!same && !life->client_clogged) return false;
    life->pong_at += 1u + ping[0];
    life->pings_answered++;
    if (same) {
      memcpy(life->last_pong, pong, 1u + pong[0]);
      return true;
    }
  }
  return false;
}

static void judge_pongs(struct life *life) {
  struct bytes *pongs = &life->told.pongs;
  for (size_t at = 0; at < pongs->len; at += 1u + pongs->data[at])
    sim_check(next_ping_is(life, pongs->data + at), "a pong that answers no ping");
  bytes_clear(pongs);
}

/* Only when the client was told nothing for long enough, since the last one. */
static void judge_ping(const struct world *w, struct life *life) {
  bool doubted = model_doubts_client(life);
  sim_check(w->settings.heartbeat_ms > 0 || doubted, "a ping though there is no heartbeat");
  sim_check(life->ping_may, "a ping too early");
  life->ping_may = false;
  life->doubts += doubted;
  if (life->pinged_ms == NOT_YET) {
    life->pinged_ms = life->pong_clock_ms = w->timers.now_ms;
    life->pong_run_ms = 0;
  }
}

static void client_wrote(struct peer *peer, int64_t n, size_t offered, const uint8_t *bytes) {
  struct life *life = peer->model;
  struct world *w = world_of(life);
  if (sim_tracing)
    sim_trace("  client %llu: wrote %lld of %zu", (unsigned long long)life->id, (long long)n, offered);
  if (n != (int64_t)offered || peer->sealed > 0) life->client_clogged = true;
  if (n < 0 && n != WSL_AGAIN) model_fact(w, life, FACT_CLIENT_FAILED);
  if (n <= 0) return;
  size_t pings = life->told.pings, payload = life->told.payload.len;
  bool close_begun = life->told.close_begun;
  reader_read(&life->told, bytes, (size_t)n);
  life->to_client_ms = w->timers.now_ms;
  moved(life);
  if (life->told.payload.len > payload) life->payload_ms = w->timers.now_ms;
  sim_check(life->told.wrong == NULL, "the client was sent %s", life->told.wrong);
  sim_check(life->told.longest <= largest_frame(w, life), "a frame of %zu bytes", life->told.longest);
  sim_check(life->told.begun <= life->begun_at_close, "a frame was begun behind the decision to close");
  judge_payload(life);
  judge_pongs(life);
  settle_backend_end(w, life);
  if (life->told.pings > pings) judge_ping(w, life);
  if (life->told.closed) model_judge_close_frame(life);
  if (life->told.close_begun && !close_begun && life->closing_since_ms == NOT_YET)
    life->closing_since_ms = w->timers.now_ms;
}

/* ---- the backend's bytes ---- */

static void judge_reading_backend(struct life *life) {
  if (model_may_drop_backend(life)) return;
  sim_check(model_held_down(life) == 0, "the backend was read while %zu of its bytes waited for the client",
            model_held_down(life));
}

static void backend_read(struct peer *peer, int64_t n, const uint8_t *bytes) {
  struct life *life = peer->model;
  struct world *w = world_of(life);
  if (sim_tracing) sim_trace("  backend %llu: read %lld", (unsigned long long)life->id, (long long)n);
  if (n == WSL_AGAIN) return;
  sim_check(!model_backend_end_was_read(life), "the backend was read behind its end");
  model_judge_buffer_down(w, life, n);
  judge_reading_backend(life);
  life->touched_ms = w->timers.now_ms;
  if (n > 0) {
    bool wanted = !model_may_drop_backend(life);
    translation_read(&life->translation, bytes, (size_t)n, life->heard.first, &life->taken);
    if (wanted) {
      moved(life);
      life->payload_ms = w->timers.now_ms;
    }
  } else {
    life->backend_end_read = life->backend_end_waits = true;
    life->backend_end = n;
    if (!model_must_drop_backend(life)) translation_end(&life->translation, &life->taken);
  }
  settle_backend_end(w, life);
}

/* ---- bytes to the backend ---- */

static void backend_wrote(struct peer *peer, int64_t n, size_t offered, const uint8_t *bytes) {
  struct life *life = peer->model;
  struct world *w = world_of(life);
  if (sim_tracing)
    sim_trace("  backend %llu: wrote %lld of %zu", (unsigned long long)life->id, (long long)n, offered);
  if (n < 0 && n != WSL_AGAIN) model_fact(w, life, FACT_BACKEND_FAILED);
  if (n <= 0) return;
  const struct bytes *said = &life->heard.payload;
  size_t after = life->forwarded + (size_t)n;
  sim_check(life->forwarded + offered <= said->len, "the backend was offered %zu bytes of %zu",
            life->forwarded + offered, said->len);
  bool same = memcmp(bytes, said->data + life->forwarded, (size_t)n) == 0;
  sim_check(same, "the backend got other bytes than the client sent");
  life->forwarded = after;
  life->to_backend_ms = w->timers.now_ms;
  moved(life);
  life->payload_ms = w->timers.now_ms;
}

/* ---- ends ---- */

static void client_finish(struct peer *peer, int result) {
  struct life *life = peer->model;
  struct world *w = world_of(life);
  if (sim_tracing) sim_trace("  client %llu: finish %s", (unsigned long long)life->id, error_name(result));
  bool may = life->told.closed || model_knows(life, FACT_CLIENT_LOST);
  sim_check(may, "the client's direction was ended without a Close");
  if (life->client_finished_ms == NOT_YET) life->client_finished_ms = w->timers.now_ms;
  if (result != WSL_AGAIN) life->client_finished = true;
}

static void backend_finish(struct peer *peer, int result) {
  struct life *life = peer->model;
  if (sim_tracing) sim_trace("  backend %llu: finish %s", (unsigned long long)life->id, error_name(result));
  model_judge_finish_backend(life);
  if (result == WSL_AGAIN) return;
  life->backend_finished = true;
  life->backend_finished_ms = world_of(life)->timers.now_ms;
  if (result != WSL_OK) model_fact(world_of(life), life, FACT_BACKEND_FAILED);
}

static void client_close(struct peer *peer) {
  struct life *life = peer->model;
  if (sim_tracing) sim_trace("  client %llu: close", (unsigned long long)life->id);
  model_judge_close_client(life);
  life->client_gone = true;
}

static void backend_close(struct peer *peer) {
  struct life *life = peer->model;
  if (sim_tracing) sim_trace("  backend %llu: close", (unsigned long long)life->id);
  model_judge_close_backend(life);
  life->backend_gone = true;
}

static void client_reset(struct peer *peer) {
  struct life *life = peer->model;
  if (sim_tracing) sim_trace("  client %llu: reset", (unsigned long long)life->id);
  model_judge_reset_client(life);
  life->client_gone = life->client_was_reset = true;
}

static void backend_reset(struct peer *peer) {
  struct life *life = peer->model;
  if (sim_tracing) sim_trace("  backend %llu: reset", (unsigned long long)life->id);
  model_judge_reset_backend(life);
  life->backend_gone = life->backend_was_reset = true;
}

static void client_failed(struct peer *peer) {
  struct life *life = peer->model;
  model_fact(world_of(life), life, FACT_CLIENT_FAILED);
}

static void backend_failed(struct peer *peer) {
  struct life *life = peer->model;
  model_fact(world_of(life), life, FACT_BACKEND_FAILED);
}

static void client_forsaken(struct peer *peer) {
  (void)peer;
  sim_fail("the client was told that nothing of it is wanted");
}

static void backend_forsaken(struct peer *peer) {
  sim_check(model_may_drop_backend(peer->model), "a program was forsaken whose output is wanted");
}

void model_connected(struct life *life) {
  moved(life);
  if (peer_failed(&life->client)) client_failed(&life->client);
  if (life->backend.connected && peer_failed(&life->backend)) backend_failed(&life->backend);
}

const struct witness model_of_client = {client_read,  client_wrote,  client_finish,  client_close,
                                        client_reset, client_failed, client_forsaken};
const struct witness model_of_backend = {backend_read,  backend_wrote,  backend_finish,  backend_close,
                                         backend_reset, backend_failed, backend_forsaken};
