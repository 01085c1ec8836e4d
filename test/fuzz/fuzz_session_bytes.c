/* fuzz: max_len=700
 *
 * The whole session with a client that says anything: frames that are right, frames with a bit of them
 * changed, bytes that are none; while both sides stall, go on, end, break, and time passes. An input is a
 * list of deeds (enum deed), each with the bytes it wants; the settings are taken from its end.
 *
 * What must hold: the backend gets the payload that a simple decoder reads out of the client's bytes, as far
 * as it gets any, and all of it when nobody broke off; the client gets whole frames with the backend's bytes,
 * the answers to its pings, one Close, and nothing behind it; and when both have ended nothing is left.
 */
#include <stdlib.h>

#include "fuzz/client_view.h"
#include "fuzz/reference.h"
#include "fuzz/session_world.h"
#include "fuzz/story.h"

#define DEEDS_MAX      200u
#define BEGUN_SEQUENCE 3u
#define PASS_UNIT_MS   250u
#define LONG_TIME_MS   600000u
#define MASK_SIZE      4u
#define CHANGED_FRAME  0x80u /* of a frame's size: one of its bytes is changed */
#define FRAGMENT       0x40u
#define EARLY_MAX      32u
#define STREAM_MAX     8000u /* bytes that a peer sends in all */

enum deed {
  SAY_FRAME, /* opcode, size, then its payload */
  SAY_BYTES, /* size, then these */
  CLIENT_ENDS,
  CLIENT_TAKES,
  BACKEND_SAYS,
  BACKEND_ENDS,
  BACKEND_TAKES,
  TIME_PASSES,
  DIAL_IS_ANSWERED,
  GO_AWAY,
  EDGE_FOR_NOTHING,
  RESET_UNHEARD,
  LOOP_RESTS,
  DEEDS
};

/* A life, and what was done in it that excuses a loss. */
struct life {
  struct session_world world;
  struct fuzz_input *input;
  bool early_over;  /* the session is open */
  bool cut_off;     /* somebody broke off, or we were told to go */
  bool time_passed; /* limits may have struck */
};

/* ---- what the peers do -----------------------------------------------------------------------------------
 */

static void client_sends(struct life *life, const uint8_t *data, size_t len) {
  struct fake_peer *client = &life->world.client;
  if (client->end == PEER_GOES_ON && client->sent.len + len <= STREAM_MAX) peer_send(client, data, len);
}

static void say_frame(struct life *life) {
  uint8_t frame[WSL_CLIENT_HEADER_MAX + UINT8_MAX];
  uint8_t first = fuzz_byte(life->input), size = fuzz_byte(life->input);
  size_t len = size & 0x3F, at = 0;
  frame[at++] = (uint8_t)((size & FRAGMENT) != 0 ? first & 0x0F : 0x80 | (first & 0x0F));
  frame[at++] = (uint8_t)(0x80 | len);
  for (size_t i = 0; i < MASK_SIZE; i++)
    frame[at++] = (uint8_t)(first * (i + 1));
  for (size_t i = 0; i < len; i++, at++)
    frame[at] = fuzz_byte(life->input) ^ frame[2 + i % MASK_SIZE];
  if ((size & CHANGED_FRAME) != 0) {
    uint8_t where = fuzz_byte(life->input);
    frame[where % at] ^= fuzz_byte(life->input);
  }
  client_sends(life, frame, at);
}

static void say_bytes(struct life *life) {
  size_t len = fuzz_byte(life->input);
  if (len > life->input->len) len = life->input->len;
  client_sends(life, life->input->at, len);
  life->input->at += len;
  life->input->len -= len;
}

static void backend_says(struct life *life) {
  struct fake_peer *backend = &life->world.backend;
  uint8_t data[4 * UINT8_MAX];
  size_t len = 4u * fuzz_byte(life->input);
  if (backend->end != PEER_GOES_ON || backend->sent.len + len > STREAM_MAX) return;
  for (size_t i = 0; i < len; i++)
    data[i] = (uint8_t)(backend->sent.len + i + ((backend->sent.len + i) >> 8));
  peer_send(backend, data, len);
}

static void end(struct life *life, struct fake_peer *peer) {
  uint8_t how = fuzz_byte(life->input) % 5;
  if (peer->end != PEER_GOES_ON && how != 1) return;
  if (how != 0) life->cut_off = true;
  switch (how) {
    case 0:
      peer_finish(peer);
      break;
    case 1:
      peer_reset(peer);
      break;
    case 2:
      peer_truncate(peer);
      break;
    case 3:
      peer_break_tls(peer);
      break;
    default:
      peer_reset(peer);
  }
}

static void take(struct life *life, struct fake_peer *peer) {
  uint8_t room = fuzz_byte(life->input);
  if (room == 0) {
    peer->room = 0;
  } else if (peer->room != UNLIMITED || room == UINT8_MAX) {
    peer_take(peer, room == UINT8_MAX ? UNLIMITED : room);
  }
}

static void reset_unheard(struct life *life) {
  struct fake_peer *backend = &life->world.backend;
  life->cut_off = true;
  if (backend->end == PEER_GOES_ON) peer_reset_unheard(backend);
}

static void do_deed(struct life *life) {
  switch ((enum deed)(fuzz_byte(life->input) % DEEDS)) {
    case SAY_FRAME:
      say_frame(life);
      break;
    case SAY_BYTES:
      say_bytes(life);
      break;
    case CLIENT_ENDS:
      end(life, &life->world.client);
      break;
    case CLIENT_TAKES:
      take(life, &life->world.client);
      break;
    case BACKEND_SAYS:
      backend_says(life);
      break;
    case BACKEND_ENDS:
      end(life, &life->world.backend);
      break;
    case BACKEND_TAKES:
      take(life, &life->world.backend);
      break;
    case TIME_PASSES:
      session_world_pass(&life->world, (uint64_t)fuzz_byte(life->input) * PASS_UNIT_MS);
      life->time_passed = true;
      break;
    case DIAL_IS_ANSWERED:
      session_world_answer(&life->world);
      break;
    case GO_AWAY:
      session_domain_go_away(&life->world.domain);
      life->cut_off = true;
      break;
    case EDGE_FOR_NOTHING:
      peer_edge_for_nothing((fuzz_byte(life->input) & 1) != 0 ? &life->world.client : &life->world.backend);
      break;
    case RESET_UNHEARD:
      reset_unheard(life);
      break;
    case LOOP_RESTS:
    case DEEDS:
      session_world_rest(&life->world);
      break;
  }
}

/* ---- the settings ----------------------------------------------------------------------------------------
 */

static size_t limit(uint8_t choice) {
  static const size_t limits[] = {UNLIMITED, UNLIMITED, 1, 2, 3, 7, 50, SESSION_BUFFER_SIZE};
  return limits[choice & 7];
}

static void choose_peer(struct fake_peer *peer, struct fuzz_input *input) {
  uint8_t how = fuzz_choice(input), sizes = fuzz_choice(input);
  peer->seals = (how & 1) != 0;
  peer->acks_by_hand = (how & 2) != 0;
  peer->cant_tell = (how & 4) != 0;
  peer->finish_again = (how >> 4) & 3;
  if ((how & 8) != 0) peer->room = sizes >> 6;
  peer->read_max = limit(sizes & 7);
  peer->write_max = limit((sizes >> 3) & 7);
}

static void choose(struct life *life, struct fuzz_input *input) {
  static const int errors[] = {0, 0, 0, 0, 0, WSL_REFUSED, WSL_TIMED_OUT, WSL_NO_DESCRIPTOR};
  uint8_t pool = fuzz_choice(input), dialling = fuzz_choice(input), times = fuzz_choice(input);
  session_world_init(&life->world, 1 + (pool & 3));
  life->world.settings.text = (pool & 4) != 0 ? TEXT_REFUSE : TEXT_FORWARD;
  life->world.settings.heartbeat_ms = (times & 1) != 0 ? 2000 : 0;
  life->world.settings.idle_timeout_ms = (times & 2) != 0 ? 20000 : 0;
  life->world.settings.pong_timeout_ms = (times & 4) != 0 ? 3000 : 0;
  life->world.dialer.when = (enum session_dialling)(dialling % DIALLINGS);
  life->world.dialer.error = life->world.dialer.when == DIALLED_BEFORE ? 0 : errors[(dialling >> 3) & 7];
  choose_peer(&life->world.client, input);
  choose_peer(&life->world.backend, input);
  life->cut_off = life->world.dialer.error != 0;
}

/* ---- the end of it
 * ----------------------------------------------------------------------------------------- */

static void calm(struct fake_peer *peer) {
  peer->finish_again = 0;
  peer->acks_by_hand = false;
  peer->unacked = 0;
  peer_take(peer, UNLIMITED);
}

/* Everybody takes what there is; then who has not ended does, the backend first: its words have all come. */
static void live_out(struct life *life) {
  struct session_world *world = &life->world;
  calm(&world->client);
  calm(&world->backend);
  session_world_answer(world);
  session_world_rest(world);
  if (world->backend.end == PEER_GOES_ON) peer_finish(&world->backend);
  if (world->backend.end == PEER_RESET) peer_reset(&world->backend); /* sooner or later it is heard of */
  session_world_rest(world);
  if (world->client.end == PEER_GOES_ON) peer_finish(&world->client);
  session_world_rest(world);
  session_world_pass(world, LONG_TIME_MS);
  fuzz_check(world->domain.count == 0, "both have ended long ago, and the session lives");
}

/* ---- what must hold
 * ---------------------------------------------------------------------------------------- */

/* Of what the backend got. */
static void check_up(const struct life *life, const struct story *said) {
  const struct bytes *got = &life->world.backend.got;
  const struct story_event *last = said->events_count > 0 ? &said->events[said->events_count - 1] : NULL;
  size_t slack = last != NULL && last->code == WSL_CLOSE_INVALID_PAYLOAD ? BEGUN_SEQUENCE : 0;
  fuzz_check(got->len <= said->payload_len + slack, "the backend got %zu bytes of %zu", got->len,
             said->payload_len);
  fuzz_check(got->len == 0 || memcmp(got->data, said->payload, got->len) == 0, "the backend got the payload");
  if (life->cut_off || life->time_passed) return;
  fuzz_check(got->len >= said->payload_len, "nobody broke off, and the backend got %zu bytes of %zu",
             got->len, said->payload_len);
  if (!life->world.dialer.connected) return; /* a dial that could only deliver an end is given up */
  bool complete = said->between_messages || (last != NULL && last->event == WSL_FRAME_CLOSE);
  fuzz_check((peer_seen_end(&life->world.backend) == SEEN_FIN) == complete,
             "complete: %d, and the backend saw %d", complete, (int)peer_seen_end(&life->world.backend));
}

/* Of what the client got. */
static void check_down(const struct life *life, const struct story *said) {
  const struct fake_peer *client = &life->world.client, *backend = &life->world.backend;
  struct client_view view;
  client_view_read(&view, client->got.data, client->got.len, life->world.settings.max_frame_size);
  fuzz_check(view.payload_len <= backend->sent.len &&
                 (view.payload_len == 0 || memcmp(view.payload, backend->sent.data, view.payload_len) == 0),
             "the client got the backend's bytes, %zu of %zu", view.payload_len, backend->sent.len);
  client_view_check_pongs(&view, said);
  bool quiet = !life->cut_off && !life->time_passed;
  const struct story_event *last = said->events_count > 0 ? &said->events[said->events_count - 1] : NULL;
  if (quiet) fuzz_check(view.whole && view.close_code != 0, "nobody broke off: whole frames and a Close");
  if (quiet && last != NULL && (last->event == WSL_FRAME_VIOLATION || last->event == WSL_FRAME_CLOSE)) {
    bool ours_was_first = view.close_code == WSL_CLOSE_NORMAL; /* the backend had ended */
    fuzz_check(ours_was_first || view.close_code == last->code, "Close %d to %d", view.close_code,
               last->code);
  }
  if (quiet && view.close_code == WSL_CLOSE_NORMAL && (last == NULL || last->event != WSL_FRAME_CLOSE))
    fuzz_check(view.payload_len == backend->sent.len, "Close 1000 behind %zu bytes of %zu", view.payload_len,
               backend->sent.len);
  client_view_free(&view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  struct life *life = fuzz_memory(sizeof *life);
  life->input = &input;
  choose(life, &input);
  size_t early = fuzz_choice(&input) % EARLY_MAX;
  if (early > input.len) early = input.len;
  struct bytes all = {0};
  bytes_add(&all, input.at, early);
  session_world_open(&life->world, input.at, early);
  input.at += early;
  input.len -= early;
  for (size_t i = 0; i < DEEDS_MAX && input.len > 0; i++)
    do_deed(life);
  live_out(life);
  bytes_add(&all, life->world.client.sent.data, life->world.client.sent.len);
  struct story said;
  story_init(&said, all.len);
  reference_decode(all.data, all.len, life->world.settings.text == TEXT_REFUSE, &said);
  check_up(life, &said);
  check_down(life, &said);
  story_free(&said);
  bytes_free(&all);
  session_world_end(&life->world);
  free(life);
  return 0;
}
