/* The worker in memory (world.h). */
#include "bridge/world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

#define WORLD_BORN_MS   1000000u
#define TURNS_MAX       1000000u /* far more than any test's bytes need one by one */
#define POOL_CEILING    64u
#define REST_CALLS_MAX  2u /* in a second of rest: a heartbeat may fall into it */
#define REST_SECOND_MS  1000u
#define REST_TIMERS_MAX 8u /* in that second: probes at 20, 40, .. 500 ms, and one more */

static char last_line[LOG_TEXT_MAX];

static void keep_line(enum log_level level, uint64_t id, const char *format, const char *text) {
  (void)format;
  (void)level;
  (void)id;
  snprintf(last_line, sizeof last_line, "%s", text);
  assert_null(strstr(text, "null")); /* an end without a side or cause */
}

/* ---- the dialer ---- */

static void answer(struct fake_dialer *dialer, struct dial *dial) {
  struct transport *transport = dialer->error == WSL_OK ? peer_connect(dialer->peer) : NULL;
  dial->attempt = NULL;
  dial->done(dial, dialer->error, transport);
}

static void fake_start(struct dialer *base, struct dial *dial, const struct target *target,
                       uint64_t timeout_ms) {
  (void)target;
  struct fake_dialer *dialer = (struct fake_dialer *)(void *)base;
  dialer->starts++;
  dialer->timeout_ms = timeout_ms;
  if (dialer->when == DIAL_AT_ONCE) {
    answer(dialer, dial);
    return;
  }
  assert(dialer->pending == NULL);
  dialer->pending = dial;
  dial->attempt = dialer;
}

static void fake_cancel(struct dialer *base, struct dial *dial, enum dial_goodbye goodbye) {
  struct fake_dialer *dialer = (struct fake_dialer *)(void *)base;
  assert(dialer->pending == dial);
  dialer->pending = NULL;
  dial->attempt = NULL;
  dialer->cancels++;
  if (goodbye == DIAL_GOODBYE_RESET) dialer->resets++;
}

static const struct dialer_ops fake_dialer_ops = {fake_start, fake_cancel};

void dial_answers(struct world *w, int error) {
  struct dial *dial = w->dialer.pending;
  assert_non_null(dial);
  w->dialer.pending = NULL;
  w->dialer.error = error;
  answer(&w->dialer, dial);
  world_rest(w);
}

/* ---- the world ---- */

const char *world_last_line(void) {
  return last_line;
}

static void on_ended(struct session_domain *domain, void *owner) {
  (void)domain;
  ((struct world *)owner)->ended++;
}

static void add_peer(struct world *w, struct fake_peer *peer) {
  assert(w->peer_count < WORLD_PEERS_MAX);
  w->peers[w->peer_count++] = peer;
}

void world_init(struct world *w) {
  log_set_sink(keep_line);
  *w = (struct world){
      .settings =
          {
              .dial_timeout_ms = 10000,
              .close_timeout_ms = 5000,
              .close_timeout_max_ms = 60000,
              .pong_timeout_ms = 90000,
              .max_frame_size = WORLD_BUFFER_SIZE,
              .max_line = WORLD_BUFFER_SIZE,
              .text = TEXT_FORWARD,
          },
      .target = {.host = "backend", .port = 1, .text = "backend:1"},
  };
  timers_init(&w->timers, WORLD_BORN_MS);
  buffer_pool_init(&w->pool, WORLD_BUFFER_SIZE, POOL_CEILING);
  buffer_pool_retry(&w->pool, &w->timers);
  w->dialer.base.ops = &fake_dialer_ops;
  w->dialer.when = DIAL_BEFORE;
  peer_init(&w->client);
  peer_init(&w->backend);
  add_peer(w, &w->client);
  add_peer(w, &w->backend);
  session_domain_init(&w->domain);
  w->domain.settings = &w->settings;
  w->domain.timers = &w->timers;
  w->domain.buffers = &w->pool;
  w->domain.dialer = &w->dialer.base;
  w->domain.on_ended = on_ended;
  w->domain.owner = w;
  random_seed(&w->domain.random, 1);
}

void world_chop(struct world *w, size_t chunk) {
  size_t most = chunk > 0 ? chunk : UNLIMITED;
  w->client.read_max = w->client.write_max = most;
  w->backend.read_max = w->backend.write_max = most;
}

static struct buffer *early_buffer(struct world *w) {
  if (w->early.len == 0) return NULL;
  assert(w->early.len < WORLD_BUFFER_SIZE);
  struct buffer *buffer = buffer_borrow(&w->pool, BUFFER_UP);
  assert_non_null(buffer);
  /* At the end, behind a request head: what is written past it shows. */
  memcpy(buffer->data + WORLD_BUFFER_SIZE - w->early.len, w->early.data, w->early.len);
  return buffer;
}

static void open_session(struct world *w, struct fake_peer *client, struct fake_peer *backend) {
  struct buffer *early = early_buffer(w);
  w->dialer.peer = backend;
  struct session_birth birth = {
      .id = w->peer_count,
      .started_ms = w->timers.now_ms,
      .client = peer_connect(client),
      .backend = w->dialer.when == DIAL_BEFORE ? peer_connect(backend) : NULL,
      .target = &w->target,
      .early = early,
      .early_at = early != NULL ? early->data + WORLD_BUFFER_SIZE - w->early.len : NULL,
      .early_len = w->early.len,
      .frames = w->frames,
  };
  assert_int_equal(session_open(&w->domain, &birth), WSL_OK);
  world_rest(w);
}

void world_open(struct world *w) {
  open_session(w, &w->client, &w->backend);
}

void world_open_between(struct world *w, struct fake_peer *client, struct fake_peer *backend) {
  add_peer(w, client);
  add_peer(w, backend);
  open_session(w, client, backend);
}

bool world_turn(struct world *w) {
  bool busy = false;
  for (size_t i = 0; i < w->peer_count; i++)
    busy |= peer_turn(w->peers[i]);
  return busy;
}

void world_rest(struct world *w) {
  for (unsigned turns = 0; world_turn(w); turns++)
    if (turns > TURNS_MAX) fail_msg("the loop never comes to rest");
}

unsigned world_advance(struct world *w, uint64_t ms) {
  uint64_t until_ms = w->timers.now_ms + ms;
  unsigned fired = 0;
  for (;;) {
    int64_t next_ms = timers_next_ms(&w->timers);
    if (next_ms < 0 || w->timers.now_ms + (uint64_t)next_ms > until_ms) break;
    uint64_t step_ms = next_ms > 0 ? (uint64_t)next_ms : 1; /* overdue ones must not stop the clock */
    timers_run(&w->timers, w->timers.now_ms + step_ms);
    world_rest(w);
    if (++fired > TURNS_MAX) fail_msg("timers fire without end");
  }
  if (w->timers.now_ms < until_ms) timers_set_now(&w->timers, until_ms);
  return fired;
}

static unsigned calls(const struct world *w) {
  unsigned sum = 0;
  for (size_t i = 0; i < w->peer_count; i++)
    sum += peer_calls(w->peers[i]);
  return sum;
}

void assert_at_rest(struct world *w) {
  unsigned before = calls(w);
  unsigned fired = world_advance(w, REST_SECOND_MS);
  assert_in_range(fired, 0, REST_TIMERS_MAX);
  assert_in_range(calls(w) - before, 0, REST_CALLS_MAX);
}

void assert_session_gone(const struct world *w) {
  assert_int_equal(w->domain.count, 0);
  assert_int_equal(timers_next_ms(&w->timers), -1);
  assert_int_equal(w->pool.existing, w->pool.free_count);
  for (int way = 0; way < BUFFER_WAYS; way++)
    assert_true(list_empty(&w->pool.waiting[way]));
  assert_null(w->dialer.pending);
  for (size_t i = 0; i < w->peer_count; i++) {
    assert_null(w->peers[i]->transport);
    assert_int_equal(w->peers[i]->closes + w->peers[i]->resets, w->peers[i]->connects);
    assert_in_range(w->peers[i]->finishes, 0, 1);
  }
}

void world_end(struct world *w) {
  assert_session_gone(w);
  assert_true(w->ended > 0);
  session_domain_destroy(&w->domain);
  buffer_pool_destroy(&w->pool);
  for (size_t i = 0; i < w->peer_count; i++)
    peer_free(w->peers[i]);
  bytes_free(&w->early);
}

/* ---- the client's side ---- */

void frame_add(struct bytes *out, enum wsl_opcode opcode, enum fin fin, const void *payload, size_t len) {
  static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d}; /* RFC 6455 5.7 */
  assert(len <= UINT16_MAX);
  uint8_t header[8] = {(uint8_t)((unsigned)opcode | (fin == FIN_LAST ? 0x80u : 0u))};
  size_t header_len = 2;
  header[1] = (uint8_t)(0x80u | (len < 126 ? len : 126));
  if (len >= 126) {
    header[2] = (uint8_t)(len >> 8);
    header[3] = (uint8_t)len;
    header_len = 4;
  }
  memcpy(header + header_len, mask, sizeof mask);
  bytes_add(out, header, header_len + sizeof mask);
  for (size_t i = 0; i < len; i++) {
    uint8_t byte = (uint8_t)(((const uint8_t *)payload)[i] ^ mask[i % 4]);
    bytes_add(out, &byte, 1);
  }
}

void client_frame(struct world *w, enum wsl_opcode opcode, const void *payload, size_t len) {
  struct bytes frame = {0};
  frame_add(&frame, opcode, FIN_LAST, payload, len);
  peer_send(&w->client, frame.data, frame.len);
  bytes_free(&frame);
}

void client_data(struct world *w, const char *text) {
  client_frame(w, WSL_OP_BINARY, text, strlen(text));
}

void client_close_with(struct world *w, uint16_t code, const char *reason) {
  uint8_t payload[WSL_CONTROL_PAYLOAD_MAX] = {(uint8_t)(code >> 8), (uint8_t)code};
  size_t len = strlen(reason);
  memcpy(payload + 2, reason, len);
  client_frame(w, WSL_OP_CLOSE, payload, code == WSL_CLOSE_NO_STATUS ? 0 : 2 + len);
}

static void tell(struct seen *seen, const char *kind, const uint8_t *payload, size_t len) {
  size_t at = strlen(seen->story);
  snprintf(seen->story + at, sizeof seen->story - at, "%s%s(%.*s)", at > 0 ? " " : "", kind, (int)len,
           (const char *)payload);
}

static void see_close(struct seen *seen, const uint8_t *payload, size_t len) {
  assert_int_not_equal(len, 1);
  char text[WSL_CONTROL_PAYLOAD_MAX + 8];
  seen->close_code = WSL_CLOSE_NO_STATUS;
  if (len > 0) seen->close_code = (uint16_t)(payload[0] << 8 | payload[1]);
  int n = len <= 2 ? snprintf(text, sizeof text, "%u", (unsigned)seen->close_code)
                   : snprintf(text, sizeof text, "%u %.*s", (unsigned)seen->close_code, (int)(len - 2),
                              (const char *)payload + 2);
  tell(seen, "close", (const uint8_t *)text, (size_t)n);
}

static void see_data(struct seen *seen, uint8_t first, const uint8_t *payload, size_t len) {
  char text[24];
  int n = snprintf(text, sizeof text, "%zu", len);
  if (first == (0x80 | WSL_OP_TEXT)) {
    assert_true(wsl_utf8_valid(payload, len));
    tell(seen, "text", payload, len);
  } else {
    tell(seen, "data", (const uint8_t *)text, (size_t)n);
  }
  bytes_add(&seen->payload, payload, len);
  seen->frames++;
  if (len > seen->longest) seen->longest = len;
}

static void see_frame(struct seen *seen, uint8_t first, const uint8_t *payload, size_t len) {
  assert_int_equal(seen->close_code, 0); /* nothing may come behind a Close */
  switch (first) {
    case 0x80 | WSL_OP_BINARY:
    case 0x80 | WSL_OP_TEXT:
      see_data(seen, first, payload, len);
      break;
    case 0x80 | WSL_OP_PING:
      seen->pings++;
      tell(seen, "ping", payload, len);
      break;
    case 0x80 | WSL_OP_PONG:
      seen->pongs++;
      tell(seen, "pong", payload, len);
      break;
    case 0x80 | WSL_OP_CLOSE:
      see_close(seen, payload, len);
      break;
    default:
      fail_msg("a frame that begins with 0x%02x", first);
  }
}

void see_bytes(const struct bytes *got, struct seen *seen) {
  *seen = (struct seen){0};
  size_t at = 0;
  while (at < got->len) {
    seen->inside_frame = true;
    const uint8_t *frame = got->data + at;
    size_t left = got->len - at, header = 2;
    if (left < 2) return;
    assert_int_equal(frame[1] & 0x80, 0); /* a server never masks: RFC 6455 5.1 */
    uint64_t len = frame[1];
    if (len >= 126) header = len == 126 ? 4 : 10;
    if (left < header) return;
    if (header > 2) len = 0;
    for (size_t i = 2; i < header; i++)
      len = len << 8 | frame[i];
    if (left - header < len) {
      /* of a data frame that was cut, what is there counts as seen */
      if ((frame[0] & 0x0f) == WSL_OP_BINARY) bytes_add(&seen->payload, frame + header, left - header);
      return;
    }
    see_frame(seen, frame[0], frame + header, (size_t)len);
    at += header + (size_t)len;
    seen->inside_frame = false;
  }
}

void seen_free(struct seen *seen) {
  bytes_free(&seen->payload);
}

void assert_client_story(const struct world *w, const char *story) {
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  seen_free(&seen);
  assert_string_equal(seen.story, story);
}

void assert_backend_got(const struct world *w, const char *text) {
  assert_int_equal(w->backend.got.len, strlen(text));
  if (w->backend.got.len > 0) assert_memory_equal(w->backend.got.data, text, strlen(text));
}

uint8_t *pattern(size_t len, unsigned seed) {
  uint8_t *bytes = malloc(len > 0 ? len : 1);
  assert_non_null(bytes);
  for (size_t i = 0; i < len; i++)
    bytes[i] = (uint8_t)((i * 31 + (i >> 8) * 7 + seed) & 0xff);
  return bytes;
}
