/* ctest: threads */
/* Who gets a client: the fewest, where it makes a difference; also when several workers accept at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "server/balance.h"

#define WORKERS     4
#define A_WORKER    5000
#define DRAWN_FROM  UINT32_C(2463534242) /* any but 0 */
#define ALL_CLIENTS (WORKERS * A_WORKER)

static struct balance_seat seats[WORKERS];
static struct balance balance = {seats, WORKERS};

static void set_up(const unsigned clients[WORKERS]) {
  for (unsigned i = 0; i < WORKERS; i++)
    atomic_store(&seats[i].clients, clients[i]);
}

static void expect(unsigned worker, unsigned clients) {
  assert_int_equal(balance_clients(&balance, worker), clients);
}

static void a_small_difference_moves_nobody(void **state) {
  (void)state;
  set_up((const unsigned[]){5, 5, 4, 4});
  assert_int_equal(balance_place(&balance, 0), 0);
  expect(0, 6);
}

static void the_fewest_gets_it(void **state) {
  (void)state;
  set_up((const unsigned[]){6, 5, 4, 7});
  assert_int_equal(balance_place(&balance, 0), 2);
  expect(0, 6);
  expect(2, 5);
}

static void among_equals_the_next_behind_gets_it(void **state) {
  (void)state;
  set_up((const unsigned[]){3, 1, 3, 1});
  assert_int_equal(balance_place(&balance, 2), 3);
  set_up((const unsigned[]){3, 1, 3, 1});
  assert_int_equal(balance_place(&balance, 0), 1);
}

static void alone_it_keeps_all(void **state) {
  (void)state;
  struct balance alone = {seats, 1};
  set_up((const unsigned[]){9, 0, 0, 0});
  assert_int_equal(balance_place(&alone, 0), 0);
}

static void what_could_not_be_handed_on_is_the_acceptors(void **state) {
  (void)state;
  set_up((const unsigned[]){4, 0, 4, 4});
  assert_int_equal(balance_place(&balance, 0), 1);
  balance_return(&balance, 1, 0);
  expect(0, 5);
  expect(1, 0);
  balance_keep(&balance, 0);
  expect(0, 6);
  balance_gone(&balance, 0);
  expect(0, 5);
}

/* All arrive at one worker, as when one address has all the clients. */
static void a_burst_at_one_worker_is_shared_evenly(void **state) {
  (void)state;
  set_up((const unsigned[]){0, 0, 0, 0});
  for (unsigned i = 0; i < ALL_CLIENTS; i++)
    (void)balance_place(&balance, 3);
  for (unsigned i = 0; i < WORKERS; i++)
    assert_in_range(balance_clients(&balance, i), A_WORKER - BALANCE_DIFFERENCE,
                    A_WORKER + BALANCE_DIFFERENCE);
}

/* ---- several workers at once ---- */

static void *accept_many(void *self) {
  for (unsigned i = 0; i < A_WORKER; i++)
    (void)balance_place(&balance, (unsigned)(uintptr_t)self);
  return NULL;
}

static uint32_t draw(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

/* Clients come and go at chance; each has been placed by this thread and is gone once. */
static void *accept_and_lose(void *self) {
  uint32_t dice = DRAWN_FROM + (uint32_t)(uintptr_t)self;
  unsigned mine[WORKERS] = {0};
  for (unsigned i = 0; i < A_WORKER; i++) {
    mine[balance_place(&balance, (unsigned)(uintptr_t)self)]++;
    unsigned leaver = draw(&dice) % WORKERS;
    if (mine[leaver] == 0) continue;
    mine[leaver]--;
    balance_gone(&balance, leaver);
  }
  for (unsigned i = 0; i < WORKERS; i++) {
    while (mine[i]-- > 0)
      balance_gone(&balance, i);
  }
  return NULL;
}

static void run_threads(void *(*body)(void *)) {
  pthread_t threads[WORKERS];
  for (uintptr_t i = 0; i < WORKERS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, body, (void *)i), 0);
  for (unsigned i = 0; i < WORKERS; i++)
    assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void bursts_at_all_workers_are_shared_evenly(void **state) {
  (void)state;
  set_up((const unsigned[]){0, 0, 0, 0});
  run_threads(accept_many);
  unsigned most = 0, least = ALL_CLIENTS, sum = 0;
  for (unsigned i = 0; i < WORKERS; i++) {
    unsigned clients = balance_clients(&balance, i);
    most = clients > most ? clients : most;
    least = clients < least ? clients : least;
    sum += clients;
  }
  assert_int_equal(sum, ALL_CLIENTS);
  assert_in_range(most - least, 0, BALANCE_DIFFERENCE);
}

static void nothing_is_lost_among_comers_and_leavers(void **state) {
  (void)state;
  set_up((const unsigned[]){0, 0, 0, 0});
  run_threads(accept_and_lose);
  for (unsigned i = 0; i < WORKERS; i++)
    expect(i, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_small_difference_moves_nobody),
      cmocka_unit_test(the_fewest_gets_it),
      cmocka_unit_test(among_equals_the_next_behind_gets_it),
      cmocka_unit_test(alone_it_keeps_all),
      cmocka_unit_test(what_could_not_be_handed_on_is_the_acceptors),
      cmocka_unit_test(a_burst_at_one_worker_is_shared_evenly),
      cmocka_unit_test(bursts_at_all_workers_are_shared_evenly),
      cmocka_unit_test(nothing_is_lost_among_comers_and_leavers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
