/* The model: who is lent a buffer, who waits for one, and who loses it to those that wait (model.h). */
#include <string.h>

#include "fault.h"
#include "model.h"

#define GRAIN_MS 20u  /* timers fire on a grid of 10 ms */
#define TRY_MS   500u /* who waits tries again at least so often */

static bool readable(const struct peer *peer) {
  return peer->connected && transport_readable(&peer->transport.base);
}

static bool writable(const struct peer *peer) {
  return peer->connected && transport_writable(&peer->transport.base) && peer_has_room(peer) && !peer->deaf;
}

static uint64_t later(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

static bool client_is_lost(const struct life *life) {
  return model_knows(life, FACT_CLIENT_LOST) || model_knows(life, FACT_CLIENT_FAILED);
}

static size_t reserve(const struct world *w) {
  size_t ceiling = w->pool.ceiling;
  return ceiling < 2 ? 0 : (ceiling + BUFFER_WAY_SHARE - 1) / BUFFER_WAY_SHARE;
}

bool model_lends(const struct world *w, enum buffer_way way) {
  const struct buffer_pool *pool = &w->pool;
  size_t lent = pool->existing - pool->free_count;
  return lent < pool->ceiling && pool->lent[way] < pool->ceiling - reserve(w);
}

/* ---- as it is read ---- */

/* Behind a read, whose buffer is still lent. */
static void judge_borrowing(const struct world *w, enum buffer_way way) {
  const struct buffer_pool *pool = &w->pool;
  sim_check(pool->lent[way] <= pool->ceiling - reserve(w),
            "bytes are read into a buffer that is kept for the other way");
  sim_check(pool->lent[BUFFER_UP] + pool->lent[BUFFER_DOWN] == pool->existing - pool->free_count,
            "the pool has lost count of what it has lent");
  sim_check(pool->shelves[BUFFER_SPARE].lent <= w->plan->spares,
            "more spare buffers are lent than there are");
}

/* Of a buffer one part in `parts` is read. */
static bool read_into_spare(const struct world *w, const struct peer *from, size_t parts) {
  size_t size = w->plan->spare_size / parts;
  bool another = size == w->plan->buffer_size / parts || size == w->plan->large_buffer_size / parts;
  return w->plan->spares > 0 && from->asked == size && !another;
}

/* What is read into a spare buffer leaves it at once: hardly anything is on its way to `to` already. */
static void judge_spare(const struct world *w, const struct peer *from, const struct peer *to, size_t parts) {
  bool passes = !to->temper->cant_tell && to->unacked + to->sealed <= w->plan->spare_size;
  sim_check(!read_into_spare(w, from, parts) || passes,
            "a spare buffer is taken for bytes that may have to be held in it");
}

void model_judge_buffer_up(const struct world *w, struct life *life, int64_t n) {
  judge_borrowing(w, BUFFER_UP);
  bool goes_up = life->heard.end == HEARD_OPEN && model_backend_takes(life) && !model_timed_out(life) &&
                 !model_knows(life, FACT_BACKEND_NOT_TEXT);
  if (goes_up && n > 0) judge_spare(w, &life->client, &life->backend, 1);
}

void model_judge_buffer_down(const struct world *w, struct life *life, int64_t n) {
  judge_borrowing(w, BUFFER_DOWN);
  size_t parts = life->role->frames == FRAMES_BINARY ? 1 : 4;
  /* With FRAMES_AUTO it may be either. */
  if (life->role->frames == FRAMES_AUTO) return;
  if (!model_may_drop_backend(life) && n > 0) judge_spare(w, &life->backend, &life->client, parts);
}

/* ---- at rest ---- */

void model_look_at_buffers(struct world *w) {
  const struct buffer_pool *pool = &w->pool;
  size_t lent = 0, expected = w->hoarded;
  for (int class = 0; class < BUFFER_CLASSES; class ++)
    lent += pool->shelves[class].lent;
  for (size_t i = 0; i < w->plan->sessions; i++) {
    struct life *life = &w->lives[i];
    if (!life->opened || life->ended) continue;
    if (life->heard.payload.len > life->forwarded) expected++;
    if (model_held_down(life) > 0) expected++;
  }
  sim_check(pool->existing <= pool->ceiling, "there are buffers for %zu small ones, more than there may be",
            pool->existing);
  sim_check(lent <= expected, "%zu buffers are lent, where %zu are wanted", lent, expected);
}

/* Of whoever has been in line for the longest time; UINT64_MAX: nobody is. */
static uint64_t oldest_ticket(const struct buffer_pool *pool) {
  uint64_t oldest = UINT64_MAX;
  for (int way = 0; way < BUFFER_WAYS; way++) {
    const struct list *line = &pool->waiting[way];
    if (list_empty(line)) continue;
    uint64_t ticket = LIST_ENTRY(line->next, struct buffer_waiter, node)->ticket;
    if (ticket < oldest) oldest = ticket;
  }
  return oldest;
}

void model_note_waiting(struct world *w) {
  uint64_t oldest = oldest_ticket(&w->pool), now = w->timers.now_ms;
  if (oldest == w->oldest_ticket) return;
  if (oldest == UINT64_MAX || w->oldest_ticket == UINT64_MAX)
    w->waited_since_ms = oldest == UINT64_MAX ? NOT_YET : now;
  w->oldest_ticket = oldest;
  w->oldest_since_ms = now;
}

void model_note_holding(const struct world *w, struct life *life, uint64_t now) {
  const struct peer *client = &life->client, *backend = &life->backend;
  if (model_held_up(life) == 0) life->hold_up_ms = w->timers.now_ms;
  if (model_held_down(life) == 0) life->hold_down_ms = w->timers.now_ms;
  life->hold_up_ms = later(life->hold_up_ms, later(life->to_backend_ms, backend->acked_ms));
  life->hold_down_ms = later(life->hold_down_ms, later(life->to_client_ms, client->acked_ms));
  bool pressed = w->waited_since_ms != NOT_YET && now - w->waited_since_ms >= SHORTAGE_LOOK_MS;
  bool up = now - life->hold_up_ms >= SHORTAGE_STALLED_MS && life->dial == NULL;
  if (pressed && (up || now - life->hold_down_ms >= SHORTAGE_STALLED_MS)) life->starved_over = true;
}

/* ---- who waits for one, and beside whom ---- */

/* Bytes that a session would read if it had a buffer. */
static bool misses_buffer_up(const struct world *w, struct life *life) {
  bool held = model_backend_takes(life) && model_held_up(life) > 0;
  bool pong = life->heard.ping_count > life->pings_answered;
  return readable(&life->client) && !life->client_finished && !held && !pong && !client_is_lost(life) &&
         !model_lends(w, BUFFER_UP);
}

static bool misses_buffer_down(const struct world *w, struct life *life) {
  return readable(&life->backend) && model_held_down(life) == 0 && !client_is_lost(life) &&
         !model_lends(w, BUFFER_DOWN);
}

/* Where nothing more is on its way than a spare buffer holds. */
static bool passes(const struct world *w, const struct peer *peer) {
  return peer->connected && !peer->temper->cant_tell && writable(peer) &&
         peer->unacked + peer->sealed <= w->plan->spare_size &&
         w->pool.shelves[BUFFER_SPARE].lent < w->plan->spares;
}

/* A few tries may find the spare ones in the hands of others that try at the same time. */
static void look_at_spares(struct world *w, struct life *life) {
  uint64_t now = w->timers.now_ms, limit = 4 * TRY_MS + GRAIN_MS + w->late_ms;
  bool up = misses_buffer_up(w, life) && passes(w, &life->backend);
  /* A line that is kept may be longer than what passes. */
  bool down = misses_buffer_down(w, life) && passes(w, &life->client) && life->translation.line.len == 0;
  if (!up || life->unread_up_ms == NOT_YET) life->unread_up_ms = up ? now : NOT_YET;
  if (!down || life->unread_down_ms == NOT_YET) life->unread_down_ms = down ? now : NOT_YET;
  sim_check(!up || now - later(life->unread_up_ms, life->touched_ms) <= limit,
            "bytes of the client wait for a buffer though they would pass at once");
  sim_check(!down || now - later(life->unread_down_ms, life->touched_ms) <= limit,
            "bytes of the backend wait for a buffer though they would pass at once");
}

/* Nobody waits for long while another holds a buffer whose peer takes nothing: that one is ended, and has the
 * close time then, and once more where its target is told of it first. */
static void look_at_holding(struct world *w, struct life *life) {
  uint64_t now = w->timers.now_ms;
  uint64_t limit = SHORTAGE_STALLED_MS + 3 * SHORTAGE_LOOK_MS + 2 * w->settings.close_timeout_ms +
                   2 * TRY_MS + GRAIN_MS + w->late_ms;
  if (w->oldest_ticket == UINT64_MAX || life->dial != NULL) return;
  uint64_t waited_ms = now - w->oldest_since_ms;
  bool up = model_held_up(life) > 0 && model_backend_takes(life) &&
            now - later(life->hold_up_ms, life->touched_ms) > limit;
  bool down = model_held_down(life) > 0 && !client_is_lost(life) &&
              now - later(life->hold_down_ms, life->touched_ms) > limit;
  sim_check(waited_ms <= limit || (!up && !down),
            "a buffer is waited for beside one that is held for nothing");
}

void model_look_at_waiting(struct world *w, struct life *life) {
  look_at_spares(w, life);
  look_at_holding(w, life);
}

/* ---- the line in the log ---- */

void model_worker_log(struct world *w, const char *line) {
  bool is_short = strncmp(line, "memory for streams is short", 27) == 0;
  bool enough = strcmp(line, "memory for streams is sufficient again") == 0;
  if (sim_tracing) sim_trace("  log %s", line);
  sim_check(is_short || enough, "a line of the log about no session: %s", line);
  sim_check(is_short != w->short_told, "the log says twice: %s", line);
  bool pressed = w->waited_since_ms != NOT_YET && w->timers.now_ms - w->waited_since_ms >= SHORTAGE_LOOK_MS;
  sim_check(enough || pressed, "memory is short though nobody has waited for long");
  w->short_told = is_short;
}
