/* The process meter: CPU and memory of a process with threads, children and children that have ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"
#include "loadgen/process_meter.h"

#define MS          UINT64_C(1000000)
#define BURN_MS     60u
#define CHILD_TICKS 3u /* a child that was waited for is known to a hundredth of a second */

static uint64_t cpu_now(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

static void burn(void) {
  uint64_t until = cpu_now() + BURN_MS * MS;
  while (cpu_now() < until) {
  }
}

/* A process that does what bytes on its pipe tell it, and answers each with one. */
struct servant {
  pid_t pid;
  int to, from;
};

static void obey(int from, int to) {
  pid_t child = 0;
  char order;
  while (read(from, &order, 1) == 1) {
    if (order == 'b') burn();
    if (order == 'f' && (child = fork()) == 0) {
      (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing stays behind where a test fails */
      burn();
      (void)pause();
    }
    if (order == 'w') {
      (void)kill(child, SIGKILL);
      (void)waitpid(child, NULL, 0);
    }
    if (order == 'm') memset(malloc(32u << 20), 1, 32u << 20);
    if (write(to, &order, 1) != 1) break;
  }
  _exit(0);
}

static int setup(void **state) {
  static struct servant servant;
  int orders[2];
  int answers[2];
  if (pipe(orders) != 0 || pipe(answers) != 0) return -1;
  servant.pid = fork();
  if (servant.pid == 0) {
    close(orders[1]); /* or it would never see our end */
    obey(orders[0], answers[1]);
  }
  close(orders[0]);
  close(answers[1]);
  servant.to = orders[1];
  servant.from = answers[0];
  *state = &servant;
  return 0;
}

static int teardown(void **state) {
  struct servant *servant = *state;
  close(servant->to);
  close(servant->from);
  (void)kill(servant->pid, SIGKILL);
  return waitpid(servant->pid, NULL, 0) == servant->pid ? 0 : -1;
}

static void order(struct servant *servant, char what) {
  char answer = 0;
  assert_int_equal(write(servant->to, &what, 1), 1);
  assert_int_equal(read(servant->from, &answer, 1), 1);
  assert_int_equal(answer, what);
}

static void begin(struct process_meter *meter, const int64_t *pid) {
  char why[METER_WHY_MAX];
  assert_int_equal(process_meter_init(meter, pid, 1, why), WSL_OK);
}

static void test_cpu_of_the_process_itself(void **state) {
  struct servant *servant = *state;
  struct process_meter meter;
  int64_t pid = servant->pid;
  begin(&meter, &pid);
  uint64_t before_ns = process_meter_cpu_ns(&meter);
  order(servant, 'b');
  uint64_t used_ns = process_meter_cpu_ns(&meter) - before_ns;
  assert_in_range(used_ns, BURN_MS * MS, 2 * BURN_MS * MS);
  assert_int_equal(meter.count, 1);
  assert_int_equal(process_meter_threads(&meter), 1);
  process_meter_destroy(&meter);
}

/* Waits until the child has burnt what it burns. */
static void await_cpu(struct process_meter *meter, uint64_t least_ns) {
  for (unsigned i = 0; i < 1000 && process_meter_cpu_ns(meter) < least_ns; i++) {
    (void)usleep(10000);
    (void)process_meter_scan(meter);
  }
  assert_true(process_meter_cpu_ns(meter) >= least_ns);
}

static void test_cpu_of_children_alive_and_ended(void **state) {
  struct servant *servant = *state;
  struct process_meter meter;
  int64_t pid = servant->pid;
  begin(&meter, &pid);
  uint64_t before_ns = process_meter_cpu_ns(&meter);
  order(servant, 'f');
  await_cpu(&meter, before_ns + BURN_MS * MS);
  assert_int_equal(meter.count, 2);
  order(servant, 'w'); /* ended and waited for: its account is its parent's now */
  assert_true(process_meter_scan(&meter));
  assert_int_equal(meter.count, 1);
  uint64_t used_ns = process_meter_cpu_ns(&meter) - before_ns;
  assert_in_range(used_ns, (BURN_MS - 10 * CHILD_TICKS) * MS, 3 * BURN_MS / 2 * MS); /* not twice */
  process_meter_destroy(&meter);
}

static void test_memory(void **state) {
  struct servant *servant = *state;
  struct process_meter meter;
  int64_t pid = servant->pid;
  begin(&meter, &pid);
  uint64_t before_kb = process_meter_rss_kb(&meter);
  order(servant, 'm');
  uint64_t after_kb = process_meter_rss_kb(&meter);
  assert_true(before_kb > 0);
  assert_in_range(after_kb - before_kb, 32u << 10, 34u << 10);
  assert_int_equal(meter.rss_kb_peak, after_kb);
  process_meter_destroy(&meter);
}

static void test_no_such_process(void **state) {
  struct process_meter meter;
  char why[METER_WHY_MAX];
  int64_t pid = INT32_MAX;
  (void)state;
  assert_int_equal(process_meter_init(&meter, &pid, 1, why), WSL_NOT_FOUND);
  assert_non_null(strstr(why, "no such process"));
  process_meter_destroy(&meter);
}

static void test_a_process_that_has_ended_is_noticed(void **state) {
  struct servant *servant = *state;
  struct process_meter meter;
  int64_t pid = servant->pid;
  begin(&meter, &pid);
  assert_true(process_meter_scan(&meter));
  (void)kill(servant->pid, SIGKILL);
  siginfo_t ended;
  assert_int_equal(waitid(P_PID, (id_t)servant->pid, &ended, WEXITED | WNOWAIT), 0);
  assert_false(process_meter_scan(&meter)); /* a zombie is no process any more */
  process_meter_destroy(&meter);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_cpu_of_the_process_itself, setup, teardown),
      cmocka_unit_test_setup_teardown(test_cpu_of_children_alive_and_ended, setup, teardown),
      cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
      cmocka_unit_test(test_no_such_process),
      cmocka_unit_test_setup_teardown(test_a_process_that_has_ended_is_noticed, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
