/* ops/log: form and order of lines, many threads, and readers that are slow, stuck or gone.
 *
 * Nothing here depends on how fast anything runs: what waits is bounded only by the test's time limit.
 */
/* ctest: threads */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/error.h"
#include "ops/log.h"

#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define PATIENT_MS 60000u

enum { READER, WRITER };

/* Everything that was read, NUL-terminated. */
struct collected {
  int fd;
  size_t len;
  char bytes[4 * 1024 * 1024];
};

static struct collected collected;

/* Reads to the end of the stream. */
static void *collect(void *unused) {
  (void)unused;
  ssize_t len;
  while ((len = read(collected.fd, collected.bytes + collected.len,
                     sizeof collected.bytes - 1 - collected.len)) > 0) {
    collected.len += (size_t)len;
  }
  collected.bytes[collected.len] = '\0';
  return NULL;
}

static void start_collecting(int fd) {
  collected.fd = fd;
  collected.len = 0;
}

/* The line that begins at *at, terminated in place; NULL at the end. Every line must be whole. */
static char *next_line(char **at) {
  if (!**at) return NULL;
  char *line = *at, *end = strchr(line, '\n');
  assert_non_null(end);
  *end = '\0';
  *at = end + 1;
  return line;
}

static int start_writer(int fd) {
  const struct log_output output = {.fd = fd};
  return log_writer_start(&output);
}

#define STAMP "dddd-dd-ddTdd:dd:dd.dddZ "

/* Asserts that a line begins with a time in the form of STAMP; returns what stands behind it. */
static const char *after_stamp(const char *line) {
  for (const char *form = STAMP; *form; form++, line++) {
    if (*form == 'd' ? !isdigit((unsigned char)*line) : *line != *form) fail_msg("no time: \"%s\"", line);
  }
  return line;
}

/* The number of lines that a line says were lost, or 0 when it says nothing like it. */
static unsigned long lost_in(const char *line) {
  const char *text = after_stamp(line);
  if (strncmp(text, "warn  ", 6) != 0 || !strstr(text, " log lines lost: ")) return 0;
  return strtoul(text + 6, NULL, 10);
}

static void make_pipe(int ends[2]) {
  assert_int_equal(pipe(ends), 0);
  fcntl(ends[WRITER], F_SETPIPE_SZ, 4096); /* the smallest: full soon */
}

/* A pseudoterminal; what is written to the terminal's end can be read at the other. */
static void open_terminal(int ends[2]) {
  ends[READER] = posix_openpt(O_RDWR | O_NOCTTY);
  if (ends[READER] < 0 || grantpt(ends[READER]) != 0 || unlockpt(ends[READER]) != 0) skip();
  ends[WRITER] = open(ptsname(ends[READER]), O_RDWR | O_NOCTTY);
  assert_true(ends[WRITER] >= 0);
}

static void close_both(int ends[2]) {
  close(ends[READER]);
  close(ends[WRITER]);
}

/* ---- form ------------------------------------------------------------------------------------------ */

static void lines_have_time_level_id_and_text(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0); /* of the usual size: nobody reads until all is written */
  log_set_level(LOG_DEBUG);
  assert_int_equal(start_writer(ends[WRITER]), WSL_OK);
  assert_int_equal(start_writer(ends[WRITER]), WSL_IN_USE);
  log_event(LOG_ERROR, 0, "address in use port=%d", 80);
  log_event(LOG_WARN, 0x1f, "slow");
  log_event(LOG_INFO, UINT64_MAX, "session ended");
  log_event(LOG_DEBUG, 10, "%s", "");
  log_writer_stop(PATIENT_MS);
  log_event(LOG_INFO, 0, "written directly");
  log_writer_stop(PATIENT_MS);
  close(ends[WRITER]);
  start_collecting(ends[READER]);
  collect(NULL);
  close(ends[READER]);

  static const char *const expected[] = {"error address in use port=80", "warn  [1f] slow",
                                         "info  [ffffffffffffffff] session ended", "debug [a] ",
                                         "info  written directly"};
  char *at = collected.bytes;
  for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
    const char *line = next_line(&at);
    assert_non_null(line);
    assert_string_equal(after_stamp(line), expected[i]);
  }
  assert_null(next_line(&at));
}

static void a_line_does_not_wait_for_more(void **state) {
  (void)state;
  int ends[2];
  make_pipe(ends);
  assert_int_equal(start_writer(ends[WRITER]), WSL_OK);
  for (int i = 0; i < 20; i++) {
    char line[64];
    log_event(LOG_INFO, 0, "n");
    assert_int_equal(read(ends[READER], line, sizeof line), strlen(STAMP "info  n\n"));
  }
  log_writer_stop(PATIENT_MS);
  close_both(ends);
}

/* Longer than that no line can be: the longest text, the longest id. */
static void the_longest_line_arrives_whole(void **state) {
  (void)state;
  int ends[2];
  char text[LOG_TEXT_MAX];
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  make_pipe(ends);
  assert_int_equal(start_writer(ends[WRITER]), WSL_OK);
  log_event(LOG_INFO, UINT64_MAX, "%s", text);
  log_writer_stop(PATIENT_MS);
  close(ends[WRITER]);
  start_collecting(ends[READER]);
  collect(NULL);
  close(ends[READER]);
  char *at = collected.bytes;
  const char *line = next_line(&at);
  assert_string_equal(after_stamp(line) + strlen("info  [ffffffffffffffff] "), text);
}

/* ---- order and losses ------------------------------------------------------------------------------ */

/* Checks lines "n=0", "n=1" ... of one thread: in order, and where some are missing a note says how many.
 * Returns how many were lost. */
static unsigned long check_sequence(unsigned long sent) {
  unsigned long next = 0, lost = 0;
  char *at = collected.bytes;
  for (const char *line; (line = next_line(&at));) {
    unsigned long gap = lost_in(line);
    if (gap == 0) {
      assert_non_null(strstr(line, "n="));
      assert_int_equal(strtoul(strstr(line, "n=") + 2, NULL, 10), next);
    }
    next += gap ? gap : 1;
    lost += gap;
  }
  assert_int_equal(next, sent);
  return lost;
}

/* As lines of sessions, which no limit holds back. */
static void log_numbers(unsigned long count) {
  for (unsigned long n = 0; n < count; n++)
    log_event(LOG_INFO, 0, "session line of some length to fill the ring n=%lu", n);
}

/* Three times what the ring holds. */
#define TOO_MANY_LINES (3 * LOG_QUEUE_BYTES / 64)

static void a_stuck_reader_blocks_nobody_and_losses_are_counted(void **state) {
  (void)state;
  int ends[2];
  pthread_t reader;
  make_pipe(ends);
  assert_int_equal(start_writer(ends[WRITER]), WSL_OK);
  log_numbers(TOO_MANY_LINES); /* nobody reads: if this could block, it would for good */
  start_collecting(ends[READER]);
  assert_int_equal(pthread_create(&reader, NULL, collect, NULL), 0);
  log_writer_stop(PATIENT_MS);
  close(ends[WRITER]);
  pthread_join(reader, NULL);
  close(ends[READER]);
  assert_true(check_sequence(TOO_MANY_LINES) > TOO_MANY_LINES / 3);
}

/* Reads in small pieces and with pauses, so that the writer meets a full pipe again and again. */
static void *collect_slowly(void *unused) {
  (void)unused;
  ssize_t len;
  while ((len = read(collected.fd, collected.bytes + collected.len, 100)) > 0) {
    collected.len += (size_t)len;
    if (collected.len % 1700 < 100) poll(NULL, 0, 1);
  }
  collected.bytes[collected.len] = '\0';
  return NULL;
}

/* The ring fills and empties all the time: notes must stand exactly where lines are missing. */
static void a_slow_reader_sees_where_lines_are_missing(void **state) {
  (void)state;
  int ends[2];
  pthread_t reader;
  make_pipe(ends);
  start_collecting(ends[READER]);
  assert_int_equal(pthread_create(&reader, NULL, collect_slowly, NULL), 0);
  assert_int_equal(start_writer(ends[WRITER]), WSL_OK);
  log_numbers(3 * TOO_MANY_LINES);
  log_writer_stop(PATIENT_MS);
  close(ends[WRITER]);
  pthread_join(reader, NULL);
  close(ends[READER]);
  check_sequence(3 * TOO_MANY_LINES);
}

static void stop_gives_up_on_a_stuck_reader(void **state) {
  (void)state;
  int ends[2];
  make_pipe(ends);
  assert_int_equal(start_writer(ends[WRITER]), WSL_OK);
  log_numbers(TOO_MANY_LINES);
  log_writer_stop(50);
  log_numbers(1000); /* directly: dropped, and not waited for */
  assert_int_equal(start_writer(ends[WRITER]), WSL_OK);
  log_writer_stop(0);
  close_both(ends);
}

#define FEW_LINES 1500ul /* fewer than the ring holds: none may be lost */

static void check_nonblocking(int ends[2]) {
  pthread_t reader;
  assert_int_equal(fcntl(ends[WRITER], F_SETFL, O_NONBLOCK), 0);
  int flags = fcntl(ends[WRITER], F_GETFL);
  assert_int_equal(start_writer(ends[WRITER]), WSL_OK);
  start_collecting(ends[READER]);
  assert_int_equal(pthread_create(&reader, NULL, collect_slowly, NULL), 0);
  log_numbers(FEW_LINES);
  log_writer_stop(PATIENT_MS);
  assert_int_equal(fcntl(ends[WRITER], F_GETFL), flags);
  close(ends[WRITER]);
  pthread_join(reader, NULL);
  close(ends[READER]);
  assert_int_equal(check_sequence(FEW_LINES), 0);
}

static void a_nonblocking_pipe_loses_nothing(void **state) {
  (void)state;
  int ends[2];
  make_pipe(ends);
  check_nonblocking(ends);
}

/* As under a service manager. */
static void a_nonblocking_socket_loses_nothing(void **state) {
  (void)state;
  int ends[2], size = 2048;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  assert_int_equal(setsockopt(ends[WRITER], SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
  check_nonblocking(ends);
}

/* A terminal takes part of a batch when its buffer is nearly full. */
static void a_nonblocking_terminal_loses_nothing(void **state) {
  (void)state;
  int ends[2];
  struct termios raw;
  open_terminal(ends);
  assert_int_equal(tcgetattr(ends[WRITER], &raw), 0);
  cfmakeraw(&raw);
  assert_int_equal(tcsetattr(ends[WRITER], TCSANOW, &raw), 0);
  check_nonblocking(ends);
}

/* ---- threads --------------------------------------------------------------------------------------- */

enum { LOGGERS = 6, LINES_A_LOGGER = 4000 };

static void *log_as(void *number) {
  uint64_t id = (uint64_t)(uintptr_t)number;
  for (unsigned n = 0; n < LINES_A_LOGGER; n++)
    log_event(LOG_INFO, id, "session n=%u", n);
  return NULL;
}

/* Lines of one thread keep their order, no two are mixed, and all are accounted for. */
static void many_threads_log_at_once(void **state) {
  (void)state;
  int ends[2];
  pthread_t reader, loggers[LOGGERS];
  unsigned next[LOGGERS + 1] = {0};
  unsigned long seen = 0;
  make_pipe(ends);
  start_collecting(ends[READER]);
  assert_int_equal(pthread_create(&reader, NULL, collect, NULL), 0);
  assert_int_equal(start_writer(ends[WRITER]), WSL_OK);
  for (uintptr_t i = 0; i < LOGGERS; i++) {
    assert_int_equal(pthread_create(&loggers[i], NULL, log_as, (void *)(i + 1)), 0);
  }
  for (size_t i = 0; i < LOGGERS; i++)
    pthread_join(loggers[i], NULL);
  log_writer_stop(PATIENT_MS);
  close(ends[WRITER]);
  pthread_join(reader, NULL);
  close(ends[READER]);

  char *at = collected.bytes;
  for (const char *line; (line = next_line(&at));) {
    unsigned id, n;
    unsigned long lost = lost_in(line);
    seen += lost ? lost : 1;
    if (lost) continue;
    assert_int_equal(sscanf(after_stamp(line), "info  [%x] session n=%u", &id, &n), 2);
    assert_true(id >= 1 && id <= LOGGERS);
    assert_true(n >= next[id]);
    next[id] = n + 1;
  }
  assert_int_equal(seen, LOGGERS * LINES_A_LOGGER);
}

/* Threads may go on while the writer is stopped: what they log goes out directly, or nowhere. */
static void stopping_while_others_log(void **state) {
  (void)state;
  int ends[2];
  pthread_t reader, loggers[LOGGERS];
  make_pipe(ends);
  start_collecting(ends[READER]);
  assert_int_equal(pthread_create(&reader, NULL, collect, NULL), 0);
  assert_int_equal(start_writer(ends[WRITER]), WSL_OK);
  for (uintptr_t i = 0; i < LOGGERS; i++) {
    assert_int_equal(pthread_create(&loggers[i], NULL, log_as, (void *)(i + 1)), 0);
  }
  log_writer_stop(PATIENT_MS);
  for (size_t i = 0; i < LOGGERS; i++)
    pthread_join(loggers[i], NULL);
  close(ends[WRITER]);
  pthread_join(reader, NULL);
  close(ends[READER]);
  char *at = collected.bytes;
  for (const char *line; (line = next_line(&at));)
    after_stamp(line);
}

static void the_writer_takes_no_signals(void **state) {
  (void)state;
  int ends[2];
  sigset_t usr1, before, pending;
  make_pipe(ends);
  assert_int_equal(start_writer(ends[WRITER]), WSL_OK);
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &usr1, &before);
  kill(getpid(), SIGUSR1); /* would end the process in a thread that does not block it */
  log_writer_stop(PATIENT_MS);
  sigpending(&pending);
  assert_true(sigismember(&pending, SIGUSR1));
  int taken;
  sigwait(&usr1, &taken);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close_both(ends);
}

/* ---- descriptors that fail ----------------------------------------------------------------------------- */

static void a_reader_that_is_gone_ends_nothing(void **state) {
  (void)state;
  int ends[2];
  make_pipe(ends);
  assert_int_equal(start_writer(ends[WRITER]), WSL_OK);
  close(ends[READER]);
  log_numbers(TOO_MANY_LINES); /* SIGPIPE has its default action here */
  log_writer_stop(PATIENT_MS);
  close(ends[WRITER]);
}

/* A terminal that nobody reads says "writable" and then blocks in write(): the one case in which the
 * thread has to be left behind. It comes back when the terminal hangs up. */
static void a_writer_stuck_in_a_terminal_is_left_behind(void **state) {
  (void)state;
  int terminal[2], ends[2];
  open_terminal(terminal);
  make_pipe(ends);
  assert_int_equal(start_writer(terminal[WRITER]), WSL_OK);
  log_numbers(TOO_MANY_LINES);
  log_writer_stop(50);
  log_numbers(10);
  close(terminal[READER]);
  while (start_writer(ends[WRITER]) == WSL_IN_USE)
    poll(NULL, 0, 1);
  log_event(LOG_INFO, 0, "back");
  log_writer_stop(PATIENT_MS);
  close(ends[WRITER]);
  close(terminal[WRITER]);
  start_collecting(ends[READER]);
  collect(NULL);
  close(ends[READER]);
  char *at = collected.bytes;
  assert_string_equal(after_stamp(next_line(&at)), "info  back");
}

/* ---- limits ---------------------------------------------------------------------------------------------
 */

static void standard_error_is_not_reopened(void **state) {
  (void)state;
  int ends[2];
  make_pipe(ends);
  assert_int_equal(start_writer(ends[WRITER]), WSL_OK);
  assert_false(log_writer_reopen());
  log_writer_stop(PATIENT_MS);
  close_both(ends);
}

/* What was held back is said at the latest when the log ends. */
static void repeated_lines_are_summed_up(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(start_writer(ends[WRITER]), WSL_OK);
  for (unsigned i = 0; i < 5000; i++)
    log_event(LOG_INFO, 0, "request refused n=%u", i);
  log_writer_stop(PATIENT_MS);
  close(ends[WRITER]);
  start_collecting(ends[READER]);
  collect(NULL);
  close(ends[READER]);
  char *at = collected.bytes;
  unsigned lines = 0, held = 0;
  for (const char *line; (line = next_line(&at));) {
    const char *text = after_stamp(line);
    if (strncmp(text, "info  request refused n=", 24) == 0)
      lines++;
    else
      assert_int_equal(sscanf(text, "info  repeated lines held back count=%u", &held), 1);
  }
  assert_int_equal(lines + held, 5000);
  assert_true(lines >= 100 && lines < 2500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_have_time_level_id_and_text),
      cmocka_unit_test(a_line_does_not_wait_for_more),
      cmocka_unit_test(the_longest_line_arrives_whole),
      cmocka_unit_test(a_stuck_reader_blocks_nobody_and_losses_are_counted),
      cmocka_unit_test(a_slow_reader_sees_where_lines_are_missing),
      cmocka_unit_test(stop_gives_up_on_a_stuck_reader),
      cmocka_unit_test(a_nonblocking_pipe_loses_nothing),
      cmocka_unit_test(a_nonblocking_socket_loses_nothing),
      cmocka_unit_test(a_nonblocking_terminal_loses_nothing),
      cmocka_unit_test(many_threads_log_at_once),
      cmocka_unit_test(stopping_while_others_log),
      cmocka_unit_test(the_writer_takes_no_signals),
      cmocka_unit_test(a_reader_that_is_gone_ends_nothing),
      cmocka_unit_test(a_writer_stuck_in_a_terminal_is_left_behind),
      cmocka_unit_test(standard_error_is_not_reopened),
      cmocka_unit_test(repeated_lines_are_summed_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
