/* Keepalive for connections that last, on a clock of the test's: who gets it when, and that nobody who has
 * gone is touched.
 */
#include "loopback.h"

#include <netinet/tcp.h>

#include "net/keepalive.h"

#define START_MS 100000u
#define MANY     1000

struct fixture {
  struct timers timers;
  struct keepalive keepalive;
};

static const struct socket_tuning tuning = {
    .keepalive_idle_s = 31, .keepalive_interval_s = 7, .keepalive_probes = 3};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  timers_init(&f->timers, START_MS);
  keepalive_init(&f->keepalive, &f->timers, &tuning);
  *state = f;
  return 0;
}

/* The loop's timers assert that none is armed when they are closed. */
static int teardown(void **state) {
  struct fixture *f = *state;
  assert_int_equal(timers_next_ms(&f->timers), -1);
  free(f);
  return 0;
}

static int new_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  return fd;
}

static int option_of(int fd, int level, int name) {
  int value = -1;
  socklen_t len = sizeof value;
  assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
  return value;
}

static bool is_on(int fd) {
  return option_of(fd, SOL_SOCKET, SO_KEEPALIVE) != 0;
}

/* Passes time in steps of 100 ms, as a loop does that is woken now and then. */
static void pass(struct fixture *f, uint64_t ms) {
  for (uint64_t end = f->timers.now_ms + ms; f->timers.now_ms < end;)
    timers_run(&f->timers, f->timers.now_ms + 100);
}

static void end(struct fixture *f, struct keepalive_watch *watch) {
  keepalive_end(&f->keepalive, watch);
  close(watch->fd);
}

static void it_comes_between_once_and_twice_the_age(void **state) {
  struct fixture *f = *state;
  struct keepalive_watch first, second;
  keepalive_begin(&f->keepalive, &first, new_socket());
  pass(f, KEEPALIVE_AGE_MS - 1000);
  keepalive_begin(&f->keepalive, &second, new_socket());
  pass(f, 900);
  assert_false(is_on(first.fd));
  pass(f, KEEPALIVE_AGE_MS + 200); /* 10.1 s and 6.1 s old */
  assert_true(is_on(first.fd));
  assert_true(is_on(second.fd));
  assert_int_equal(option_of(first.fd, IPPROTO_TCP, TCP_KEEPIDLE), 31);
  assert_int_equal(option_of(first.fd, IPPROTO_TCP, TCP_KEEPINTVL), 7);
  assert_int_equal(option_of(first.fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
  end(f, &first);
  end(f, &second);
  keepalive_end(&f->keepalive, &second); /* harmless */
}

static void the_next_wave_waits_its_own_time(void **state) {
  struct fixture *f = *state;
  struct keepalive_watch first, late;
  keepalive_begin(&f->keepalive, &first, new_socket());
  pass(f, KEEPALIVE_AGE_MS + 1000);
  keepalive_begin(&f->keepalive, &late, new_socket());
  pass(f, KEEPALIVE_AGE_MS);
  assert_true(is_on(first.fd));
  assert_false(is_on(late.fd)); /* 5 s */
  pass(f, KEEPALIVE_AGE_MS);
  assert_true(is_on(late.fd));
  end(f, &first);
  end(f, &late);
}

/* A descriptor's number may be another's already. */
static void who_has_gone_is_not_touched(void **state) {
  struct fixture *f = *state;
  struct keepalive_watch gone, stays;
  keepalive_begin(&f->keepalive, &gone, new_socket());
  keepalive_begin(&f->keepalive, &stays, new_socket());
  pass(f, KEEPALIVE_AGE_MS + 100); /* both are due in the next round */
  int reused = gone.fd;
  end(f, &gone);
  assert_int_equal(new_socket(), reused);
  pass(f, 2 * KEEPALIVE_AGE_MS);
  assert_false(is_on(reused));
  assert_true(is_on(stays.fd));
  close(reused);
  end(f, &stays);
}

/* Many at once are served over several turns, every one of them. */
static void many_get_it_bit_by_bit(void **state) {
  struct fixture *f = *state;
  static struct keepalive_watch watches[MANY];
  for (int i = 0; i < MANY; i++)
    keepalive_begin(&f->keepalive, &watches[i], new_socket());
  pass(f, KEEPALIVE_AGE_MS + 100);
  timers_run(&f->timers, f->timers.now_ms + KEEPALIVE_AGE_MS);
  int on = 0;
  for (int i = 0; i < MANY; i++)
    on += is_on(watches[i].fd);
  assert_true(on > 0 && on < MANY);
  pass(f, 1000);
  for (int i = 0; i < MANY; i++) {
    assert_true(is_on(watches[i].fd));
    end(f, &watches[i]);
  }
}

static void it_may_be_off_or_set_at_birth(void **state) {
  struct fixture *f = *state;
  const struct socket_tuning off = {.keepalive_idle_s = 0}, early = {.keepalive_idle_s = 9};
  const struct socket_tuning *rows[] = {&off, &early};
  for (int i = 0; i < 2; i++) {
    struct keepalive_watch watch;
    keepalive_init(&f->keepalive, &f->timers, rows[i]);
    keepalive_begin(&f->keepalive, &watch, new_socket());
    pass(f, 3 * KEEPALIVE_AGE_MS);
    assert_false(is_on(watch.fd));
    end(f, &watch);
  }
}

#define KEEPALIVE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      KEEPALIVE_TEST(it_comes_between_once_and_twice_the_age),
      KEEPALIVE_TEST(the_next_wave_waits_its_own_time),
      KEEPALIVE_TEST(who_has_gone_is_not_touched),
      KEEPALIVE_TEST(many_get_it_bit_by_bit),
      KEEPALIVE_TEST(it_may_be_off_or_set_at_birth),
  };
  return cmocka_run_group_tests_name("net/keepalive", tests, NULL, NULL);
}
