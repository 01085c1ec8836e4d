/* --run-once: the one session that a server may have. Whoever takes the turn first has it, unless nothing
 * comes of it; when that session has ended the server hears of it. Thread-safe, lock-free.
 */
#ifndef SERVER_SINGLE_SESSION_H
#define SERVER_SINGLE_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>

struct single_session {
  bool wanted; /* else everybody may */
  atomic_bool taken;
  void (*on_over)(void *owner); /* on the worker's thread */
  void *owner;
};

/* Whether an upgrade may go on. */
static inline bool single_session_take(struct single_session *single) {
  return !single->wanted || !atomic_exchange(&single->taken, true);
}

/* An upgrade that had the turn came to nothing: the next may have it. */
static inline void single_session_give_back(struct single_session *single) {
  if (single->wanted) atomic_store(&single->taken, false);
}

/* A session has ended. */
static inline void single_session_over(struct single_session *single) {
  if (single->wanted) single->on_over(single->owner);
}

#endif
