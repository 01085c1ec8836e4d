/* Descriptors on their way from worker to worker: in order, none lost, none twice, also at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "server/mailbox.h"

#define SENDERS  3
#define A_SENDER 20000

static struct mailbox mailbox;

static void set_up(void) {
  memset(&mailbox, 0xee, sizeof(mailbox));
  assert_int_equal(mailbox_init(&mailbox), 0);
}

static bool put(unsigned from, int fd) {
  struct mail mail = {.fd = fd, .from = from, .peer = {.len = (socklen_t)(from + 1)}};
  return mailbox_put(&mailbox, &mail);
}

static void mail_comes_in_order_and_whole(void **state) {
  (void)state;
  set_up();
  struct mail mail;
  assert_false(mailbox_take(&mailbox, &mail));
  for (int round = 0; round < 3; round++) { /* past the end of the ring */
    for (int fd = 0; fd < 200; fd++) {
      assert_true(put(7, fd));
      if (fd % 2 == 0) continue;
      assert_true(mailbox_take(&mailbox, &mail));
      assert_int_equal(mail.fd, fd / 2);
      assert_int_equal(mail.from, 7);
      assert_int_equal(mail.peer.len, 8);
    }
    for (int fd = 100; fd < 200; fd++) {
      assert_true(mailbox_take(&mailbox, &mail));
      assert_int_equal(mail.fd, fd);
    }
    assert_false(mailbox_take(&mailbox, &mail));
  }
  mailbox_destroy(&mailbox);
}

static void a_full_one_refuses_and_keeps_what_it_has(void **state) {
  (void)state;
  set_up();
  for (unsigned fd = 0; fd < MAILBOX_SLOTS; fd++)
    assert_true(put(0, (int)fd));
  assert_false(put(0, -1));
  struct mail mail;
  for (unsigned fd = 0; fd < MAILBOX_SLOTS; fd++) {
    assert_true(mailbox_take(&mailbox, &mail));
    assert_int_equal(mail.fd, fd);
  }
  mailbox_destroy(&mailbox);
}

static void it_closes_only_while_empty(void **state) {
  (void)state;
  set_up();
  struct mail mail;
  assert_true(put(0, 3));
  assert_false(mailbox_close(&mailbox));
  assert_true(put(0, 4)); /* nothing has changed */
  assert_true(mailbox_take(&mailbox, &mail) && mailbox_take(&mailbox, &mail));
  assert_true(mailbox_close(&mailbox));
  assert_false(put(0, 5));
  assert_true(mailbox_close(&mailbox));
  mailbox_destroy(&mailbox);
}

/* ---- senders that go on while the taker ends ---- */

static atomic_uint sent[SENDERS]; /* what the mailbox has taken over */
static atomic_bool refused_for_ever;

static void *send_all(void *self) {
  unsigned sender = (unsigned)(uintptr_t)self;
  for (int fd = 0; fd < A_SENDER; fd++) {
    while (!put(sender, fd)) {
      if (atomic_load(&refused_for_ever)) return NULL;
      sched_yield();
    }
    atomic_fetch_add(&sent[sender], 1);
  }
  return NULL;
}

/* Takes until it has `enough`, then ends as a worker does: it closes when it finds nothing. */
static void take_and_close(unsigned enough, unsigned taken[SENDERS]) {
  struct mail mail;
  for (unsigned sum = 0;;) {
    while (mailbox_take(&mailbox, &mail)) {
      assert_true(mail.from < SENDERS && mail.peer.len == mail.from + 1);
      assert_int_equal(mail.fd, taken[mail.from]); /* each sender's in its order */
      taken[mail.from]++;
      sum++;
    }
    if (sum >= enough && mailbox_close(&mailbox)) break;
  }
  atomic_store(&refused_for_ever, true);
}

static void run(unsigned enough) {
  set_up();
  atomic_store(&refused_for_ever, false);
  pthread_t threads[SENDERS];
  unsigned taken[SENDERS] = {0};
  for (uintptr_t i = 0; i < SENDERS; i++) {
    atomic_store(&sent[i], 0);
    assert_int_equal(pthread_create(&threads[i], NULL, send_all, (void *)i), 0);
  }
  take_and_close(enough, taken);
  for (unsigned i = 0; i < SENDERS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(taken[i], sent[i]);
  }
  mailbox_destroy(&mailbox);
}

static void many_senders_lose_nothing(void **state) {
  (void)state;
  run(SENDERS * A_SENDER);
}

static void what_was_taken_over_before_the_end_is_there(void **state) {
  (void)state;
  for (unsigned enough = 1; enough < 20000; enough = enough * 3 + 1)
    run(enough);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mail_comes_in_order_and_whole),
      cmocka_unit_test(a_full_one_refuses_and_keeps_what_it_has),
      cmocka_unit_test(it_closes_only_while_empty),
      cmocka_unit_test(many_senders_lose_nothing),
      cmocka_unit_test(what_was_taken_over_before_the_end_is_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
