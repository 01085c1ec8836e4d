/* The poller that sleeps for its loop (poller_drive): watches, libuv's own events, its timers and what it is
 * told to watch all come, nobody starves anybody, and with nothing to do it sleeps.
 */
#include "loopback.h"

#include "net/poller.h"
#include "net/transport.h"

struct room {
  uv_loop_t loop;
  struct poller *poller;
  uv_timer_t hang, pause;
  uv_work_t work;
  uv_async_t async;
  void (*on_async)(struct room *room);
  int sleeps;
  int ends[2]; /* [0] is the watch's */
  struct poller_watch watch;
  void (*on_watch)(struct room *room, unsigned events);
  int watch_calls;
  uv_poll_t extra; /* what libuv is told to watch on the way: a pipe with a byte in it */
  int pipe[2];
  struct poller_garbage garbage;
  bool released;
};

static struct room *room_of(uv_handle_t *handle) {
  return handle->loop->data;
}

static void note_sleep(void *arg) {
  ((struct room *)arg)->sleeps++;
}

static void on_async(uv_async_t *async) {
  struct room *room = room_of((uv_handle_t *)async);
  if (room->on_async != NULL) room->on_async(room);
}

static void on_watch(struct poller_watch *watch, unsigned events) {
  struct room *room = LIST_ENTRY(watch, struct room, watch);
  room->watch_calls++;
  if (room->on_watch != NULL) room->on_watch(room, events);
}

static int open_room(void **state) {
  struct room *room = calloc(1, sizeof *room);
  assert_int_equal(uv_loop_init(&room->loop), 0);
  room->loop.data = room;
  room->poller = poller_open(&room->loop);
  assert_non_null(room->poller);
  uv_timer_init(&room->loop, &room->hang);
  uv_timer_start(&room->hang, on_hang, HANG_MS, 0);
  uv_timer_init(&room->loop, &room->pause);
  uv_async_init(&room->loop, &room->async, on_async);
  tcp_pair(room->ends);
  assert_int_equal(poller_add(room->poller, &room->watch, room->ends[0], on_watch), 0);
  assert_int_equal(pipe2(room->pipe, O_NONBLOCK | O_CLOEXEC), 0);
  assert_int_equal(write(room->pipe[1], "x", 1), 1);
  uv_poll_init(&room->loop, &room->extra, room->pipe[0]);
  poller_drive(room->poller, note_sleep, room);
  *state = room;
  return 0;
}

static int close_room(void **state) {
  struct room *room = *state;
  poller_remove(&room->watch);
  poller_close(room->poller);
  uv_close((uv_handle_t *)&room->extra, NULL);
  uv_close((uv_handle_t *)&room->async, NULL);
  uv_close((uv_handle_t *)&room->pause, NULL);
  uv_close((uv_handle_t *)&room->hang, NULL);
  close_loop(&room->loop);
  for (int i = 0; i < 2; i++)
    close(room->ends[i]), close(room->pipe[i]);
  free(room);
  return 0;
}

static void run(struct room *room) {
  (void)uv_run(&room->loop, UV_RUN_DEFAULT); /* until somebody stops it */
}

static void stop(struct room *room) {
  uv_stop(&room->loop);
}

static void stop_when_readable(struct room *room, unsigned events) {
  if (events & TRANSPORT_READABLE) stop(room);
}

static void a_watch_hears_of_its_descriptor(void **state) {
  struct room *room = *state;
  room->on_watch = stop_when_readable;
  send_all(room->ends[1], "x", 1);
  run(room);
  assert_true(room->watch_calls > 0);
}

static void send_later(uv_work_t *work) {
  struct room *room = work->data;
  send_all(room->ends[1], "x", 1);
}

/* The pool's threads come back through libuv. */
static void a_watch_hears_of_what_comes_while_it_sleeps(void **state) {
  struct room *room = *state;
  room->on_watch = stop_when_readable;
  room->work.data = room;
  assert_int_equal(uv_queue_work(&room->loop, &room->work, send_later, NULL), 0);
  run(room);
  assert_true(room->watch_calls > 0);
}

static void on_extra(uv_poll_t *poll, int status, int events) {
  (void)events;
  assert_int_equal(status, 0);
  uv_poll_stop(poll);
  stop(room_of((uv_handle_t *)poll));
}

static void watch_extra(struct room *room) {
  uv_poll_start(&room->extra, UV_READABLE, on_extra);
}

static void what_libuv_was_told_to_watch_before_is_watched(void **state) {
  struct room *room = *state;
  watch_extra(room);
  run(room);
}

static void what_its_callbacks_tell_it_to_watch_is_watched(void **state) {
  struct room *room = *state;
  room->on_async = watch_extra;
  uv_async_send(&room->async);
  run(room);
}

static void watch_extra_at_once(struct room *room, unsigned events) {
  (void)events;
  room->on_watch = NULL;
  watch_extra(room);
}

static void what_a_watch_tells_it_to_watch_is_watched(void **state) {
  struct room *room = *state;
  room->on_watch = watch_extra_at_once;
  run(room);
  assert_true(room->watch_calls > 0);
}

static void on_timer_stop(uv_timer_t *timer) {
  stop(room_of((uv_handle_t *)timer));
}

static void turn_for_a_while(struct room *room, uint64_t ms) {
  uv_update_time(&room->loop);
  uv_timer_start(&room->pause, on_timer_stop, ms, 0);
  run(room);
  assert_false(uv_is_active((uv_handle_t *)&room->pause));
}

static void with_nothing_to_do_it_sleeps(void **state) {
  struct room *room = *state;
  send_all(room->ends[1], "unread", 6);
  turn_for_a_while(room, 10);
  room->sleeps = room->watch_calls = 0;
  turn_for_a_while(room, 100);
  assert_int_equal(room->watch_calls, 0);
  assert_in_range(room->sleeps, 1, 12); /* before the timer, when it is due, and behind it */
}

static void again_for_ever(struct room *room, unsigned events) {
  (void)events;
  poller_again(&room->watch);
  if (room->watch_calls == 10) uv_async_send(&room->async);
}

static void who_asks_for_turn_after_turn_starves_no_timer(void **state) {
  struct room *room = *state;
  room->on_watch = again_for_ever;
  turn_for_a_while(room, 20);
  assert_true(room->watch_calls > 2);
  room->on_watch = NULL;
}

static void who_asks_for_turn_after_turn_starves_no_event_of_libuv(void **state) {
  struct room *room = *state;
  room->on_watch = again_for_ever;
  room->on_async = stop;
  run(room);
  assert_true(room->watch_calls >= 10);
  room->on_watch = NULL;
}

static void release(struct poller_garbage *garbage) {
  LIST_ENTRY(garbage, struct room, garbage)->released = true;
}

static void give_up_memory(struct room *room, unsigned events) {
  (void)events;
  room->on_watch = NULL;
  poller_release(room->poller, &room->garbage, release);
  assert_false(room->released); /* an event of this batch may name it */
}

static void garbage_goes_behind_the_batch(void **state) {
  struct room *room = *state;
  room->on_watch = give_up_memory;
  turn_for_a_while(room, 10);
  assert_true(room->released);
}

#define ROOM_TEST(test) cmocka_unit_test_setup_teardown(test, open_room, close_room)

int main(void) {
  const struct CMUnitTest tests[] = {
      ROOM_TEST(a_watch_hears_of_its_descriptor),
      ROOM_TEST(a_watch_hears_of_what_comes_while_it_sleeps),
      ROOM_TEST(what_libuv_was_told_to_watch_before_is_watched),
      ROOM_TEST(what_its_callbacks_tell_it_to_watch_is_watched),
      ROOM_TEST(what_a_watch_tells_it_to_watch_is_watched),
      ROOM_TEST(with_nothing_to_do_it_sleeps),
      ROOM_TEST(who_asks_for_turn_after_turn_starves_no_timer),
      ROOM_TEST(who_asks_for_turn_after_turn_starves_no_event_of_libuv),
      ROOM_TEST(garbage_goes_behind_the_batch),
  };
  return cmocka_run_group_tests_name("poller_drive", tests, NULL, NULL);
}
