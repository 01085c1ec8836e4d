/* A worker in memory for one session, as test/unit/bridge/world.h is for cmocka's tests: fake peers on both
 * sides, a clock that only the target moves, and nothing that may be left behind.
 */
#ifndef FUZZ_SESSION_WORLD_H
#define FUZZ_SESSION_WORLD_H

#include "bridge/fake_peer.h"
#include "bridge/session.h"

#define SESSION_BUFFER_SIZE 128u

enum session_dialling { DIALLED_BEFORE, DIALLED_AT_ONCE, DIALLED_LATER, DIALLINGS };

struct session_dialer {
  struct dialer base; /* first: it is one */
  enum session_dialling when;
  int error;           /* the answer; 0 connects */
  struct dial *asking; /* DIALLED_LATER, until it is answered */
  bool connected;
};

struct session_world {
  struct session_settings settings;
  struct timers timers;
  struct buffer_pool pool;
  struct session_domain domain;
  struct session_dialer dialer;
  struct target target;
  struct fake_peer client, backend;
  unsigned ended;
};

/* Settings of the program's kind with small sizes; to be changed before the session opens. */
void session_world_init(struct session_world *world, size_t buffers);

/* Opens the session; early[0..len) came with the request head (len at most SESSION_BUFFER_SIZE). */
void session_world_open(struct session_world *world, const uint8_t *early, size_t len);

/* Answers the dial that waits, if there is one. */
void session_world_answer(struct session_world *world);

/* Turns of the loop until nobody asks for one; fails when they are more than the bytes in sight explain. */
void session_world_rest(struct session_world *world);

/* Lets time pass, timer by timer. */
void session_world_pass(struct session_world *world, uint64_t ms);

/* The session must be gone, with all that it had. Frees the world. */
void session_world_end(struct session_world *world);

#endif
