/* The dialer over real sockets: every outcome once, in time, and nothing left behind when it is given
 * up. The name "listed" has the addresses that a test puts in, so that second addresses need no DNS, and
 * "failing" fails after a while that the loop sleeps through, as with a name server: the dialer is compiled
 * in here with a resolver_ask() of the test's own before the real one.
 */
#include "loopback.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/error.h"
#include "net/loop_timers.h"
#include "net/resolver.h"

/* Addresses of the name "listed". */
static struct address listed[RESOLVER_ADDRESSES_MAX];
static size_t listed_count;

#define FAILING_US 50000u

/* Asked for "failing". A thread, since its answer wakes the loop from its sleep, as a name server's does; a
 * timer of the loop would only fire behind that. */
static struct {
  uv_loop_t *loop;
  uv_work_t work;
} name_server;

static void take_time(uv_work_t *work) {
  (void)work;
  usleep(FAILING_US);
}

static void fail_to_answer(uv_work_t *work, int status) {
  assert_int_equal(status, 0);
  struct resolver_query *query = work->data;
  query->done(query, WSL_NAME_FAILED, NULL, 0);
}

static void ask_made_up(struct resolver *resolver, struct resolver_query *query, const char *host,
                        uint16_t port, resolver_fn done) {
  bool failing = strcmp(host, "failing") == 0;
  if (!failing && strcmp(host, "listed") != 0) {
    resolver_ask(resolver, query, host, port, done);
    return;
  }
  *query = (struct resolver_query){.done = done, .port = port};
  if (failing) {
    name_server.work.data = query;
    assert_int_equal(uv_queue_work(name_server.loop, &name_server.work, take_time, fail_to_answer), 0);
  } else {
    done(query, 0, listed, listed_count);
  }
}

#define resolver_ask ask_made_up
#include "net/socket_dialer.c"
#undef resolver_ask

struct fixture {
  uv_loop_t loop;
  struct poller *poller;
  struct loop_timers timers;
  struct resolver *resolver;
  struct stream_domain streams;
  struct socket_dialer dialer;
  struct dial dial;
  bool starting; /* inside dialer_start() */
  bool done;
  int error;
  struct transport *transport;
  bool readable;
};

static void on_wake(void *arg) {
  loop_timers_catch_up(arg);
}

static int open_fixture(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_int_equal(uv_loop_init(&f->loop), 0);
  f->poller = poller_open(&f->loop);
  assert_non_null(f->poller);
  assert_int_equal(loop_timers_open(&f->timers, &f->loop), 0);
  poller_on_wake(f->poller, on_wake, &f->timers);
  f->resolver = resolver_open(&f->loop);
  assert_non_null(f->resolver);
  stream_domain_init(&f->streams, f->poller);
  socket_dialer_init(&f->dialer, &f->streams, f->resolver, &f->timers.timers);
  *state = f;
  return 0;
}

static int close_fixture(void **state) {
  struct fixture *f = *state;
  if (f->transport != NULL) transport_close(f->transport);
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

static void on_ready(struct transport *transport, void *owner) {
  struct fixture *f = owner;
  f->readable = transport_readable(transport);
}

static void on_done(struct dial *dial, int error, struct transport *transport) {
  struct fixture *f = LIST_ENTRY(dial, struct fixture, dial);
  assert_false(f->done); /* exactly once */
  assert_null(dial->attempt);
  assert_true((error == WSL_OK) == (transport != NULL));
  /* What the callback arms counts from now, not from before the loop slept. */
  if (!f->starting) assert_int_equal(f->timers.timers.now_ms, uv_now(&f->loop));
  f->done = true;
  f->error = error;
  f->transport = transport;
  if (transport == NULL) return;
  transport_own(transport, on_ready, f);
  f->readable = transport_readable(transport); /* what stands already is not told again */
}

#define PLENTY_MS 15000u

static void begin_dial(struct fixture *f, struct target target, uint64_t timeout_ms) {
  f->done = false;
  f->starting = true;
  dialer_start(&f->dialer.dialer, &f->dial, &target, timeout_ms, on_done);
  f->starting = false;
}

static void expect(struct fixture *f, int expected) {
  if (!f->done) turn_until(&f->loop, &f->done);
  if (f->error != expected) fail_msg("ended with %s, not %s", error_name(f->error), error_name(expected));
}

static void list_address(const struct address *address) {
  listed[listed_count++] = *address;
}

static uint16_t closed_port(void) {
  struct address address;
  close(loopback_listen(&address, 1));
  return address_port(&address);
}

/* A listener whose queue is full: connects to it stay without an answer. */
struct full_listener {
  struct address address;
  int listener;
  int fillers[64];
  int count;
};

static void fill_listener(struct full_listener *full) {
  full->listener = loopback_listen(&full->address, 0);
  full->count = 0;
  for (bool queued = true; queued && full->count < 64;) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)connect(fd, (struct sockaddr *)&full->address.storage, full->address.len);
    full->fillers[full->count++] = fd;
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    queued = getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
  }
}

static void empty_listener(struct full_listener *full) {
  for (int i = 0; i < full->count; i++)
    close(full->fillers[i]);
  close(full->listener);
}

static void a_listener_is_reached(void **state) {
  struct fixture *f = *state;
  struct address address;
  int listener = loopback_listen(&address, 8);
  begin_dial(f, (struct target){.host = "127.0.0.1", .port = address_port(&address)}, PLENTY_MS);
  expect(f, WSL_OK);
  int peer = accept(listener, NULL, NULL);
  send_all(peer, "hello", 5);
  while (!f->readable)
    uv_run(&f->loop, UV_RUN_ONCE);
  uint8_t buf[16];
  assert_int_equal(transport_read(f->transport, buf, sizeof buf), 5);
  close(peer);
  close(listener);
}

/* What the backend sent before the transport had an owner is not lost, and neither is its reset. */
static void a_banner_and_a_reset_right_after_accept_both_arrive(void **state) {
  struct fixture *f = *state;
  struct address address;
  int listener = loopback_listen(&address, 8);
  begin_dial(f, (struct target){.host = "127.0.0.1", .port = address_port(&address)}, PLENTY_MS);
  int peer = accept(listener, NULL, NULL); /* before the loop has turned */
  send_all(peer, "bye", 3);
  close_with_reset(peer);
  expect(f, WSL_OK);
  while (!f->readable)
    uv_run(&f->loop, UV_RUN_ONCE);
  uint8_t buf[16];
  assert_int_equal(transport_read(f->transport, buf, sizeof buf), 3);
  assert_int_equal(transport_read(f->transport, buf, sizeof buf), WSL_RESET);
  close(listener);
}

static void nobody_listening_is_refused(void **state) {
  struct fixture *f = *state;
  begin_dial(f, (struct target){.host = "127.0.0.1", .port = closed_port()}, PLENTY_MS);
  expect(f, WSL_REFUSED);
}

static void names_go_through_the_resolver(void **state) {
  struct fixture *f = *state;
  struct address address;
  int listener = loopback_listen(&address, 8);
  begin_dial(f, (struct target){.host = "localhost", .port = address_port(&address)}, PLENTY_MS);
  expect(f, WSL_OK);
  close(listener);
}

static void an_unknown_name_is_told(void **state) {
  struct fixture *f = *state;
  begin_dial(f, (struct target){.host = "", .port = 80}, PLENTY_MS);
  expect(f, WSL_NAME_UNKNOWN);
}

/* What a session arms then (its close time) counts from the answer, not from before the loop slept. */
static void a_name_server_that_fails_is_told_with_the_clock_right(void **state) {
  struct fixture *f = *state;
  name_server.loop = &f->loop;
  begin_dial(f, (struct target){.host = "failing", .port = 80}, PLENTY_MS);
  expect(f, WSL_NAME_FAILED);
}

static void silence_ends_at_the_deadline(void **state) {
  struct fixture *f = *state;
  struct full_listener full;
  fill_listener(&full);
  begin_dial(f, (struct target){.host = "127.0.0.1", .port = address_port(&full.address)}, 100);
  expect(f, WSL_TIMED_OUT);
  empty_listener(&full);
}

static void the_second_address_is_tried_at_once(void **state) {
  struct fixture *f = *state;
  struct address refused, good;
  int listener = loopback_listen(&good, 8);
  assert_true(address_parse_literal("127.0.0.1", closed_port(), &refused));
  list_address(&refused);
  list_address(&good);
  begin_dial(f, (struct target){.host = "listed", .port = 0}, PLENTY_MS);
  expect(f, WSL_OK);
  close(listener);
}

static void the_second_address_overtakes_a_silent_first(void **state) {
  struct fixture *f = *state;
  struct full_listener full;
  struct address good;
  fill_listener(&full);
  int listener = loopback_listen(&good, 8);
  list_address(&full.address);
  list_address(&good);
  begin_dial(f, (struct target){.host = "listed", .port = 0}, PLENTY_MS);
  expect(f, WSL_OK);
  struct address peer = {.len = sizeof peer.storage};
  assert_int_equal(getpeername(stream_fd(f->transport), (struct sockaddr *)&peer.storage, &peer.len), 0);
  assert_int_equal(address_port(&peer), address_port(&good));
  empty_listener(&full);
  close(listener);
}

static void the_most_telling_failure_is_reported(void **state) {
  struct fixture *f = *state;
  struct address unreachable, refused;
  assert_true(address_parse_literal("255.255.255.255", 80, &unreachable)); /* no stream goes there */
  assert_true(address_parse_literal("127.0.0.1", closed_port(), &refused));
  list_address(&unreachable);
  list_address(&refused);
  list_address(&unreachable);
  begin_dial(f, (struct target){.host = "listed", .port = 0}, PLENTY_MS);
  expect(f, WSL_REFUSED);
}

static void want_of_descriptors_is_told(void **state) {
  struct fixture *f = *state;
  struct rlimit limit, none;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  int next = dup(0);
  close(next);
  none = limit;
  none.rlim_cur = (rlim_t)next;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  begin_dial(f, (struct target){.host = "127.0.0.1", .port = 9}, PLENTY_MS);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  expect(f, WSL_NO_DESCRIPTOR);
}

static void cancelling_is_possible_at_any_moment(void **state) {
  struct fixture *f = *state;
  struct full_listener full;
  fill_listener(&full);
  for (int turns = 0; turns < 4; turns++) {
    listed_count = 0;
    list_address(&full.address);
    list_address(&full.address);
    begin_dial(f, (struct target){.host = turns % 2 ? "listed" : "no-such-host.invalid.", .port = 0},
               PLENTY_MS);
    for (int i = 0; i < turns && !f->done; i++)
      uv_run(&f->loop, UV_RUN_NOWAIT);
    if (turns == 3) turn_for(&f->loop, 300); /* until the second connect is in flight */
    bool done = f->done;
    dial_cancel(&f->dial);
    dial_cancel(&f->dial); /* harmless */
    assert_null(f->dial.attempt);
    turn_for(&f->loop, 20);
    assert_int_equal(f->done, done);
  }
  struct dial never = {.done = NULL};
  dial_cancel(&never); /* zeroed, never started */
  empty_listener(&full);
}

static void cancelling_when_the_answer_is_in_the_same_batch(void **state) {
  struct fixture *f = *state;
  begin_dial(f, (struct target){.host = "127.0.0.1", .port = closed_port()}, PLENTY_MS);
  dial_cancel(&f->dial); /* the refusal waits in the poller already */
  turn_for(&f->loop, 20);
  assert_false(f->done);
}

/* ---- where it dials from ---- */

static void list_sources(struct fixture *f, struct address *values, const char *const *hosts, size_t count) {
  for (size_t i = 0; i < count; i++)
    assert_true(address_parse_literal(hosts[i], 0, &values[i]));
  static struct source_addresses sources;
  sources = (struct source_addresses){values, count};
  socket_dialer_configure(&f->dialer, &socket_tuning_default, &sources, 0);
}

/* Dials the listener; whom it sees. */
static void expect_dial_from(struct fixture *f, int listener, uint16_t port, const char *expected) {
  begin_dial(f, (struct target){.host = "127.0.0.1", .port = port}, PLENTY_MS);
  expect(f, WSL_OK);
  struct sockaddr_in from;
  socklen_t len = sizeof from;
  int peer = accept(listener, (struct sockaddr *)&from, &len);
  assert_true(peer >= 0);
  char host[INET_ADDRSTRLEN];
  assert_string_equal(inet_ntop(AF_INET, &from.sin_addr, host, sizeof host), expected);
  transport_close(f->transport);
  f->transport = NULL;
  close(peer);
}

static void source_addresses_take_turns(void **state) {
  struct fixture *f = *state;
  static const char *const hosts[] = {"127.0.0.2", "::1", "127.0.0.3"};
  struct address values[3], address;
  int listener = loopback_listen(&address, 8);
  list_sources(f, values, hosts, 3);
  for (int i = 0; i < 3; i++) {
    expect_dial_from(f, listener, address_port(&address), "127.0.0.2");
    expect_dial_from(f, listener, address_port(&address), "127.0.0.3");
  }
  close(listener);
}

static void sources_of_the_other_family_leave_it_to_the_system(void **state) {
  struct fixture *f = *state;
  static const char *const hosts[] = {"::1"};
  struct address values[1], address;
  int listener = loopback_listen(&address, 8);
  list_sources(f, values, hosts, 1);
  expect_dial_from(f, listener, address_port(&address), "127.0.0.1");
  close(listener);
}

/* It was this machine's when the program started. */
static void a_source_that_is_gone_makes_way_for_the_next(void **state) {
  struct fixture *f = *state;
  static const char *const hosts[] = {"192.0.2.1", "127.0.0.3"};
  struct address values[2], address;
  int listener = loopback_listen(&address, 8);
  list_sources(f, values, hosts, 2);
  for (int i = 0; i < 3; i++)
    expect_dial_from(f, listener, address_port(&address), "127.0.0.3");
  list_sources(f, values, hosts, 1);
  begin_dial(f, (struct target){.host = "127.0.0.1", .port = address_port(&address)}, PLENTY_MS);
  expect(f, WSL_NO_ADDRESS);
  close(listener);
}

/* The kernel says EINVAL to that. */
static void a_loopback_source_has_no_way_into_the_world(void **state) {
  struct fixture *f = *state;
  static const char *const hosts[] = {"127.0.0.2"};
  struct address values[1];
  list_sources(f, values, hosts, 1);
  begin_dial(f, (struct target){.host = "192.0.2.1", .port = 9}, 1000);
  expect(f, WSL_UNREACHABLE);
}

static void a_refusal_through_a_source_is_a_refusal(void **state) {
  struct fixture *f = *state;
  static const char *const hosts[] = {"192.0.2.1", "127.0.0.2"};
  struct address values[2];
  list_sources(f, values, hosts, 2);
  begin_dial(f, (struct target){.host = "127.0.0.1", .port = closed_port()}, PLENTY_MS);
  expect(f, WSL_REFUSED);
}

static int unix_listener(char path[64], int backlog) {
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  strcpy(path, "/tmp/wsluice-dial-XXXXXX");
  assert_non_null(mkdtemp(path));
  strcat(path, "/s");
  strcpy(un.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
  assert_int_equal(listen(fd, backlog), 0);
  return fd;
}

static void remove_listener(int fd, char *path) {
  close(fd);
  unlink(path);
  *strrchr(path, '/') = '\0';
  assert_int_equal(rmdir(path), 0);
}

static void unix_sockets_are_dialled(void **state) {
  struct fixture *f = *state;
  char path[64];
  int listener = unix_listener(path, 8);
  begin_dial(f, (struct target){.unix_path = path}, PLENTY_MS);
  expect(f, WSL_OK);
  remove_listener(listener, path);
}

static void unix_sockets_need_no_source(void **state) {
  struct fixture *f = *state;
  static const char *const hosts[] = {"192.0.2.1"};
  struct address values[1];
  char path[64];
  int listener = unix_listener(path, 8);
  list_sources(f, values, hosts, 1);
  begin_dial(f, (struct target){.unix_path = path}, PLENTY_MS);
  expect(f, WSL_OK);
  remove_listener(listener, path);
}

static void unix_failures_are_told(void **state) {
  struct fixture *f = *state;
  char path[64], endless[300];
  memset(endless, 'x', sizeof endless - 1);
  endless[sizeof endless - 1] = '\0';
  int listener = unix_listener(path, 8);
  begin_dial(f, (struct target){.unix_path = "/tmp/wsluice-no-such-socket"}, PLENTY_MS);
  expect(f, WSL_NOT_FOUND);
  begin_dial(f, (struct target){.unix_path = endless}, PLENTY_MS);
  expect(f, WSL_INVALID);
  close(listener); /* the file stays, nobody listens */
  begin_dial(f, (struct target){.unix_path = path}, PLENTY_MS);
  expect(f, WSL_REFUSED);
  remove_listener(dup(0), path);
}

/* Linux answers EAGAIN while the backlog is full, and tells nobody when there is room. */
static void a_full_unix_backlog_is_waited_for(void **state) {
  struct fixture *f = *state;
  char path[64];
  int listener = unix_listener(path, 0);
  int filler = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  strcpy(un.sun_path, path);
  assert_int_equal(connect(filler, (struct sockaddr *)&un, sizeof un), 0);

  begin_dial(f, (struct target){.unix_path = path}, 100);
  expect(f, WSL_TIMED_OUT);
  begin_dial(f, (struct target){.unix_path = path}, PLENTY_MS);
  turn_for(&f->loop, 50);
  assert_false(f->done);
  int accepted = accept(listener, NULL, NULL);
  assert_true(accepted >= 0);
  expect(f, WSL_OK);
  close(accepted);
  close(filler);
  remove_listener(listener, path);
}

static unsigned refusals;

static void on_refused(struct socket_dialer *dialer) {
  (void)dialer;
  refusals++;
}

static bool nobodys(const struct bare_address *address) {
  (void)address;
  return false;
}

static void judge_by(struct fixture *f, struct target_rules *rules, struct target_pattern *pattern,
                     const char *text) {
  const char *why;
  assert_true(target_pattern_parse(text, pattern, &why));
  *rules = (struct target_rules){pattern, 1, nobodys};
  refusals = 0;
  socket_dialer_judge(&f->dialer, rules, on_refused);
}

/* Judged is what is connected to: one that is refused is not dialled even where the next one fails. */
static void addresses_that_are_refused_are_left_out(void **state) {
  struct fixture *f = *state;
  struct target_rules rules;
  struct target_pattern pattern;
  struct address good, refused;
  int listener = loopback_listen(&good, 8);
  assert_true(address_parse_literal("127.0.0.2", address_port(&good), &refused));
  judge_by(f, &rules, &pattern, "127.0.0.1");
  list_address(&refused);
  list_address(&good);
  begin_dial(f, (struct target){.host = "listed", .text = "listed"}, PLENTY_MS);
  expect(f, WSL_OK);
  assert_int_equal(refusals, 0); /* the dial as a whole was not */
  close(listener);
}

static void a_name_that_has_come_to_mean_this_machine_is_refused(void **state) {
  struct fixture *f = *state;
  struct target_rules rules;
  struct target_pattern pattern;
  struct address address;
  int listener = loopback_listen(&address, 8);
  judge_by(f, &rules, &pattern, "list*");
  list_address(&address);
  begin_dial(f, (struct target){.host = "listed", .text = "listed"}, PLENTY_MS);
  expect(f, WSL_FORBIDDEN);
  assert_int_equal(refusals, 1);
  begin_dial(f, (struct target){.host = "listed", .text = "listed", .origin = TARGET_FIXED}, PLENTY_MS);
  expect(f, WSL_OK);
  assert_int_equal(refusals, 1);
  close(listener);
}

static int open_listed(void **state) {
  listed_count = 0;
  return open_fixture(state);
}

#define DIAL_TEST(test) cmocka_unit_test_setup_teardown(test, open_listed, close_fixture)

int main(void) {
  const struct CMUnitTest tests[] = {
      DIAL_TEST(a_listener_is_reached),
      DIAL_TEST(a_banner_and_a_reset_right_after_accept_both_arrive),
      DIAL_TEST(nobody_listening_is_refused),
      DIAL_TEST(names_go_through_the_resolver),
      DIAL_TEST(an_unknown_name_is_told),
      DIAL_TEST(a_name_server_that_fails_is_told_with_the_clock_right),
      DIAL_TEST(silence_ends_at_the_deadline),
      DIAL_TEST(the_second_address_is_tried_at_once),
      DIAL_TEST(the_second_address_overtakes_a_silent_first),
      DIAL_TEST(the_most_telling_failure_is_reported),
      DIAL_TEST(want_of_descriptors_is_told),
      DIAL_TEST(cancelling_is_possible_at_any_moment),
      DIAL_TEST(cancelling_when_the_answer_is_in_the_same_batch),
      DIAL_TEST(source_addresses_take_turns),
      DIAL_TEST(sources_of_the_other_family_leave_it_to_the_system),
      DIAL_TEST(a_source_that_is_gone_makes_way_for_the_next),
      DIAL_TEST(a_loopback_source_has_no_way_into_the_world),
      DIAL_TEST(a_refusal_through_a_source_is_a_refusal),
      DIAL_TEST(unix_sockets_are_dialled),
      DIAL_TEST(unix_sockets_need_no_source),
      DIAL_TEST(unix_failures_are_told),
      DIAL_TEST(a_full_unix_backlog_is_waited_for),
      DIAL_TEST(addresses_that_are_refused_are_left_out),
      DIAL_TEST(a_name_that_has_come_to_mean_this_machine_is_refused),
  };
  return cmocka_run_group_tests_name("net/socket_dialer", tests, NULL, NULL);
}
