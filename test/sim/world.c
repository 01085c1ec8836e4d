/* The worker in memory (world.h). */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "fault.h"
#include "model.h"

#define TURNS_MAX       2000000u
#define TIMERS_A_STEP   100000u
#define DIAL_TIMEOUT_MS 10000u

static struct world world;

struct world *world_of(struct life *life) {
  (void)life;
  return &world;
}

/* ---- the log ---- */

static void on_line(enum log_level level, uint64_t id, const char *format, const char *text) {
  (void)level;
  (void)format;
  if (id == 0) {
    model_worker_log(&world, text);
    return;
  }
  if (sim_tracing) sim_trace("  log [%llu] %s", (unsigned long long)id, text);
  sim_check(id >= 1 && id <= world.plan->sessions, "a log line of session %llu", (unsigned long long)id);
  model_log(&world, &world.lives[id - 1], text);
}

/* ---- the dialer ---- */

static void answer(struct life *life, struct dial *dial, int result) {
  dial->attempt = NULL;
  life->dial = NULL;
  life->dial_error = result;
  if (sim_tracing) sim_trace("  dial %llu: %s", (unsigned long long)life->id, error_name(result));
  if (result != WSL_OK) {
    model_fact(&world, life, FACT_DIAL_FAILED);
    /* Early bytes count as read before, but the session looks at them behind this. */
    if (life->role->dialling == DIAL_AT_ONCE) life->facts[FACT_DIAL_FAILED] = 0;
    dial->done(dial, result, NULL);
    return;
  }
  struct transport *transport = peer_connect(&life->backend);
  model_connected(life);
  dial->done(dial, WSL_OK, transport);
}

static void start_dial(struct dialer *dialer, struct dial *dial, const struct target *target,
                       uint64_t timeout_ms) {
  (void)dialer;
  struct life *life = LIST_ENTRY(target, struct life, target);
  sim_check(timeout_ms == DIAL_TIMEOUT_MS, "a dial with a time-out of %llu ms",
            (unsigned long long)timeout_ms);
  sim_check(life->dial == NULL && life->role->dialling != DIALLED_BEFORE, "a session dialled twice");
  if (life->role->dialling == DIAL_AT_ONCE) {
    answer(life, dial, life->dial_answer);
    return;
  }
  life->dial = dial;
  dial->attempt = life;
}

static void cancel_dial(struct dialer *dialer, struct dial *dial, enum dial_goodbye goodbye) {
  (void)dialer;
  struct life *life = dial->attempt;
  sim_check(life->dial == dial, "a dial was given up that was over");
  life->dial = NULL;
  dial->attempt = NULL;
  model_dial_cancelled(&world, life, goodbye);
}

static const struct dialer_ops dialer_ops = {start_dial, cancel_dial};

void world_answer_dial(struct world *w, struct life *life, int result) {
  (void)w;
  if (life->dial != NULL) answer(life, life->dial, result);
}

/* ---- birth ---- */

static void on_ended(struct session_domain *domain, void *owner) {
  (void)domain;
  (void)owner;
}

static void settle(struct world *w, const struct plan *plan) {
  w->settings = (struct session_settings){
      .dial_timeout_ms = DIAL_TIMEOUT_MS,
      .close_timeout_ms = plan->close_timeout_ms,
      .close_timeout_max_ms = plan->close_timeout_max_ms,
      .heartbeat_ms = plan->heartbeat_ms,
      .pong_timeout_ms = plan->pong_timeout_ms,
      .idle_timeout_ms = plan->idle_timeout_ms,
      .max_frame_size = plan->max_frame_size,
      .max_line = plan->max_line,
      .invalid_text = plan->invalid_closes ? INVALID_TEXT_CLOSES : INVALID_TEXT_REPLACED,
      .text = plan->refuse_text ? TEXT_REFUSE : TEXT_FORWARD,
  };
}

struct world *world_begin(const struct plan *plan) {
  struct world *w = &world;
  log_set_sink(on_line);
  log_set_level(sim_tracing ? LOG_DEBUG : LOG_INFO);
  w->plan = plan;
  w->events = 1;
  w->fired = w->late_ms = 0;
  w->oldest_ticket = UINT64_MAX;
  w->waited_since_ms = NOT_YET;
  w->short_told = false;
  w->hoarded = 0;
  settle(w, plan);
  timers_init(&w->timers, WORLD_BORN_MS);
  buffer_pool_init(&w->pool, plan->buffer_size, plan->buffers);
  if (plan->large_buffer_size > plan->buffer_size) buffer_pool_lend_large(&w->pool, plan->large_buffer_size);
  if (plan->spares > 0) buffer_pool_lend_spares(&w->pool, plan->spares, plan->spare_size);
  buffer_pool_retry(&w->pool, &w->timers);
  w->dialer.ops = &dialer_ops;
  session_domain_init(&w->domain);
  w->domain.settings = &w->settings;
  w->domain.timers = &w->timers;
  w->domain.buffers = &w->pool;
  pipes_begin(&w->pipes, plan->seed, plan->pipes, plan->pipe_bytes, plan->pipe_refusals);
  w->domain.pipes = plan->pipes > 0 ? &w->pipes.pool : NULL;
  w->domain.dialer = &w->dialer;
  w->domain.on_ended = on_ended;
  random_seed(&w->domain.random, plan->seed);
  for (size_t i = 0; i < plan->sessions; i++) {
    struct life *life = &w->lives[i];
    life->id = i + 1;
    life->role = &plan->roles[i];
    life->target = (struct target){.host = "backend", .port = 1, .text = "backend:1"};
    peer_init(&life->client, &life->role->client, plan->seed * 8 + i * 2, &w->timers.now_ms);
    peer_init(&life->backend, &life->role->backend, plan->seed * 8 + i * 2 + 1, &w->timers.now_ms);
    life->client.witness = &model_of_client;
    life->backend.witness = &model_of_backend;
    life->client.model = life->backend.model = life;
    speaker_init(&life->speaker, plan->seed * 8 + i);
    life->speaker.in_base64 = life->role->frames == FRAMES_BASE64;
    life->speaker.in_lines = life->role->frames == FRAMES_LINES || life->role->frames == FRAMES_BINARY_LINES;
    life->opened = life->ended = false;
  }
  return w;
}

void world_open(struct world *w, struct life *life, size_t early) {
  struct buffer *buffer = NULL;
  model_begin(w, life);
  if (early > w->plan->buffer_size) early = w->plan->buffer_size;
  if (early > 0) buffer = buffer_borrow(&w->pool, BUFFER_UP);
  if (buffer == NULL) early = 0;
  uint8_t *at = NULL;
  if (early > 0) { /* at the end, behind a request head: what is written past it shows */
    at = buffer->data + buffer->size - early;
    memcpy(at, life->client.said.data, early);
    life->client.sent = life->client.arrived = life->client.read = early;
    model_of_client.on_read(&life->client, (int64_t)early, at);
  }
  struct session_birth birth = {
      .id = life->id,
      .started_ms = w->timers.now_ms,
      .client = peer_connect(&life->client),
      .backend = life->role->dialling == DIALLED_BEFORE ? peer_connect(&life->backend) : NULL,
      .target = &life->target,
      .early = buffer,
      .early_at = at,
      .early_len = early,
      .frames = {(enum frames_mode)life->role->frames, (enum wsl_line_end)life->role->line_end},
  };
  life->opened = true;
  model_connected(life);
  sim_check(session_open(&w->domain, &birth) == WSL_OK, "a session could not be opened");
}

/* ---- the loop ---- */

/* Whatever lies there, a session reads so much in one wake-up, and then its neighbours have their turn. */
static bool turn_peer(const struct world *w, const struct life *life, struct peer *peer) {
  size_t largest = w->plan->large_buffer_size > 0 ? w->plan->large_buffer_size : w->plan->buffer_size;
  size_t before = life->client.read + life->backend.read;
  bool busy = peer_turn(peer);
  size_t bytes = life->client.read + life->backend.read - before;
  sim_check(bytes < SESSION_BYTES_A_TURN + 2 * largest, "a session reads %zu bytes in one wake-up", bytes);
  return busy;
}

bool world_turn(struct world *w) {
  bool busy = false;
  for (size_t i = 0; i < w->plan->sessions; i++) {
    struct life *life = &w->lives[i];
    busy |= turn_peer(w, life, &life->client);
    busy |= turn_peer(w, life, &life->backend);
  }
  return busy;
}

void world_rest(struct world *w) {
  for (unsigned turns = 0; world_turn(w); turns++)
    sim_check(turns < TURNS_MAX, "the loop never comes to rest");
  model_rest(w);
}

static void age(struct world *w) {
  for (size_t i = 0; i < w->plan->sessions; i++) {
    peer_ages(&w->lives[i].client);
    peer_ages(&w->lives[i].backend);
  }
}

void world_advance(struct world *w, uint64_t ms) {
  uint64_t until_ms = w->timers.now_ms + ms;
  world_rest(w);
  for (unsigned fired = 0;; fired++) {
    sim_check(fired < TIMERS_A_STEP, "timers fire without end");
    int64_t next_ms = timers_next_ms(&w->timers);
    if (next_ms < 0 || w->timers.now_ms + (uint64_t)next_ms > until_ms) break;
    uint64_t step_ms = next_ms > 0 ? (uint64_t)next_ms : 1; /* overdue ones must not stop the clock */
    w->fired++;
    if (sim_tracing) sim_trace("t=%llu", (unsigned long long)(w->timers.now_ms + step_ms - WORLD_BORN_MS));
    age(w);
    model_clock(w, w->timers.now_ms + step_ms);
    timers_run(&w->timers, w->timers.now_ms + step_ms);
    world_rest(w);
  }
  if (w->timers.now_ms < until_ms) timers_set_now(&w->timers, until_ms);
  model_clock(w, until_ms);
  age(w);
  world_rest(w);
}

void world_sleep(struct world *w, uint64_t ms) {
  world_rest(w);
  age(w);
  model_clock(w, w->timers.now_ms + ms);
  w->late_ms += ms;
  w->fired++;
  timers_run(&w->timers, w->timers.now_ms + ms);
  world_rest(w);
}

void world_hoard(struct world *w, size_t count) {
  while (w->hoarded > 0)
    buffer_return(&w->pool, w->hoard[--w->hoarded]);
  while (w->hoarded < count && w->hoarded < sizeof w->hoard / sizeof w->hoard[0]) {
    struct buffer *buffer =
        w->hoarded % 2 ? buffer_borrow_large(&w->pool, BUFFER_DOWN) : buffer_borrow(&w->pool, BUFFER_UP);
    if (buffer == NULL) buffer = buffer_borrow(&w->pool, BUFFER_DOWN);
    if (buffer == NULL) return;
    w->hoard[w->hoarded++] = buffer;
  }
}

void world_end(struct world *w) {
  world_hoard(w, 0);
  model_end(w);
  session_domain_destroy(&w->domain);
  buffer_pool_destroy(&w->pool);
  pipes_end(&w->pipes);
}
