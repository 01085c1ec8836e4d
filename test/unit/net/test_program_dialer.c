/* ctest: threads */
/* Dialling programs: a transport to each, bounded in number and time; a dial that is given up, before or
 * behind the start, leaves no process; and want of descriptors is told from a program that can't be run.
 */
#include "loopback.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "core/error.h"
#include "net/loop_timers.h"
#include "net/offload_pool.h"
#include "net/program/dialer.h"

#define GRACE_MS  100u
#define PLENTY_MS 10000u
#define LIMIT     3u

struct call {
  struct dial dial;
  struct fixture *f;
  int error;
  struct transport *transport;
  bool done;
};

struct fixture {
  uv_loop_t loop;
  struct poller *poller;
  struct loop_timers timers;
  struct offload_pool offload;
  struct program_room room;
  struct program_domain programs;
  struct program_dialer dialer;
  struct program_settings settings;
  struct target target;
  struct call calls[LIMIT + 1];
  bool none;
};

static const char *const shell_words[] = {"sh", "-c", "echo \"$GREETING $WHO\"; cat", NULL};
static const char *const environment[] = {"PATH=/usr/bin:/bin", "GREETING=hello", NULL};
static struct fixture *current;

static void on_none(struct child_domain *children) {
  (void)children;
  current->none = true;
}

static int setup(void **state) {
  struct fixture *f = current = *state = calloc(1, sizeof *f);
  assert_int_equal(uv_loop_init(&f->loop), 0);
  f->poller = poller_open(&f->loop);
  assert_int_equal(loop_timers_open(&f->timers, &f->loop), WSL_OK);
  offload_pool_init(&f->offload, &f->loop);
  f->room.limit = LIMIT;
  f->settings = (struct program_settings){.path = "/bin/sh",
                                          .argv = shell_words,
                                          .environment = environment,
                                          .grace_ms = GRACE_MS,
                                          .size = {80, 24}};
  f->target = (struct target){.text = "exec:sh", .program = &f->settings};
  program_domain_init(&f->programs, &f->room, f->poller, &f->timers.timers, GRACE_MS);
  f->programs.children.on_none = on_none;
  program_dialer_init(&f->dialer, &f->programs, &f->offload.offload, &f->timers.timers);
  for (size_t i = 0; i <= LIMIT; i++)
    f->calls[i].f = f;
  return 0;
}

static void drop(struct call *call) {
  if (call->transport != NULL) transport_reset(call->transport);
  call->transport = NULL;
}

/* Until everything that was started is gone. */
static void wind_up(struct fixture *f) {
  for (size_t i = 0; i <= LIMIT; i++) {
    dial_cancel(&f->calls[i].dial);
    drop(&f->calls[i]);
  }
  while (f->offload.running > 0 || f->programs.children.count > 0)
    turn_for(&f->loop, 5);
}

static int teardown(void **state) {
  struct fixture *f = *state;
  wind_up(f);
  assert_int_equal(atomic_load(&f->room.running), 0);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
  assert_int_equal(errno, ECHILD);
  turn_for(&f->loop, 1);
  program_dialer_destroy(&f->dialer);
  program_domain_destroy(&f->programs);
  offload_pool_destroy(&f->offload);
  loop_timers_close(&f->timers);
  poller_close(f->poller);
  close_loop(&f->loop);
  free(f);
  return 0;
}

static void on_ready(struct transport *transport, void *owner) {
  (void)transport;
  (void)owner;
}

static void on_dialled(struct dial *dial, int error, struct transport *transport) {
  struct call *call = LIST_ENTRY(dial, struct call, dial);
  assert_false(call->done);
  assert_null(dial->attempt);
  call->done = true;
  call->error = error;
  call->transport = transport;
  if (transport != NULL) transport_own(transport, on_ready, call);
}

static struct call *dial_with(struct fixture *f, size_t index, const struct dial_context *context,
                              uint64_t timeout_ms) {
  struct call *call = &f->calls[index];
  call->done = false;
  call->dial.context = context;
  dialer_start(&f->dialer.dialer, &call->dial, &f->target, timeout_ms, on_dialled);
  return call;
}

static struct call *start_dial(struct fixture *f, size_t index) {
  return dial_with(f, index, NULL, PLENTY_MS);
}

static struct call *dial_until_done(struct fixture *f, size_t index) {
  struct call *call = start_dial(f, index);
  turn_until(&f->loop, &call->done);
  return call;
}

static void expect_line(struct fixture *f, struct call *call, const char *line) {
  char got[128] = "";
  size_t len = 0;
  while (len < strlen(line)) {
    int64_t n = transport_read(call->transport, (uint8_t *)got + len, sizeof got - 1 - len);
    if (n == WSL_AGAIN) {
      turn_for(&f->loop, 1);
      continue;
    }
    assert_true(n > 0);
    len += (size_t)n;
  }
  assert_string_equal(got, line);
}

static void a_program_speaks_and_listens(void **state) {
  struct fixture *f = *state;
  struct call *call = dial_until_done(f, 0);
  assert_int_equal(call->error, WSL_OK);
  expect_line(f, call, "hello \n");
  assert_int_equal(transport_write(call->transport, (const uint8_t *)"again\n", 6), 6);
  expect_line(f, call, "again\n");
  assert_int_equal(atomic_load(&f->room.started), 1);
}

static void words_of_the_context_are_its_environment(void **state) {
  struct fixture *f = *state;
  static const char words[] = "WHO=you\0GREETING=not this\0";
  struct dial_context *context = calloc(1, sizeof *context + sizeof words - 1);
  context->words_len = sizeof words - 1;
  memcpy(context->words, words, sizeof words - 1);
  struct call *call = dial_with(f, 0, context, PLENTY_MS);
  memset(context->words, 'x', sizeof words - 1); /* the connection has gone meanwhile */
  free(context);
  turn_until(&f->loop, &call->done);
  expect_line(f, call, "hello you\n"); /* what the operator says stays */
}

static void over_the_limit_none_is_started(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < LIMIT; i++)
    start_dial(f, i);
  struct call *late = start_dial(f, LIMIT);
  assert_true(late->done); /* at once */
  assert_int_equal(late->error, WSL_TOO_MANY);
  for (size_t i = 0; i < LIMIT; i++)
    turn_until(&f->loop, &f->calls[i].done);
  drop(&f->calls[0]);
  assert_int_equal(dial_until_done(f, LIMIT)->error, WSL_TOO_MANY); /* it is being ended, and counts */
  while (atomic_load(&f->room.running) == LIMIT)
    turn_for(&f->loop, 1);
  assert_int_equal(dial_until_done(f, LIMIT)->error, WSL_OK);
}

static void a_dial_that_is_given_up_leaves_no_program(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < LIMIT; i++) {
    start_dial(f, i);
    if (i == 1) turn_for(&f->loop, 1);
    dial_cancel(&f->calls[i].dial);
    dial_abort(&f->calls[i].dial); /* harmless */
  }
  wind_up(f);
  for (size_t i = 0; i < LIMIT; i++)
    assert_false(i != 1 && f->calls[i].done);
}

static void on_blocked(struct offload_job *job) {
  (void)job;
  usleep(200000);
}

static void on_unblocked(struct offload_job *job) {
  (void)job;
}

/* The pool is busy for longer than a dial may take. */
static void a_dial_takes_no_longer_than_it_may(void **state) {
  struct fixture *f = *state;
  static struct offload_job jobs[4 * OFFLOAD_RUNNING_MAX];
  for (size_t i = 0; i < OFFLOAD_RUNNING_MAX; i++)
    offload_start(&f->offload.offload, &jobs[i], on_blocked, on_unblocked);
  struct call *call = dial_with(f, 0, NULL, 20);
  turn_until(&f->loop, &call->done);
  assert_int_equal(call->error, WSL_TIMED_OUT);
}

static void what_can_not_be_run_is_told(void **state) {
  struct fixture *f = *state;
  f->settings.path = "/nowhere/at/all";
  assert_int_equal(dial_until_done(f, 0)->error, WSL_NOT_RUN);
  f->settings.streams = PROGRAM_ON_TERMINAL;
  assert_int_equal(dial_until_done(f, 0)->error, WSL_NOT_RUN);
  assert_int_equal(atomic_load(&f->room.failed), 2);
  assert_int_equal(atomic_load(&f->room.started), 0);
}

/* With so many descriptors left, from none to enough: never anything but a program or an error, and nothing
 * stays open. */
static void want_of_descriptors_is_told_apart(void **state) {
  struct fixture *f = *state;
  struct rlimit before, narrow;
  assert_int_equal(dial_until_done(f, 0)->error, WSL_OK); /* what is opened once is open */
  wind_up(f);
  int next = dup(STDERR_FILENO);
  close(next);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  bool started = false;
  for (unsigned left = 0; left < 16; left++) {
    narrow = (struct rlimit){(rlim_t)next + left, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &narrow), 0);
    struct call *call = dial_until_done(f, 0);
    assert_true(call->error == WSL_OK || call->error == WSL_NO_DESCRIPTOR || call->error == WSL_NO_MEMORY);
    started = call->error == WSL_OK;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    wind_up(f);
    int now = dup(STDERR_FILENO);
    close(now);
    assert_int_equal(now, next);
  }
  assert_true(started);
}

static void likewise_for_terminals(void **state) {
  ((struct fixture *)*state)->settings.streams = PROGRAM_ON_TERMINAL;
  want_of_descriptors_is_told_apart(state);
}

static void expect_end(struct fixture *f, struct call *call, int64_t outcome) {
  uint8_t rest[256];
  int64_t n;
  while ((n = transport_read(call->transport, rest, sizeof rest)) == WSL_AGAIN || n > 0)
    turn_for(&f->loop, 1);
  assert_int_equal(n, outcome);
}

static void its_exit_status_is_the_streams_end(void **state) {
  struct fixture *f = *state;
  const char *const words[] = {"sh", "-c", "exit $WHO", NULL};
  const char *const fails[] = {"WHO=9", NULL}, *const does_well[] = {"WHO=0", NULL};
  f->settings.argv = words;
  f->settings.environment = fails;
  struct call *call = dial_until_done(f, 0);
  expect_end(f, call, WSL_PROGRAM_FAILED);
  assert_string_equal(transport_failure(call->transport), "Program ended with status 9");
  f->settings.environment = does_well;
  expect_end(f, dial_until_done(f, 1), 0);
  assert_int_equal(atomic_load(&f->room.failed), 1);
}

/* Its process is waited for while the client still has the stream. */
static void what_has_ended_leaves_its_place_at_once(void **state) {
  struct fixture *f = *state;
  const char *const words[] = {"true", NULL};
  f->settings.argv = words;
  f->settings.path = "/bin/true";
  struct call *call = dial_until_done(f, 0);
  expect_end(f, call, 0);
  assert_int_equal(atomic_load(&f->room.running), 0);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* Its output ends, nobody hears from it for a second, and only behind that it fails: the client, whose turn
 * comes later than all of this, is told of an end as if it had asked at once. */
static void an_end_that_is_settled_stays_whenever_it_is_read(void **state) {
  struct fixture *f = *state;
  const char *const words[] = {"sh", "-c", "exec >&-; sleep 1.2; exit 9", NULL};
  uint8_t rest[16];
  f->settings.argv = words;
  struct call *call = dial_until_done(f, 0);
  while ((call->transport->ready & TRANSPORT_ENDING) == 0)
    turn_for(&f->loop, 1);
  assert_int_equal(transport_read(call->transport, rest, sizeof rest), WSL_AGAIN);
  while (atomic_load(&f->room.running) > 0)
    turn_for(&f->loop, 10);
  assert_true(transport_readable(call->transport));
  assert_int_equal(transport_read(call->transport, rest, sizeof rest), 0);
  assert_int_equal(transport_read(call->transport, rest, sizeof rest), 0);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(a_program_speaks_and_listens),
      TEST(words_of_the_context_are_its_environment),
      TEST(over_the_limit_none_is_started),
      TEST(a_dial_that_is_given_up_leaves_no_program),
      TEST(a_dial_takes_no_longer_than_it_may),
      TEST(what_can_not_be_run_is_told),
      TEST(want_of_descriptors_is_told_apart),
      TEST(likewise_for_terminals),
      TEST(its_exit_status_is_the_streams_end),
      TEST(what_has_ended_leaves_its_place_at_once),
      TEST(an_end_that_is_settled_stays_whenever_it_is_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
