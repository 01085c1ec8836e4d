/* The poller: edges are remembered by nobody but the watch, a watch that is gone is never called,
 * memory lives until the batch has ended, and a quiet loop stays quiet.
 */
#include "loopback.h"

#include "net/poller.h"
#include "net/transport.h"

struct probe {
  struct poller_watch watch;
  struct poller_garbage garbage;
  unsigned seen; /* all bits so far */
  int calls;
  int again_calls;
  struct probe *victim; /* removed in this one's callback */
  int rejoin_fd;        /* descriptor for which the victim is registered anew, or -1 */
  int again_left;       /* turns still to ask for */
  bool called;
  bool released;
};

struct room {
  uv_loop_t loop;
  struct poller *poller;
};

static int open_room(void **state) {
  struct room *room = calloc(1, sizeof *room);
  assert_int_equal(uv_loop_init(&room->loop), 0);
  room->poller = poller_open(&room->loop);
  assert_non_null(room->poller);
  *state = room;
  return 0;
}

static int close_room(void **state) {
  struct room *room = *state;
  poller_close(room->poller);
  close_loop(&room->loop);
  free(room);
  return 0;
}

static void on_probe(struct poller_watch *watch, unsigned events) {
  struct probe *probe = LIST_ENTRY(watch, struct probe, watch);
  assert_false(probe->released);
  probe->called = true;
  probe->calls++;
  probe->seen |= events;
  if (events == 0) probe->again_calls++;
  if (probe->again_left > 0) {
    probe->again_left--;
    poller_again(watch);
  }
  struct probe *victim = probe->victim;
  if (victim == NULL || victim->watch.fd < 0) return;
  probe->victim = NULL;
  victim->victim = NULL; /* only the first of the batch strikes */
  struct poller *poller = victim->watch.poller;
  poller_remove(&victim->watch);
  if (victim->rejoin_fd >= 0)
    assert_int_equal(poller_add(poller, &victim->watch, victim->rejoin_fd, on_probe), 0);
}

static void release_probe(struct poller_garbage *garbage) {
  LIST_ENTRY(garbage, struct probe, garbage)->released = true;
}

static void join(struct room *room, struct probe *probe, int fd) {
  *probe = (struct probe){.rejoin_fd = -1};
  assert_int_equal(poller_add(room->poller, &probe->watch, fd, on_probe), 0);
}

/* Takes in what a fresh descriptor reports (writable), so that later calls are something new. */
static void settle(struct room *room, struct probe *probe) {
  turn_until(&room->loop, &probe->called);
  turn_for(&room->loop, 10);
  probe->called = false;
  probe->calls = 0;
  probe->seen = 0;
}

static void state_at_registration_is_reported(void **state) {
  struct room *room = *state;
  int ends[2];
  tcp_pair(ends);
  send_all(ends[1], "x", 1);
  shutdown(ends[1], SHUT_WR);
  struct probe probe;
  join(room, &probe, ends[0]);
  turn_until(&room->loop, &probe.called);
  turn_for(&room->loop, 10);
  assert_int_equal(probe.seen, TRANSPORT_READABLE | TRANSPORT_WRITABLE | TRANSPORT_ENDING);
  poller_remove(&probe.watch);
  close(ends[0]);
  close(ends[1]);
}

static void unread_bytes_are_told_once(void **state) {
  struct room *room = *state;
  int ends[2];
  tcp_pair(ends);
  struct probe probe;
  join(room, &probe, ends[0]);
  settle(room, &probe);

  send_all(ends[1], "x", 1);
  turn_until(&room->loop, &probe.called);
  assert_true(probe.seen & TRANSPORT_READABLE);
  int calls = probe.calls;
  turn_for(&room->loop, 50); /* the byte lies unread: a level would call without end */
  assert_int_equal(probe.calls, calls);

  poller_remove(&probe.watch);
  close(ends[0]);
  close(ends[1]);
}

static void reset_is_seen_while_nothing_is_read(void **state) {
  struct room *room = *state;
  int ends[2];
  tcp_pair(ends);
  struct probe probe;
  join(room, &probe, ends[0]);
  settle(room, &probe);
  send_all(ends[1], "unread", 6);
  close_with_reset(ends[1]);
  while (!(probe.seen & TRANSPORT_FAILED)) {
    probe.called = false;
    turn_until(&room->loop, &probe.called);
  }
  assert_true(probe.seen & TRANSPORT_READABLE);
  int calls = probe.calls;
  turn_for(&room->loop, 50);
  assert_true(probe.calls <= calls + 1);
  poller_remove(&probe.watch);
  close(ends[0]);
}

static void urgent_data_is_marked(void **state) {
  struct room *room = *state;
  int ends[2];
  tcp_pair(ends);
  struct probe probe;
  join(room, &probe, ends[0]);
  settle(room, &probe);
  assert_int_equal(send(ends[1], "!", 1, MSG_OOB), 1);
  turn_until(&room->loop, &probe.called);
  turn_for(&room->loop, 10);
  assert_true(probe.seen & POLLER_URGENT);
  poller_remove(&probe.watch);
  close(ends[0]);
  close(ends[1]);
}

/* Both have an event in the same batch; whichever comes first removes the other. */
static void a_watch_removed_in_the_batch_is_not_called(void **state) {
  struct room *room = *state;
  int one[2], two[2];
  tcp_pair(one);
  tcp_pair(two);
  struct probe a, b;
  join(room, &a, one[0]);
  join(room, &b, two[0]);
  settle(room, &a);
  settle(room, &b);
  a.calls = b.calls = 0;
  a.called = b.called = false;
  a.victim = &b;
  b.victim = &a;
  send_all(one[1], "x", 1);
  send_all(two[1], "x", 1);
  turn_for(&room->loop, 20);
  assert_int_equal(a.calls + b.calls, 1);
  poller_remove(&a.watch);
  poller_remove(&b.watch);
  for (int i = 0; i < 2; i++)
    close(one[i]), close(two[i]);
}

/* The hole that a mere "fd is -1" leaves: removed and registered again by an earlier event of the
 * batch, the watch must not get the old descriptor's events (here: its end) for the new one. */
static void a_watch_that_changed_its_descriptor_gets_no_old_event(void **state) {
  struct room *room = *state;
  int one[2], two[2], fresh[2][2];
  tcp_pair(one);
  tcp_pair(two);
  tcp_pair(fresh[0]);
  tcp_pair(fresh[1]);
  struct probe a, b;
  join(room, &a, one[0]);
  join(room, &b, two[0]);
  settle(room, &a);
  settle(room, &b);
  a.seen = b.seen = 0;
  a.victim = &b;
  b.victim = &a;
  a.rejoin_fd = fresh[0][0];
  b.rejoin_fd = fresh[1][0];
  shutdown(one[1], SHUT_WR);
  shutdown(two[1], SHUT_WR);
  turn_for(&room->loop, 20);
  struct probe *moved = a.watch.fd == fresh[0][0] ? &a : &b;
  assert_int_equal(moved->watch.fd, moved == &a ? fresh[0][0] : fresh[1][0]);
  assert_int_equal(moved->seen, TRANSPORT_WRITABLE);
  poller_remove(&a.watch);
  poller_remove(&b.watch);
  for (int i = 0; i < 2; i++)
    close(one[i]), close(two[i]), close(fresh[0][i]), close(fresh[1][i]);
}

static void again_comes_once_and_the_next_turn(void **state) {
  struct room *room = *state;
  int ends[2];
  tcp_pair(ends);
  struct probe probe;
  join(room, &probe, ends[0]);
  settle(room, &probe);
  poller_again(&probe.watch);
  poller_again(&probe.watch);
  assert_int_equal(probe.calls, 0); /* never from inside the call */
  turn_for(&room->loop, 20);
  assert_int_equal(probe.calls, 1);
  assert_int_equal(probe.again_calls, 1);
  poller_remove(&probe.watch);
  close(ends[0]);
  close(ends[1]);
}

static void again_from_the_ready_list_waits_for_another_turn(void **state) {
  struct room *room = *state;
  int ends[2];
  tcp_pair(ends);
  struct probe probe;
  join(room, &probe, ends[0]);
  settle(room, &probe);
  probe.again_left = 3;
  poller_again(&probe.watch);
  for (int turn = 1; turn <= 4; turn++) {
    uv_run(&room->loop, UV_RUN_ONCE); /* does not sleep: somebody waits */
    assert_int_equal(probe.again_calls, turn);
  }
  poller_remove(&probe.watch);
  close(ends[0]);
  close(ends[1]);
}

static void a_removed_watch_is_forgotten_by_the_ready_list(void **state) {
  struct room *room = *state;
  int one[2], two[2];
  tcp_pair(one);
  tcp_pair(two);
  struct probe a, b;
  join(room, &a, one[0]);
  join(room, &b, two[0]);
  settle(room, &a);
  settle(room, &b);
  a.calls = b.calls = 0;
  a.victim = &b; /* listed before b, removes it while the list is served */
  poller_again(&a.watch);
  poller_again(&b.watch);
  turn_for(&room->loop, 20);
  assert_int_equal(a.calls, 1);
  assert_int_equal(b.calls, 0);
  poller_remove(&a.watch);
  poller_remove(&b.watch); /* harmless twice */
  for (int i = 0; i < 2; i++)
    close(one[i]), close(two[i]);
}

static void garbage_goes_without_any_event(void **state) {
  struct room *room = *state;
  struct probe probe = {.released = false};
  poller_release(room->poller, &probe.garbage, release_probe);
  assert_false(probe.released);
  turn_until(&room->loop, &probe.released);
}

static void garbage_goes_with_the_poller(void **state) {
  (void)state;
  uv_loop_t loop;
  assert_int_equal(uv_loop_init(&loop), 0);
  struct poller *poller = poller_open(&loop);
  struct probe probe = {.released = false};
  poller_close(poller);
  poller_release(poller, &probe.garbage, release_probe);
  close_loop(&loop);
  assert_true(probe.released);
}

struct turn_count {
  uv_prepare_t prepare;
  int turns;
};

static void on_turn(uv_prepare_t *prepare) {
  ((struct turn_count *)prepare->data)->turns++;
}

/* Open watches, one with unread bytes, one at its end, one reset; garbage and turns asked for before:
 * then the loop has to sleep. */
static void a_quiet_loop_does_not_turn(void **state) {
  struct room *room = *state;
  int ends[3][2];
  struct probe probes[3], waste = {.released = false};
  for (int i = 0; i < 3; i++) {
    tcp_pair(ends[i]);
    join(room, &probes[i], ends[i][0]);
  }
  send_all(ends[0][1], "unread", 6);
  shutdown(ends[1][1], SHUT_WR);
  close_with_reset(ends[2][1]);
  poller_again(&probes[0].watch);
  poller_release(room->poller, &waste.garbage, release_probe);
  turn_for(&room->loop, 50);

  struct turn_count count = {.turns = 0};
  uv_prepare_init(&room->loop, &count.prepare);
  count.prepare.data = &count;
  uv_prepare_start(&count.prepare, on_turn);
  turn_for(&room->loop, 100);
  assert_true(count.turns <= 4); /* the timer's own */
  uv_close((uv_handle_t *)&count.prepare, NULL);
  turn_for(&room->loop, 1);
  for (int i = 0; i < 3; i++) {
    poller_remove(&probes[i].watch);
    close(ends[i][0]);
    if (i < 2) close(ends[i][1]);
  }
}

static void count_wake(void *arg) {
  ++*(int *)arg;
}

static void the_clock_is_moved_before_events(void **state) {
  struct room *room = *state;
  int wakes = 0;
  poller_on_wake(room->poller, count_wake, &wakes);
  int ends[2];
  tcp_pair(ends);
  struct probe probe;
  join(room, &probe, ends[0]);
  turn_until(&room->loop, &probe.called);
  assert_true(wakes >= 1);
  int before = wakes;
  poller_again(&probe.watch);
  turn_for(&room->loop, 10);
  assert_true(wakes > before);
  poller_remove(&probe.watch);
  close(ends[0]);
  close(ends[1]);
}

static void a_closed_descriptor_is_an_error(void **state) {
  struct room *room = *state;
  struct probe probe = {.rejoin_fd = -1};
  int ends[2];
  tcp_pair(ends);
  close(ends[0]);
  close(ends[1]);
  assert_true(poller_add(room->poller, &probe.watch, ends[0], on_probe) < 0);
  poller_remove(&probe.watch); /* harmless */
}

#define MORE_THAN_A_BATCH 300

static void more_events_than_a_batch_all_arrive(void **state) {
  struct room *room = *state;
  static struct probe probes[MORE_THAN_A_BATCH];
  static int ends[MORE_THAN_A_BATCH][2];
  for (int i = 0; i < MORE_THAN_A_BATCH; i++) {
    unix_pair(ends[i]);
    join(room, &probes[i], ends[i][0]);
  }
  turn_for(&room->loop, 20);
  for (int i = 0; i < MORE_THAN_A_BATCH; i++)
    send_all(ends[i][1], "x", 1);
  turn_for(&room->loop, 20);
  for (int i = 0; i < MORE_THAN_A_BATCH; i++) {
    assert_true(probes[i].seen & TRANSPORT_READABLE);
    poller_remove(&probes[i].watch);
    close(ends[i][0]);
    close(ends[i][1]);
  }
}

#define ROOM_TEST(test) cmocka_unit_test_setup_teardown(test, open_room, close_room)

int main(void) {
  const struct CMUnitTest tests[] = {
      ROOM_TEST(state_at_registration_is_reported),
      ROOM_TEST(unread_bytes_are_told_once),
      ROOM_TEST(reset_is_seen_while_nothing_is_read),
      ROOM_TEST(urgent_data_is_marked),
      ROOM_TEST(a_watch_removed_in_the_batch_is_not_called),
      ROOM_TEST(a_watch_that_changed_its_descriptor_gets_no_old_event),
      ROOM_TEST(again_comes_once_and_the_next_turn),
      ROOM_TEST(again_from_the_ready_list_waits_for_another_turn),
      ROOM_TEST(a_removed_watch_is_forgotten_by_the_ready_list),
      ROOM_TEST(garbage_goes_without_any_event),
      cmocka_unit_test(garbage_goes_with_the_poller),
      ROOM_TEST(a_quiet_loop_does_not_turn),
      ROOM_TEST(the_clock_is_moved_before_events),
      ROOM_TEST(a_closed_descriptor_is_an_error),
      ROOM_TEST(more_events_than_a_batch_all_arrive),
  };
  return cmocka_run_group_tests_name("net/poller", tests, NULL, NULL);
}
