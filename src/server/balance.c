/* See server/balance.h. Relaxed atomics: a count promises nothing about other memory, the descriptor goes
 * through a mailbox with a lock of its own.
 */
#include "server/balance.h"

#include <assert.h>
#include <stdbool.h>

unsigned balance_clients(const struct balance *balance, unsigned worker) {
  return atomic_load_explicit(&balance->seats[worker].clients, memory_order_relaxed);
}

/* The worker with the fewest, in *clients how many; the first behind `self` among equals, so that not all
 * give to the same. */
static unsigned fewest(const struct balance *balance, unsigned self, unsigned *clients) {
  unsigned best = self;
  *clients = balance_clients(balance, self);
  for (unsigned i = 1; i < balance->count; i++) {
    unsigned other = (self + i) % balance->count;
    unsigned others = balance_clients(balance, other);
    if (others >= *clients) continue;
    best = other;
    *clients = others;
  }
  return best;
}

/* Counts one more where the count is still what the choice was made by. */
static bool take_seat(struct balance *balance, unsigned worker, unsigned clients) {
  return atomic_compare_exchange_strong_explicit(&balance->seats[worker].clients, &clients, clients + 1,
                                                 memory_order_relaxed, memory_order_relaxed);
}

unsigned balance_place(struct balance *balance, unsigned self) {
  for (;;) {
    unsigned own = balance_clients(balance, self), least;
    unsigned worker = fewest(balance, self, &least);
    if (own < least + BALANCE_DIFFERENCE) {
      worker = self;
      least = own;
    }
    if (take_seat(balance, worker, least)) return worker;
  }
}

void balance_keep(struct balance *balance, unsigned self) {
  atomic_fetch_add_explicit(&balance->seats[self].clients, 1, memory_order_relaxed);
}

void balance_gone(struct balance *balance, unsigned self) {
  unsigned before = atomic_fetch_sub_explicit(&balance->seats[self].clients, 1, memory_order_relaxed);
  assert(before > 0);
  (void)before;
}

void balance_return(struct balance *balance, unsigned to, unsigned self) {
  balance_keep(balance, self);
  balance_gone(balance, to);
}
