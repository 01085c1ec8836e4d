/* ctest: wrap=syscall */
/* A process under supervision: its end is told once with its status, with pidfds and without; whoever lets go
 * of it has it ended, the stubborn by force, its group with it; and nothing of it stays, no zombie either.
 */
#include "loopback.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/error.h"
#include "net/loop_timers.h"
#include "net/program/child.h"
#include "net/program/child_stage.h"

#define GRACE_MS 100u

long __real_syscall(long number, ...);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

static bool without_pidfd;

/* As older kernels and strict container engines have it. */
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f) {
  if (number == SYS_pidfd_open && without_pidfd) {
    errno = ENOSYS;
    return -1;
  }
  return __real_syscall(number, a, b, c, d, e, f);
}

struct fixture {
  uv_loop_t loop;
  struct poller *poller;
  struct loop_timers timers;
  struct child_domain domain;
  struct child *child;
  pid_t pid;
  int output; /* what the program says */
  unsigned exits;
  bool exited, gone, none;
};

static struct fixture *current;

static void on_none(struct child_domain *domain) {
  assert_int_equal(domain->count, 0);
  current->none = true;
}

static int setup(void **state, bool no_pidfd) {
  struct fixture *f = current = *state = calloc(1, sizeof *f);
  without_pidfd = no_pidfd;
  assert_int_equal(uv_loop_init(&f->loop), 0);
  f->poller = poller_open(&f->loop);
  assert_non_null(f->poller);
  assert_int_equal(loop_timers_open(&f->timers, &f->loop), WSL_OK);
  child_domain_init(&f->domain, f->poller, &f->timers.timers, GRACE_MS);
  f->domain.on_none = on_none;
  return 0;
}

static int setup_with_pidfd(void **state) {
  return setup(state, false);
}

static int setup_without(void **state) {
  return setup(state, true);
}

static int teardown(void **state) {
  struct fixture *f = *state;
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child, no zombie */
  assert_int_equal(errno, ECHILD);
  close(f->output);
  turn_for(&f->loop, 1);
  child_domain_destroy(&f->domain);
  loop_timers_close(&f->timers);
  poller_close(f->poller);
  close_loop(&f->loop);
  free(f);
  return 0;
}

static void on_exit_of(struct child *child, void *owner) {
  struct fixture *f = owner;
  assert_ptr_equal(child, f->child);
  f->exits++;
  f->exited = true;
}

static void on_gone(struct child *child, void *owner) {
  struct fixture *f = owner;
  assert_ptr_equal(child, f->child);
  assert_false(f->gone);
  f->gone = true;
}

/* Starts a shell that says a line when it is ready. */
static void start(struct fixture *f, const char *script) {
  int ends[2];
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  const char *argv[] = {"sh", "-c", script, NULL}, *envp[] = {NULL};
  struct child_request request = {.path = "/bin/sh",
                                  .argv = argv,
                                  .envp = envp,
                                  .descriptors = {STDERR_FILENO, ends[1], STDERR_FILENO},
                                  .place = CHILD_IN_GROUP};
  struct child_failure failure;
  f->child = child_take(&f->domain);
  assert_non_null(f->child);
  assert_int_equal(child_spawn(&request, &f->pid, &failure), WSL_OK);
  close(ends[1]);
  f->output = ends[0];
  child_begin(&f->domain, f->child, f->pid, SIGTERM, on_exit_of, f);
  assert_int_equal(child_pid(f->child), f->pid);
}

static void wait_until_ready(struct fixture *f) {
  char line[8];
  assert_true(read(f->output, line, sizeof line) > 0);
}

static void let_go(struct fixture *f) {
  child_release(f->child, on_gone);
  turn_until(&f->loop, &f->gone);
  assert_true(f->none);
}

/* Until nobody holds the other end, neither the program nor one of its children: signals take a moment. */
static void expect_all_over(struct fixture *f) {
  char rest[64];
  while (read(f->output, rest, sizeof rest) > 0) {
  }
}

static void expect_exit(struct fixture *f, const char *script, int exit_status, int signum) {
  struct child_status status;
  start(f, script);
  turn_until(&f->loop, &f->exited);
  assert_true(child_exited(f->child, &status));
  assert_int_equal(status.exit_status, exit_status);
  assert_int_equal(status.signum, signum);
  assert_int_equal(f->exits, 1);
  assert_int_equal(kill(f->pid, 0), 0); /* its number stays its own */
  let_go(f);
  assert_int_equal(kill(f->pid, 0), -1);
}

static void an_exit_is_told_with_its_status(void **state) {
  expect_exit(*state, "exit 42", 42, 0);
}

static void a_death_is_told_with_its_signal(void **state) {
  expect_exit(*state, "kill -SEGV $$", 0, SIGSEGV);
}

static void who_runs_is_asked_to_end(void **state) {
  struct fixture *f = *state;
  start(f, "trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done");
  wait_until_ready(f);
  let_go(f);
  assert_int_equal(f->exits, 0); /* nobody wants to know any more */
}

static void the_stubborn_and_their_children_are_killed(void **state) {
  struct fixture *f = *state;
  start(f, "trap '' TERM HUP; (while :; do sleep 1; done) & echo up; while :; do sleep 1; done");
  wait_until_ready(f);
  let_go(f);
  expect_all_over(f);
}

static void a_stopped_process_hears_of_it_too(void **state) {
  struct fixture *f = *state;
  start(f, "echo up; kill -STOP $$; sleep 100");
  wait_until_ready(f);
  let_go(f);
}

static void jobs_that_stay_behind_are_ended(void **state) {
  struct fixture *f = *state;
  start(f, "(trap '' TERM; echo up; sleep 100) & exit 0");
  wait_until_ready(f);
  turn_until(&f->loop, &f->exited);
  let_go(f);
  expect_all_over(f);
}

static void who_ends_by_itself_when_asked_tells_its_owner(void **state) {
  struct fixture *f = *state;
  start(f, "trap 'exit 5' TERM; echo up; while :; do sleep 0.01; done");
  wait_until_ready(f);
  child_end(f->child);
  child_end(f->child);
  turn_until(&f->loop, &f->exited);
  struct child_status status;
  assert_true(child_exited(f->child, &status));
  assert_int_equal(status.exit_status, 5);
  let_go(f);
}

static void a_cut_waits_for_nobody(void **state) {
  struct fixture *f = *state;
  f->domain.grace_ms = 1000u * 1000u;
  start(f, "trap '' TERM; echo up; while :; do sleep 1; done");
  wait_until_ready(f);
  child_release(f->child, on_gone);
  turn_for(&f->loop, 20);
  assert_false(f->gone);
  child_domain_cut(&f->domain);
  turn_until(&f->loop, &f->gone);
}

static void behind_a_cut_whoever_is_let_go_is_killed(void **state) {
  struct fixture *f = *state;
  f->domain.grace_ms = 1000u * 1000u;
  child_domain_cut(&f->domain);
  start(f, "trap '' TERM; echo up; while :; do sleep 1; done");
  wait_until_ready(f);
  let_go(f);
}

/* Whoever starts wsluice may have it ignore SIGCHLD after all: then the status is lost, and nothing else. */
static void a_child_that_nobody_can_wait_for_ends_too(void **state) {
  struct fixture *f = *state;
  void (*before)(int) = signal(SIGCHLD, SIG_IGN);
  start(f, "exit 3");
  turn_until(&f->loop, &f->exited);
  let_go(f);
  signal(SIGCHLD, before);
}

static void a_record_that_nobody_came_for_is_given_back(void **state) {
  struct fixture *f = *state;
  child_spare(&f->domain, child_take(&f->domain));
  assert_int_equal(f->domain.count, 0);
  f->output = -1;
}

#define BOTH(test)                                                   \
  cmocka_unit_test_setup_teardown(test, setup_with_pidfd, teardown), \
      cmocka_unit_test_setup_teardown(test, setup_without, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(an_exit_is_told_with_its_status),
      BOTH(a_death_is_told_with_its_signal),
      BOTH(who_runs_is_asked_to_end),
      BOTH(the_stubborn_and_their_children_are_killed),
      BOTH(a_stopped_process_hears_of_it_too),
      BOTH(jobs_that_stay_behind_are_ended),
      BOTH(who_ends_by_itself_when_asked_tells_its_owner),
      BOTH(a_cut_waits_for_nobody),
      BOTH(behind_a_cut_whoever_is_let_go_is_killed),
      BOTH(a_child_that_nobody_can_wait_for_ends_too),
      BOTH(a_record_that_nobody_came_for_is_given_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
