/* A worker in memory: sessions between fake peers, over a clock that only the test moves.
 *
 *   world_init(w); change w->settings, w->client, w->backend, w->dialling; world_open(w);
 *   client_data(w, ...), peer_send(&w->backend, ...); world_rest(w); world_advance(w, ms);
 *   see(w, &seen) says what the client was sent; world_end(w) checks that nothing is left.
 *
 * Includes cmocka, so a test includes this alone.
 */
#ifndef TEST_BRIDGE_WORLD_H
#define TEST_BRIDGE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above before it */
#include <cmocka.h>
#include <wsluice/frame.h>

#include "bridge/fake_peer.h"
#include "bridge/session.h"

#define COUNT_OF(array)   (sizeof(array) / sizeof((array)[0]))
#define WORLD_PEERS_MAX   16
#define WORLD_BUFFER_SIZE 256u

enum dialling {
  DIAL_BEFORE,  /* the session is given a connected backend */
  DIAL_AT_ONCE, /* the answer comes before dialer_start() returns */
  DIAL_LATER    /* it comes with dial_answers() */
};

struct fake_dialer {
  struct dialer base; /* first: it is one */
  enum dialling when;
  int error; /* the answer: WSL_OK connects */
  struct fake_peer *peer;
  struct dial *pending;
  uint64_t timeout_ms;
  unsigned starts, cancels;
  unsigned resets; /* how many of the cancels reset what was connected already */
};

struct world {
  struct session_settings settings;
  struct timers timers;
  struct buffer_pool pool;
  struct fake_dialer dialer;
  struct session_domain domain;
  struct fake_peer client, backend; /* of the session that world_open() opens */
  struct bytes early;               /* bytes that came with the request head */
  struct session_frames frames;     /* of sessions that are opened */
  struct target target;
  struct fake_peer *peers[WORLD_PEERS_MAX];
  size_t peer_count;
  unsigned ended;
};

/* Settings as the program's defaults are, but for small buffers and frames; heartbeat off. */
void world_init(struct world *w);

/* Limits every read and write of both peers to `chunk` bytes; 0: no limit. */
void world_chop(struct world *w, size_t chunk);

/* Opens a session between w->client and w->backend, or between two further peers of the test's own
 * (the world frees them), and lets the loop come to rest. */
void world_open(struct world *w);
void world_open_between(struct world *w, struct fake_peer *client, struct fake_peer *backend);

void dial_answers(struct world *w, int error);

/* One turn of the loop; false when nothing happened in it. */
bool world_turn(struct world *w);

/* Turns of the loop until nobody asks for one; fails when that never comes. */
void world_rest(struct world *w);

/* Moves the clock, timer by timer, with the loop coming to rest after each. Returns how often timers
 * fired. */
unsigned world_advance(struct world *w, uint64_t ms);

/* Fails unless the loop, left alone for a second, does next to nothing: no busy loop. */
void assert_at_rest(struct world *w);

/* The session is gone and has left nothing behind; frees the world. */
void assert_session_gone(const struct world *w);
void world_end(struct world *w);

/* The line that was logged last, by whatever world. */
const char *world_last_line(void);

/* ---- the client's side ---- */

enum fin { FIN_LAST, FIN_MORE };

/* Appends a masked frame to `out`. */
void frame_add(struct bytes *out, enum wsl_opcode opcode, enum fin fin, const void *payload, size_t len);

void client_frame(struct world *w, enum wsl_opcode opcode, const void *payload, size_t len);
void client_data(struct world *w, const char *text); /* one binary message */
void client_close_with(struct world *w, uint16_t code, const char *reason);

/* What a client was sent, decoded. */
struct seen {
  struct bytes payload;  /* of all data frames, one behind the other */
  char story[4096];      /* every frame: "data(5) text(hello) pong(abc) ping() close(1000 Target closed)" */
  size_t frames;         /* data frames, text among them */
  size_t longest;        /* payload of the longest */
  unsigned pings, pongs; /* */
  uint16_t close_code;   /* 0: no Close; WSL_CLOSE_NO_STATUS: an empty one */
  bool inside_frame;     /* the last frame is not complete */
};

void see_bytes(const struct bytes *got, struct seen *seen);
void seen_free(struct seen *seen);

/* The whole story at once. */
void assert_client_story(const struct world *w, const char *story);
void assert_backend_got(const struct world *w, const char *text);

#define assert_seen_end(peer, expected) assert_int_equal(peer_seen_end(peer), expected)

/* `len` bytes of which each says where it belongs; the caller frees them. */
uint8_t *pattern(size_t len, unsigned seed);

#endif
