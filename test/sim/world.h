/* A worker in memory: sessions of bridge/ between simulated peers, over a clock that only the play moves. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "bridge/session.h"
#include "life.h"
#include "pipes.h"
#include "plan.h"

#define WORLD_BORN_MS 1000000u

struct world {
  const struct plan *plan;
  struct session_settings settings;
  struct timers timers;
  struct buffer_pool pool;
  struct pipe_maker pipes;
  struct dialer dialer;
  struct session_domain domain;
  struct life lives[PLAN_SESSIONS_MAX];
  struct buffer *hoard[64]; /* lent elsewhere */
  size_t hoarded;
  uint64_t events;          /* counts what happens, for the order of it */
  uint64_t fired;           /* timers */
  uint64_t oldest_ticket;   /* in the pool's line, when last looked; UINT64_MAX: nobody was there */
  uint64_t oldest_since_ms; /* since when that one has been the oldest */
  uint64_t waited_since_ms; /* since when anybody has been there; NOT_YET */
  bool short_told;          /* as the log said last */
  uint64_t late_ms;         /* by how much timers may have been late, all together */
};

/* The one world: memory is kept from life to life. */
struct world *world_begin(const struct plan *plan);

/* Opens the session. `early`: bytes of what the client has said that come with the request head. */
void world_open(struct world *w, struct life *life, size_t early);

/* Answers a dial that waits; harmless when none does. */
void world_answer_dial(struct world *w, struct life *life, int answer);

/* One turn of the loop; false when nothing was under way. */
bool world_turn(struct world *w);

/* Turns until nothing is under way; a fault when that never comes. Then the model looks at what stands. */
void world_rest(struct world *w);

/* Time passes, timer by timer, the loop at rest after each. */
void world_advance(struct world *w, uint64_t ms);

/* The same in one go: the timers that fall into it are late. */
void world_sleep(struct world *w, uint64_t ms);

void world_hoard(struct world *w, size_t count);

/* Everything was given back. */
void world_end(struct world *w);

#endif
