/* See session_world.h. */
#include "fuzz/session_world.h"

#include "core/log.h"
#include "fuzz/fuzz.h"

#define BORN_MS         1000000u
#define MAX_FRAME_SIZE  100u /* below a buffer's: a read may leave as two frames */
#define TURNS_MAX       400u /* of a loop that has nothing to move */
#define TURNS_A_BYTE    4u
#define TIMERS_RUN_MAX  100000u
#define DIAL_TIMEOUT_MS 10000u

/* ---- the dialer -----------------------------------------------------------------------------------------
 */

static struct session_world *world_of(struct session_dialer *dialer) {
  return LIST_ENTRY(dialer, struct session_world, dialer);
}

static void answer(struct session_dialer *dialer, struct dial *dial) {
  struct transport *transport = NULL;
  dialer->asking = NULL;
  dial->attempt = NULL;
  if (dialer->error == 0) {
    transport = peer_connect(&world_of(dialer)->backend);
    dialer->connected = true;
  }
  dial->done(dial, dialer->error, transport);
}

static void start(struct dialer *base, struct dial *dial, const struct target *target, uint64_t timeout_ms) {
  (void)target;
  (void)timeout_ms;
  struct session_dialer *dialer = (struct session_dialer *)(void *)base;
  if (dialer->when == DIALLED_AT_ONCE) {
    answer(dialer, dial);
    return;
  }
  fuzz_check(dialer->asking == NULL, "one dial at a time");
  dialer->asking = dial;
  dial->attempt = dialer;
}

static void cancel(struct dialer *base, struct dial *dial, enum dial_goodbye goodbye) {
  (void)goodbye;
  struct session_dialer *dialer = (struct session_dialer *)(void *)base;
  fuzz_check(dialer->asking == dial, "cancels the dial that is in flight");
  dialer->asking = NULL;
  dial->attempt = NULL;
}

void session_world_answer(struct session_world *world) {
  if (world->dialer.asking != NULL) answer(&world->dialer, world->dialer.asking);
}

/* ---- beginning ------------------------------------------------------------------------------------------
 */

static void on_ended(struct session_domain *domain, void *owner) {
  (void)domain;
  ((struct session_world *)owner)->ended++;
}

static void check_log_line(enum log_level level, uint64_t id, const char *format, const char *text) {
  (void)level;
  (void)id;
  (void)format;
  fuzz_check(strstr(text, "null") == NULL, "an end without a side or a cause: %s", text);
}

void session_world_init(struct session_world *world, size_t buffers) {
  static const struct dialer_ops ops = {start, cancel};
  *world = (struct session_world){
      .settings = {.dial_timeout_ms = DIAL_TIMEOUT_MS,
                   .close_timeout_ms = 5000,
                   .close_timeout_max_ms = 60000,
                   .pong_timeout_ms = 90000,
                   .max_frame_size = MAX_FRAME_SIZE},
      .target = {.host = "backend", .port = 1, .text = "backend:1"},
      .dialer = {.base = {&ops}},
  };
  log_set_sink(check_log_line);
  timers_init(&world->timers, BORN_MS);
  buffer_pool_init(&world->pool, SESSION_BUFFER_SIZE, buffers);
  buffer_pool_retry(&world->pool, &world->timers);
  peer_init(&world->client);
  peer_init(&world->backend);
  session_domain_init(&world->domain);
  world->domain.settings = &world->settings;
  world->domain.timers = &world->timers;
  world->domain.buffers = &world->pool;
  world->domain.dialer = &world->dialer.base;
  world->domain.on_ended = on_ended;
  world->domain.owner = world;
  random_seed(&world->domain.random, 1);
}

void session_world_open(struct session_world *world, const uint8_t *early, size_t len) {
  struct session_birth birth = {.id = 1,
                                .started_ms = world->timers.now_ms,
                                .client = peer_connect(&world->client),
                                .target = &world->target};
  if (world->dialer.when == DIALLED_BEFORE) {
    birth.backend = peer_connect(&world->backend);
    world->dialer.connected = true;
  }
  if (len > 0) {
    birth.early = buffer_borrow(&world->pool, BUFFER_UP);
    fuzz_check(birth.early != NULL, "a pool has one buffer at least");
    birth.early_at = birth.early->data + SESSION_BUFFER_SIZE - len; /* as behind a request head */
    birth.early_len = len;
    memcpy(birth.early_at, early, len);
  }
  fuzz_check(session_open(&world->domain, &birth) == 0, "there is memory");
}

/* ---- going on --------------------------------------------------------------------------------------------
 */

/* Bytes that may still move, or did: what turns are there for. */
static size_t bytes_in_sight(const struct session_world *world) {
  return world->client.sent.len + world->backend.sent.len + world->client.got.len + world->backend.got.len;
}

void session_world_rest(struct session_world *world) {
  size_t turns = 0;
  for (bool busy = true; busy; turns++) {
    bool client_busy = peer_turn(&world->client);
    busy = peer_turn(&world->backend) || client_busy;
    fuzz_check(turns < TURNS_MAX + TURNS_A_BYTE * bytes_in_sight(world), "%zu turns and no rest", turns);
  }
}

void session_world_pass(struct session_world *world, uint64_t ms) {
  uint64_t until = world->timers.now_ms + ms;
  for (size_t runs = 0;; runs++) {
    int64_t next = timers_next_ms(&world->timers);
    if (next < 0 || world->timers.now_ms + (uint64_t)next > until) break;
    timers_run(&world->timers, world->timers.now_ms + (next > 0 ? (uint64_t)next : 1));
    session_world_rest(world);
    fuzz_check(runs < TIMERS_RUN_MAX, "timers without end");
  }
  if (world->timers.now_ms < until) timers_set_now(&world->timers, until);
}

/* ---- the end ---------------------------------------------------------------------------------------------
 */

static void check_peer_left(const struct fake_peer *peer) {
  fuzz_check(peer->transport == NULL && peer->closes + peer->resets == peer->connects,
             "closed %u times, reset %u", peer->closes, peer->resets);
  fuzz_check(peer->finishes <= 1, "finished %u times", peer->finishes);
}

void session_world_end(struct session_world *world) {
  fuzz_check(world->domain.count == 0 && world->ended == 1, "ended %u times", world->ended);
  fuzz_check(timers_next_ms(&world->timers) < 0, "a timer is left");
  fuzz_check(world->pool.existing == world->pool.free_count, "a buffer is left");
  fuzz_check(world->dialer.asking == NULL, "a dial is left");
  for (int way = 0; way < BUFFER_WAYS; way++)
    fuzz_check(list_empty(&world->pool.waiting[way]), "somebody waits for a buffer");
  check_peer_left(&world->client);
  check_peer_left(&world->backend);
  session_domain_destroy(&world->domain);
  buffer_pool_destroy(&world->pool);
  peer_free(&world->client);
  peer_free(&world->backend);
}
