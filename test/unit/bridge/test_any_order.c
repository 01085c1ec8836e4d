/* Sessions in which everything happens in any order: thousands of seeded plays with random chunks,
 * stalls and endings on both sides, against a model of what may come of them:
 *
 *   - what arrives is always a beginning of what was sent, in order;
 *   - what ended in order has arrived whole, and its receiver saw an orderly end;
 *   - what did not, its receiver can tell: a reset, or a Close that is not 1000;
 *   - two peers that have ended leave nothing behind.
 *
 * In the patient plays the peers are quick enough for no time-out to be due; in the hurried ones time
 * flies, peers stall for ever, and every session is ended by the drain at the latest.
 *
 * A failure prints its seed; ANY_ORDER_SEED=n plays that one alone.
 */
#include "bridge/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAYS          4000u
#define STEPS          60u
#define STEP_MS        40u /* all steps together stay below the close time */
#define HURRIED_MS     4000u
#define HURRIED_END_MS 180000u /* the drain, then every deadline that there is, one after the other */
#define CALM_ROUNDS    40u
#define PIECE_MAX      400u
#define DOWN_BYTES_MAX 1500u
#define MESSAGES_MAX   12u

enum client_end {
  CLIENT_CLOSES,
  CLIENT_FINS,
  CLIENT_FINS_INSIDE,
  CLIENT_RESETS,
  CLIENT_VIOLATES,
  CLIENT_TRUNCATES,
  CLIENT_WAITS
};
enum pace { PATIENT, HURRIED };
enum backend_end { BACKEND_FINS, BACKEND_RESETS, BACKEND_TRUNCATES, BACKEND_WAITS };

#define CLIENT_ENDS  7
#define BACKEND_ENDS 4

struct play {
  uint64_t seed;
  enum pace pace;
  struct random_source random;
  struct world w;
  struct bytes script; /* the client's frames, up to its end */
  struct bytes up;     /* their payload */
  struct bytes down;
  size_t script_sent, down_sent;
  enum client_end client_end;
  enum backend_end backend_end;
  bool client_done, backend_done;
  bool went_away, dial_failed;
};

static uint32_t pick(struct play *p, uint32_t bound) {
  return random_below(&p->random, bound);
}

/* ---- the script ---- */

static void write_message(struct play *p) {
  unsigned fragments = 1 + (pick(p, 4) == 0 ? pick(p, 4) : 0);
  for (unsigned i = 0; i < fragments; i++) {
    size_t len = pick(p, 3) == 0 ? pick(p, 300) : pick(p, 20);
    uint8_t *payload = pattern(len, pick(p, 256));
    enum fin fin = i + 1 == fragments ? FIN_LAST : FIN_MORE;
    frame_add(&p->script, i == 0 ? WSL_OP_BINARY : WSL_OP_CONTINUATION, fin, payload, len);
    bytes_add(&p->up, payload, len);
    free(payload);
    if (pick(p, 3) == 0) frame_add(&p->script, WSL_OP_PING, FIN_LAST, "ping", pick(p, 5));
    if (pick(p, 6) == 0) frame_add(&p->script, WSL_OP_PONG, FIN_LAST, "", 0);
  }
}

static void write_end(struct play *p) {
  if (p->client_end == CLIENT_CLOSES) frame_add(&p->script, WSL_OP_CLOSE, FIN_LAST, "\x03\xe8", 2);
  if (p->client_end == CLIENT_VIOLATES) bytes_add(&p->script, "\xff", 1);
  if (p->client_end == CLIENT_FINS_INSIDE) {
    struct bytes frame = {0};
    frame_add(&frame, WSL_OP_BINARY, FIN_LAST, "cut off inside", 14);
    size_t cut = 1 + pick(p, (uint32_t)frame.len - 1);
    bytes_add(&p->script, frame.data, cut);
    if (cut > 6) bytes_add(&p->up, "cut off inside", cut - 6);
    bytes_free(&frame);
  }
}

static void cast(struct play *p, enum pace pace, uint64_t seed) {
  *p = (struct play){.seed = seed, .pace = pace};
  random_seed(&p->random, seed);
  world_init(&p->w);
  struct world *w = &p->w;
  static const uint32_t frame_sizes[] = {1, 10, 126, WORLD_BUFFER_SIZE};
  w->settings.max_frame_size = frame_sizes[pick(p, 4)];
  w->client.read_max = pick(p, 2) ? UNLIMITED : 1 + pick(p, 30);
  w->client.write_max = pick(p, 2) ? UNLIMITED : 1 + pick(p, 30);
  w->backend.read_max = pick(p, 2) ? UNLIMITED : 1 + pick(p, 30);
  w->backend.write_max = pick(p, 2) ? UNLIMITED : 1 + pick(p, 30);
  w->client.room = pick(p, 3) ? UNLIMITED : pick(p, 50);
  w->backend.room = pick(p, 3) ? UNLIMITED : pick(p, 50);
  w->client.seals = pick(p, 3) == 0;
  w->backend.seals = pick(p, 3) == 0;
  w->client.cant_tell = pick(p, 4) == 0;
  w->backend.cant_tell = pick(p, 4) == 0;
  w->client.finish_again = pick(p, 4) == 0 ? 2 : 0;
  w->backend.finish_again = pick(p, 4) == 0 ? 2 : 0;
  p->client_end = (enum client_end)pick(p, CLIENT_ENDS);
  p->backend_end = (enum backend_end)pick(p, BACKEND_ENDS);
  for (uint32_t messages = pick(p, MESSAGES_MAX); messages > 0; messages--)
    write_message(p);
  write_end(p);
  size_t len = pick(p, DOWN_BYTES_MAX);
  uint8_t *bytes = pattern(len, pick(p, 256));
  bytes_add(&p->down, bytes, len);
  free(bytes);
}

/* ---- the peers ---- */

static size_t piece(struct play *p, size_t left) {
  size_t len = pick(p, PIECE_MAX);
  return len < left ? len : left;
}

static uint16_t close_seen(const struct play *p) {
  struct seen seen;
  see_bytes(&p->w.client.got, &seen);
  seen_free(&seen);
  return seen.close_code;
}

static void client_ends(struct play *p) {
  if (p->client_end == CLIENT_WAITS && close_seen(p) == 0) return;
  p->client_done = true;
  if (p->client_end == CLIENT_WAITS) client_close_with(&p->w, 1000, "");
  if (p->client_end == CLIENT_RESETS) {
    peer_reset(&p->w.client);
  } else if (p->client_end == CLIENT_TRUNCATES) {
    peer_truncate(&p->w.client);
  } else {
    peer_finish(&p->w.client);
  }
}

static void client_acts(struct play *p) {
  size_t len = piece(p, p->script.len - p->script_sent);
  if (len > 0) peer_send(&p->w.client, p->script.data + p->script_sent, len);
  p->script_sent += len;
  if (!p->client_done && p->script_sent == p->script.len) client_ends(p);
}

static void backend_acts(struct play *p) {
  struct fake_peer *backend = &p->w.backend;
  if (backend->connects == 0) return;
  size_t len = piece(p, p->down.len - p->down_sent);
  if (len > 0) peer_send(backend, p->down.data + p->down_sent, len);
  p->down_sent += len;
  if (p->backend_done || p->down_sent < p->down.len) return;
  if (p->backend_end == BACKEND_WAITS && peer_seen_end(backend) == SEEN_NONE) return;
  p->backend_done = true;
  if (p->backend_end == BACKEND_RESETS) {
    peer_reset(backend);
  } else if (p->backend_end == BACKEND_TRUNCATES) {
    peer_truncate(backend);
  } else {
    peer_finish(backend);
  }
}

static void dial_acts(struct play *p) {
  if (p->w.dialer.pending == NULL) return;
  p->dial_failed = pick(p, 5) == 0;
  dial_answers(&p->w, p->dial_failed ? WSL_REFUSED : WSL_OK);
}

static void go_away(struct play *p) {
  p->went_away = true;
  session_domain_go_away(&p->w.domain);
}

static void anything(struct play *p) {
  switch (pick(p, 12)) {
    case 0:
    case 1:
    case 2:
      client_acts(p);
      break;
    case 3:
    case 4:
    case 5:
      backend_acts(p);
      break;
    case 6:
      peer_take(&p->w.client, pick(p, 2) ? pick(p, 200) : 1);
      break;
    case 7:
      peer_take(&p->w.backend, pick(p, 2) ? pick(p, 200) : 1);
      break;
    case 8:
      dial_acts(p);
      break;
    case 9:
      if (pick(p, 40) == 0) go_away(p);
      break;
    default:
      world_advance(&p->w, pick(p, p->pace == PATIENT ? STEP_MS : HURRIED_MS));
  }
  if (pick(p, 2) == 0) world_rest(&p->w);
  assert_in_range(p->w.pool.existing - p->w.pool.free_count, 0, 2);
}

static void run(struct play *p) {
  static const enum dialling ways[] = {DIAL_BEFORE, DIAL_AT_ONCE, DIAL_LATER};
  p->w.dialer.when = ways[pick(p, 3)];
  if (pick(p, 3) == 0 && p->script.len > 0) {
    p->script_sent = pick(p, (uint32_t)(p->script.len < 200 ? p->script.len : 200));
    bytes_add(&p->w.early, p->script.data, p->script_sent);
  }
  world_open(&p->w);
  for (unsigned i = 0; i < STEPS; i++)
    anything(p);
  dial_acts(p);
  if (p->pace == PATIENT || pick(p, 2)) peer_take(&p->w.client, UNLIMITED);
  if (p->pace == PATIENT || pick(p, 2)) peer_take(&p->w.backend, UNLIMITED);
  bool nobody_ends = p->pace == HURRIED || (p->client_end == CLIENT_WAITS && p->backend_end == BACKEND_WAITS);
  for (unsigned i = 0; i < CALM_ROUNDS; i++) {
    world_rest(&p->w);
    if (i == CALM_ROUNDS / 2 && nobody_ends) go_away(p);
    client_acts(p);
    backend_acts(p);
  }
  world_rest(&p->w);
}

/* ---- the model ---- */

static bool begins(const struct bytes *whole, const struct bytes *part) {
  return part->len <= whole->len && (part->len == 0 || memcmp(whole->data, part->data, part->len) == 0);
}

static bool client_ended_in_order(const struct play *p) {
  return p->client_end == CLIENT_CLOSES || p->client_end == CLIENT_FINS || p->client_end == CLIENT_WAITS;
}

static bool backend_breaks(const struct play *p) {
  return p->backend_end == BACKEND_RESETS || p->backend_end == BACKEND_TRUNCATES;
}

/* Holds whatever happened: an end that looks orderly is one. */
static void judge_hurried(const struct play *p) {
  const struct fake_peer *backend = &p->w.backend;
  struct seen seen;
  see_bytes(&p->w.client.got, &seen);
  bool down_begins = begins(&p->down, &seen.payload);
  size_t arrived = seen.payload.len;
  seen_free(&seen);
  assert_true(down_begins);
  assert_true(begins(&p->up, &backend->got));
  if (strstr(seen.story, "Target closed") != NULL) assert_int_equal(arrived, p->down.len);
  if (peer_seen_end(&p->w.client) == SEEN_FIN && p->client_end != CLIENT_RESETS)
    assert_int_not_equal(seen.close_code, 0);
  if (peer_seen_end(backend) != SEEN_FIN || backend_breaks(p)) return;
  assert_true(client_ended_in_order(p));
  assert_int_equal(backend->got.len, p->up.len);
}

static void judge_backend(const struct play *p) {
  const struct fake_peer *backend = &p->w.backend;
  assert_true(begins(&p->up, &backend->got));
  if (backend->connects == 0 || backend_breaks(p)) return;
  assert_int_equal(backend->got.len, p->up.len);
  assert_int_equal(peer_seen_end(backend), client_ended_in_order(p) ? SEEN_FIN : SEEN_RESET);
}

static void judge_close(const struct play *p, const struct seen *seen) {
  bool backend_failed = p->dial_failed || backend_breaks(p);
  switch (seen->close_code) {
    case 1000: /* the backend's end, or the echo of the client's */
      assert_true(p->client_end == CLIENT_CLOSES || !backend_failed);
      break;
    case 1001:
      assert_true(p->went_away);
      break;
    case 1002:
      assert_true(p->client_end == CLIENT_VIOLATES || p->client_end == CLIENT_FINS_INSIDE ||
                  p->client_end == CLIENT_TRUNCATES);
      break;
    case 1011:
      assert_true(backend_failed);
      break;
    default:
      fail_msg("the client was told %u", (unsigned)seen->close_code);
  }
}

static void judge_client(const struct play *p) {
  struct seen seen;
  see_bytes(&p->w.client.got, &seen);
  bool in_order = begins(&p->down, &seen.payload);
  size_t arrived = seen.payload.len;
  seen_free(&seen);
  assert_true(in_order);
  if (p->client_end == CLIENT_RESETS) return;
  assert_false(seen.inside_frame);
  judge_close(p, &seen);
  assert_int_equal(peer_seen_end(&p->w.client), SEEN_FIN);
  bool wanted_all = p->client_end == CLIENT_FINS || p->client_end == CLIENT_WAITS;
  bool cut = p->went_away || p->w.backend.connects == 0;
  if (wanted_all && !cut && p->backend_end != BACKEND_WAITS) assert_int_equal(arrived, p->down.len);
}

static void strike(struct play *p) {
  world_end(&p->w);
  bytes_free(&p->script);
  bytes_free(&p->up);
  bytes_free(&p->down);
}

static struct play current;

static void play(enum pace pace, uint64_t seed) {
  cast(&current, pace, seed);
  run(&current);
  if (pace == PATIENT) {
    world_advance(&current.w, 8000); /* no more than a linger and a close time */
    judge_backend(&current);
    judge_client(&current);
  } else {
    world_advance(&current.w, HURRIED_END_MS);
    judge_hurried(&current);
  }
  strike(&current);
}

static void play_all(enum pace pace) {
  const char *one = getenv("ANY_ORDER_SEED");
  if (one != NULL) {
    play(pace, strtoull(one, NULL, 10));
    return;
  }
  for (uint64_t seed = 1; seed <= PLAYS; seed++)
    play(pace, seed);
}

static void patient_peers(void **state) {
  (void)state;
  play_all(PATIENT);
}

static void hurried_peers(void **state) {
  (void)state;
  play_all(HURRIED);
}

static int tell_seed(void **state) {
  (void)state;
  print_message("last seed: %llu (client end %d, backend end %d)\n", (unsigned long long)current.seed,
                (int)current.client_end, (int)current.backend_end);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(patient_peers, tell_seed),
      cmocka_unit_test_teardown(hurried_peers, tell_seed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
