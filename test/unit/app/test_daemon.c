/* Into the background: what the one who waits is told, and what the child keeps and lets go.
 *
 * Each case runs in a process of its own, the "caller", whose end is what a shell would see. Whatever becomes
 * the daemon speaks through its exit, through standard error (a pipe of the test's) or, where it has let go
 * of that, through a file.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/daemon.h"
#include "core/error.h"

#define TEXT_MAX       512
#define INHERITED_FD   77
#define OWN_STATUS     3
#define PATIENCE_TURNS 1000 /* of 10 ms */

static char folder[] = "/tmp/wsluice-test-daemon-XXXXXX";
static char report_path[sizeof folder + 16];

static int make_folder(void **state) {
  (void)state;
  if (mkdtemp(folder) == NULL) return -1;
  snprintf(report_path, sizeof report_path, "%s/report", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  return rmdir(folder);
}

static int remove_report(void **state) {
  (void)state;
  (void)unlink(report_path);
  return 0;
}

struct caller {
  pid_t pid;
  int errors; /* what it and its child write to standard error */
};

/* Runs `body` in a new process with standard error in our hands. */
static struct caller call(void (*body)(void)) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  struct caller caller = {.pid = fork(), .errors = ends[0]};
  assert_true(caller.pid >= 0);
  if (caller.pid == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    body();
    _exit(99);
  }
  close(ends[1]);
  return caller;
}

/* Its wait status, when the last writer of its standard error has gone; what they wrote in text. */
static int outcome(struct caller caller, char text[TEXT_MAX]) {
  size_t len = 0;
  ssize_t got;
  while ((got = read(caller.errors, text + len, TEXT_MAX - 1 - len)) > 0)
    len += (size_t)got;
  text[len] = '\0';
  close(caller.errors);
  int status;
  assert_int_equal(waitpid(caller.pid, &status, 0), caller.pid);
  return status;
}

static void report(const char *format, int value) {
  char draft[sizeof report_path + 8];
  snprintf(draft, sizeof draft, "%s.new", report_path);
  FILE *file = fopen(draft, "w");
  if (file == NULL) _exit(98);
  fprintf(file, format, value);
  fclose(file);
  (void)rename(draft, report_path);
}

/* The daemon's report, which may come after the caller's end. */
static void expect_report(const char *expected) {
  char text[TEXT_MAX] = "";
  FILE *file = NULL;
  for (int i = 0; i < PATIENCE_TURNS && file == NULL; i++) {
    file = fopen(report_path, "r");
    if (file == NULL) usleep(10000);
  }
  assert_non_null(file);
  size_t len = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[len] = '\0';
  assert_string_equal(text, expected);
}

static struct daemon fork_daemon(void) {
  struct daemon daemon;
  signal(SIGPIPE, SIG_IGN);
  if (daemon_fork(&daemon, NULL, 0) != WSL_OK) _exit(97);
  return daemon;
}

/* ---- what the caller sees ---- */

static void become_ready(void) {
  struct daemon daemon = fork_daemon();
  fputs("about to serve\n", stderr);
  int error = daemon_ready(&daemon);
  fputs("too late\n", stderr); /* to /dev/null */
  report("ready gave %d", error);
  _exit(OWN_STATUS); /* nobody asks any more */
}

static void test_ready_is_success(void **state) {
  (void)state;
  char text[TEXT_MAX];
  int status = outcome(call(become_ready), text);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
  assert_string_equal(text, "about to serve\n");
  expect_report("ready gave 0");
}

static void give_up(void) {
  (void)fork_daemon();
  fputs("no port\n", stderr);
  _exit(OWN_STATUS);
}

static void test_a_childs_status_and_words_are_the_callers(void **state) {
  (void)state;
  char text[TEXT_MAX];
  int status = outcome(call(give_up), text);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), OWN_STATUS);
  assert_string_equal(text, "no port\n");
}

static void end_without_a_word(void) {
  (void)fork_daemon();
  _exit(EXIT_SUCCESS);
}

static void test_an_end_before_it_is_ready_is_no_success(void **state) {
  (void)state;
  char text[TEXT_MAX];
  int status = outcome(call(end_without_a_word), text);
  assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
}

static void be_killed(void) {
  (void)fork_daemon();
  raise(SIGKILL);
}

static void test_a_killed_child_is_reported(void **state) {
  (void)state;
  char text[TEXT_MAX];
  int status = outcome(call(be_killed), text);
  assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
  assert_non_null(strstr(text, "killed"));
}

static void give_up_unobserved(void) {
  signal(SIGCHLD, SIG_IGN); /* inherited by what careless parents start */
  give_up();
}

static void test_a_caller_that_ignores_sigchld(void **state) {
  (void)state;
  char text[TEXT_MAX];
  int status = outcome(call(give_up_unobserved), text);
  assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
}

/* ---- the child ---- */

static void look_around(void) {
  pid_t session = getsid(0);
  if (dup2(STDERR_FILENO, INHERITED_FD) != INHERITED_FD) _exit(96);
  struct daemon daemon = fork_daemon();
  int seen = (getsid(0) == getpid() && getsid(0) != session) ? 1 : 0;
  if (fcntl(INHERITED_FD, F_GETFD) < 0) seen |= 2;
  for (int fd = 0; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) >= 0) seen |= 4 << fd;
  if (fcntl(daemon.ready_fd, F_GETFD) == FD_CLOEXEC) seen |= 32;
  report("saw %d", seen);
  _exit(daemon_ready(&daemon));
}

static void test_a_session_of_its_own_and_nothing_inherited(void **state) {
  (void)state;
  char text[TEXT_MAX];
  int status = outcome(call(look_around), text);
  assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
  expect_report("saw 63");
}

static void be_interrupted(void) {
  pid_t caller = getpid();
  struct daemon daemon = fork_daemon();
  kill(caller, SIGKILL);
  while (getppid() == caller)
    usleep(10000);
  report("ready gave %d", daemon_ready(&daemon));
  _exit(EXIT_SUCCESS);
}

static void test_an_interrupted_start_is_told(void **state) {
  (void)state;
  char text[TEXT_MAX], expected[TEXT_MAX];
  int status = outcome(call(be_interrupted), text);
  assert_true(WIFSIGNALED(status));
  snprintf(expected, sizeof expected, "ready gave %d", WSL_CANCELLED);
  expect_report(expected);
}

static void test_without_a_fork_ready_does_nothing(void **state) {
  (void)state;
  struct daemon daemon = {.ready_fd = -1};
  assert_int_equal(daemon_ready(&daemon), WSL_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(test_ready_is_success, remove_report),
      cmocka_unit_test(test_a_childs_status_and_words_are_the_callers),
      cmocka_unit_test(test_an_end_before_it_is_ready_is_no_success),
      cmocka_unit_test(test_a_killed_child_is_reported),
      cmocka_unit_test(test_a_caller_that_ignores_sigchld),
      cmocka_unit_test_teardown(test_a_session_of_its_own_and_nothing_inherited, remove_report),
      cmocka_unit_test_teardown(test_an_interrupted_start_is_told, remove_report),
      cmocka_unit_test(test_without_a_fork_ready_does_nothing),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
