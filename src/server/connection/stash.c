/* See server/connection/stash.h. */
#include "server/connection/stash.h"

#include <assert.h>
#include <stdlib.h>

#include "core/error.h"

bool stash_budget_take(struct stash_budget *budget, size_t bytes) {
  if (bytes > budget->limit - budget->used) return false;
  budget->used += bytes;
  return true;
}

void stash_budget_give(struct stash_budget *budget, size_t bytes) {
  assert(bytes <= budget->used);
  budget->used -= bytes;
}

/* Moves the waiting bytes to the front when that alone makes the room. */
static bool make_room_by_moving(struct stash *stash, size_t more) {
  size_t waiting = stash_waiting(stash);
  if (waiting + more > stash->cap) return false;
  memmove(stash->data, stash->data + stash->at, waiting);
  stash->at = 0;
  stash->len = waiting;
  return true;
}

int stash_reserve(struct stash *stash, struct stash_budget *budget, size_t more) {
  if (stash->cap - stash->len >= more) return 0;
  if (make_room_by_moving(stash, more)) return 0;
  size_t cap = stash->cap == 0 ? STASH_FIRST : stash->cap;
  while (cap - stash->len < more)
    cap *= 2;
  if (!stash_budget_take(budget, cap - stash->cap)) return WSL_NO_MEMORY;
  uint8_t *data = realloc(stash->data, cap);
  if (data == NULL) {
    stash_budget_give(budget, cap - stash->cap);
    return WSL_NO_MEMORY;
  }
  stash->data = data;
  stash->cap = cap;
  return 0;
}

int stash_put(struct stash *stash, struct stash_budget *budget, const uint8_t *data, size_t len) {
  int error = stash_reserve(stash, budget, len);
  if (error != 0) return error;
  memcpy(stash->data + stash->len, data, len);
  stash->len += len;
  return 0;
}

void stash_drop(struct stash *stash, struct stash_budget *budget, size_t len) {
  assert(len <= stash_waiting(stash));
  stash->at += len;
  if (stash_waiting(stash) == 0) stash_free(stash, budget);
}

void stash_free(struct stash *stash, struct stash_budget *budget) {
  stash_budget_give(budget, stash->cap);
  free(stash->data);
  *stash = (struct stash){0};
}
