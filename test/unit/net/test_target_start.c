/* Dialling a program that we have started ourselves (struct target_start): waited for until it listens,
 * wherever it may, and no longer than the dial's time.
 */
#include "loopback.h"

#include <sys/un.h>

#include "core/error.h"
#include "net/loop_timers.h"
#include "net/socket_dialer.h"

#define PLENTY_MS    15000u
#define SOME_TIME_MS 60u

struct fixture {
  uv_loop_t loop;
  struct poller *poller;
  struct loop_timers timers;
  struct resolver *resolver;
  struct stream_domain streams;
  struct socket_dialer dialer;
  struct dial dial;
  struct target_start start;
  uv_timer_t timer; /* the program's: it listens then, at start.places[place] */
  size_t place;
  int listener; /* the program's; -1: it does not listen */
  bool done;
  int error;
  struct transport *transport;
};

static void on_wake(void *timers) {
  loop_timers_catch_up(timers);
}

static uint16_t closed_port(void) {
  struct address address;
  close(loopback_listen(&address, 1));
  return address_port(&address);
}

static int open_fixture(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_int_equal(uv_loop_init(&f->loop), 0);
  f->poller = poller_open(&f->loop);
  assert_int_equal(loop_timers_open(&f->timers, &f->loop), 0);
  poller_on_wake(f->poller, on_wake, &f->timers);
  f->resolver = resolver_open(&f->loop);
  stream_domain_init(&f->streams, f->poller);
  socket_dialer_init(&f->dialer, &f->streams, f->resolver, &f->timers.timers);
  uv_timer_init(&f->loop, &f->timer);
  f->timer.data = f;
  f->listener = -1;
  uint16_t port = closed_port();
  assert_true(address_parse_literal("127.0.0.1", port, &f->start.places[0]));
  assert_true(address_parse_literal("::1", port, &f->start.places[1]));
  f->start.places_count = 2;
  atomic_store(&f->start.awaited, true);
  *state = f;
  return 0;
}

static void let_go(struct fixture *f) {
  if (f->transport != NULL) transport_close(f->transport);
  f->transport = NULL;
  if (f->listener >= 0) close(f->listener);
  f->listener = -1;
}

static int close_fixture(void **state) {
  struct fixture *f = *state;
  let_go(f);
  uv_close((uv_handle_t *)&f->timer, NULL);
  turn_for(&f->loop, 1);
  socket_dialer_destroy(&f->dialer);
  stream_domain_destroy(&f->streams);
  resolver_close(f->resolver);
  loop_timers_close(&f->timers);
  poller_close(f->poller);
  close_loop(&f->loop);
  free(f);
  return 0;
}

static void listen_now(uv_timer_t *timer) {
  struct fixture *f = timer->data;
  const struct address *address = &f->start.places[f->place];
  f->listener = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(f->listener, (const struct sockaddr *)&address->storage, address->len), 0);
  assert_int_equal(listen(f->listener, 8), 0);
}

static void listen_later(struct fixture *f, size_t place) {
  f->place = place;
  uv_timer_start(&f->timer, listen_now, SOME_TIME_MS, 0);
}

static void on_ready(struct transport *transport, void *owner) {
  (void)transport;
  (void)owner;
}

static void on_done(struct dial *dial, int error, struct transport *transport) {
  struct fixture *f = LIST_ENTRY(dial, struct fixture, dial);
  assert_false(f->done); /* exactly once */
  f->done = true;
  f->error = error;
  f->transport = transport;
  if (transport != NULL) transport_own(transport, on_ready, f);
}

static void begin_dial(struct fixture *f, const char *unix_path, uint64_t timeout_ms) {
  struct target target = {
      .host = "no-such-host.invalid", .port = 9, .unix_path = unix_path, .start = &f->start};
  target.origin = TARGET_FIXED;
  f->done = false;
  dialer_start(&f->dialer.dialer, &f->dial, &target, timeout_ms, on_done);
}

static void expect(struct fixture *f, int expected) {
  if (!f->done) turn_until(&f->loop, &f->done);
  if (f->error != expected) fail_msg("ended with %s, not %s", error_name(f->error), error_name(expected));
}

static void who_listens_later_is_waited_for(void **state) {
  struct fixture *f = *state;
  for (size_t place = 0; place < 2; place++) { /* IPv4, or IPv6 only */
    atomic_store(&f->start.awaited, true);
    atomic_store(&f->start.reached, false);
    listen_later(f, place);
    begin_dial(f, NULL, PLENTY_MS);
    expect(f, WSL_OK);
    assert_true(atomic_load(&f->start.reached));
    assert_false(atomic_load(&f->start.awaited));
    let_go(f);
  }
}

static void who_never_listens_has_refused_us(void **state) {
  struct fixture *f = *state;
  begin_dial(f, NULL, 2 * SOME_TIME_MS);
  expect(f, WSL_REFUSED);
  assert_true(atomic_load(&f->start.awaited));
}

static void who_has_been_reached_is_not_waited_for(void **state) {
  struct fixture *f = *state;
  listen_later(f, 0);
  begin_dial(f, NULL, PLENTY_MS);
  expect(f, WSL_OK);
  let_go(f); /* and listens no more */
  begin_dial(f, NULL, PLENTY_MS);
  expect(f, WSL_REFUSED);
}

static void but_who_is_started_again_is(void **state) {
  struct fixture *f = *state;
  f->start.comes_back = true;
  for (int run = 0; run < 2; run++) {
    listen_later(f, 0);
    begin_dial(f, NULL, PLENTY_MS);
    expect(f, WSL_OK);
    let_go(f);
  }
}

static void giving_up_on_it_ends_the_waiting(void **state) {
  struct fixture *f = *state;
  begin_dial(f, NULL, PLENTY_MS);
  turn_for(&f->loop, SOME_TIME_MS);
  assert_false(f->done);
  atomic_store(&f->start.awaited, false); /* it has ended for good */
  expect(f, WSL_REFUSED);
}

static void a_dial_that_waits_may_be_cancelled(void **state) {
  struct fixture *f = *state;
  begin_dial(f, NULL, PLENTY_MS);
  turn_for(&f->loop, SOME_TIME_MS);
  dial_cancel(&f->dial);
  turn_for(&f->loop, SOME_TIME_MS);
  assert_false(f->done);
}

static void a_unix_socket_is_waited_for(void **state) {
  struct fixture *f = *state;
  char path[64] = "/tmp/wsluice-start-XXXXXX";
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  assert_non_null(mkdtemp(path));
  snprintf(un.sun_path, sizeof un.sun_path, "%s/s", path);
  begin_dial(f, un.sun_path, PLENTY_MS);
  turn_for(&f->loop, SOME_TIME_MS);
  assert_false(f->done);
  f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(f->listener, (struct sockaddr *)&un, sizeof un), 0);
  assert_int_equal(listen(f->listener, 8), 0);
  expect(f, WSL_OK);
  assert_int_equal(unlink(un.sun_path), 0);
  assert_int_equal(rmdir(path), 0);
}

#define START_TEST(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void) {
  const struct CMUnitTest tests[] = {
      START_TEST(who_listens_later_is_waited_for),
      START_TEST(who_never_listens_has_refused_us),
      START_TEST(who_has_been_reached_is_not_waited_for),
      START_TEST(but_who_is_started_again_is),
      START_TEST(giving_up_on_it_ends_the_waiting),
      START_TEST(a_dial_that_waits_may_be_cancelled),
      START_TEST(a_unix_socket_is_waited_for),
  };
  return cmocka_run_group_tests_name("net/target_start", tests, NULL, NULL);
}
