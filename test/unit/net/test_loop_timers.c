/* Timers on a real loop: they fire, they move, and arming them from an event counts from now. */
#include "loopback.h"

#include "net/loop_timers.h"

struct alarm {
  struct timer timer;
  bool fired;
};

static void on_alarm(struct timer *timer) {
  ((struct alarm *)(void *)timer)->fired = true;
}

struct room {
  uv_loop_t loop;
  struct loop_timers timers;
};

static int open_room(void **state) {
  struct room *room = calloc(1, sizeof *room);
  assert_int_equal(uv_loop_init(&room->loop), 0);
  assert_int_equal(loop_timers_open(&room->timers, &room->loop), 0);
  *state = room;
  return 0;
}

static int close_room(void **state) {
  struct room *room = *state;
  loop_timers_close(&room->timers);
  close_loop(&room->loop);
  free(room);
  return 0;
}

static void arm(struct room *room, struct alarm *alarm, uint64_t after_ms) {
  timer_arm(&room->timers.timers, &alarm->timer, room->timers.timers.now_ms + after_ms);
}

static struct alarm fresh(void) {
  struct alarm alarm = {.fired = false};
  timer_init(&alarm.timer, on_alarm);
  return alarm;
}

static void timers_fire_in_order(void **state) {
  struct room *room = *state;
  struct alarm late = fresh(), soon = fresh(), off = fresh();
  arm(room, &late, 60);
  arm(room, &soon, 20);
  arm(room, &off, 10);
  timer_disarm(&room->timers.timers, &off.timer);
  turn_until(&room->loop, &soon.fired);
  turn_until(&room->loop, &late.fired);
  assert_false(off.fired);
}

static void an_earlier_timer_moves_the_wake_up(void **state) {
  struct room *room = *state;
  struct alarm late = fresh(), soon = fresh();
  arm(room, &late, 3600 * 1000);
  turn_for(&room->loop, 5);
  arm(room, &soon, 10);
  turn_until(&room->loop, &soon.fired); /* hangs when the handle still stands at an hour */
  assert_false(late.fired);
  timer_disarm(&room->timers.timers, &late.timer);
  turn_for(&room->loop, 5);
  assert_false(uv_is_active((uv_handle_t *)&room->timers.handle));
}

static void an_overdue_timer_fires_at_once(void **state) {
  struct room *room = *state;
  struct alarm alarm = fresh();
  timer_arm(&room->timers.timers, &alarm.timer, 0);
  turn_until(&room->loop, &alarm.fired);
}

struct ticker {
  struct alarm alarm;
  struct room *room;
  int left;
  bool over;
};

static void on_tick(struct timer *timer) {
  struct ticker *ticker = (struct ticker *)(void *)timer;
  if (--ticker->left == 0)
    ticker->over = true;
  else
    timer_arm(&ticker->room->timers.timers, timer, 0); /* overdue: the next run, not this one */
}

static void a_timer_that_arms_itself_for_the_past_goes_on(void **state) {
  struct ticker ticker = {.room = *state, .left = 5};
  timer_init(&ticker.alarm.timer, on_tick);
  timer_arm(&ticker.room->timers.timers, &ticker.alarm.timer, 0);
  turn_until(&ticker.room->loop, &ticker.over);
}

struct sleeper {
  struct room *room;
  struct alarm alarm;
  uint64_t armed_at_ms, clock_ms;
};

/* An I/O callback right behind a sleep (an async stands for any). */
static void on_wake_up(uv_async_t *async) {
  struct sleeper *sleeper = async->data;
  loop_timers_catch_up(&sleeper->room->timers);
  sleeper->armed_at_ms = uv_now(&sleeper->room->loop);
  sleeper->clock_ms = sleeper->room->timers.timers.now_ms;
  sleeper->alarm.fired = true;
}

static void send_later(void *arg) {
  uv_sleep(60);
  uv_async_send(arg);
}

static void the_clock_can_be_brought_up_after_a_sleep(void **state) {
  struct sleeper sleeper = {.room = *state};
  uv_async_t async;
  uv_thread_t thread;
  assert_int_equal(uv_async_init(&sleeper.room->loop, &async, on_wake_up), 0);
  async.data = &sleeper;
  assert_int_equal(uv_thread_create(&thread, send_later, &async), 0);
  turn_until(&sleeper.room->loop, &sleeper.alarm.fired);
  uv_thread_join(&thread);
  assert_int_equal(sleeper.clock_ms, sleeper.armed_at_ms);
  uv_close((uv_handle_t *)&async, NULL);
  turn_for(&sleeper.room->loop, 1);
}

static void timers_do_not_keep_the_loop(void **state) {
  struct room *room = *state;
  struct alarm alarm = fresh();
  arm(room, &alarm, 3600 * 1000);
  assert_int_equal(uv_run(&room->loop, UV_RUN_DEFAULT), 0);
  assert_false(alarm.fired);
  timer_disarm(&room->timers.timers, &alarm.timer);
}

#define ROOM_TEST(test) cmocka_unit_test_setup_teardown(test, open_room, close_room)

int main(void) {
  const struct CMUnitTest tests[] = {
      ROOM_TEST(timers_fire_in_order),
      ROOM_TEST(an_earlier_timer_moves_the_wake_up),
      ROOM_TEST(an_overdue_timer_fires_at_once),
      ROOM_TEST(a_timer_that_arms_itself_for_the_past_goes_on),
      ROOM_TEST(the_clock_can_be_brought_up_after_a_sleep),
      ROOM_TEST(timers_do_not_keep_the_loop),
  };
  return cmocka_run_group_tests_name("net/loop_timers", tests, NULL, NULL);
}
