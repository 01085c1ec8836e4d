/* The stash: bytes of a request head that is not complete, or of pipelined requests that wait for
 * their turn. Grows by doubling from STASH_FIRST and is counted against a worker's budget, so that a
 * crowd of slow clients can't take the machine's memory.
 *
 *   data:  | taken | waiting .......... | free |
 *          0       at                   len    cap
 */
#ifndef SERVER_CONNECTION_STASH_H
#define SERVER_CONNECTION_STASH_H

#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

#define STASH_FIRST 1024u /* bytes */

/* A worker's. */
struct stash_budget {
  size_t used, limit; /* bytes */
};

/* Whether `bytes` more may be held; counts them when so. */
bool stash_budget_take(struct stash_budget *budget, size_t bytes);
void stash_budget_give(struct stash_budget *budget, size_t bytes);

/* All zero is an empty one. */
struct stash {
  uint8_t *data;
  size_t at, len, cap;
};

/* Makes room for `more` bytes behind data[len]. WSL_NO_MEMORY when the budget or the system says no;
 * the stash is as before then. Bytes may move. */
WSL_MUST_CHECK int stash_reserve(struct stash *stash, struct stash_budget *budget, size_t more);

/* Appends a copy. Likewise. */
WSL_MUST_CHECK int stash_put(struct stash *stash, struct stash_budget *budget, const uint8_t *data,
                             size_t len);

static inline size_t stash_waiting(const struct stash *stash) {
  return stash->len - stash->at;
}

/* The first `len` waiting bytes are done with; the last one gone frees the memory. */
void stash_drop(struct stash *stash, struct stash_budget *budget, size_t len);

/* Frees it all; harmless when empty. */
void stash_free(struct stash *stash, struct stash_budget *budget);

#endif
