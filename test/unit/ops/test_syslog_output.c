/* Where syslog may be, and that nothing is sent while it is closed; lines themselves are judged by
 * test/integration/test_syslog.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above before it */
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/error.h"
#include "ops/syslog_output.h"

static void where_it_may_be(void **state) {
  (void)state;
  static const struct {
    const char *server;
    bool good;
  } rows[] = {
      {"/dev/log", true},
      {"log", true},
      {"localhost:514", true},
      {"[::1]:514", true},
      {"", false},
      {"localhost:", false},
      {":514", false},
      {"localhost:0", false},
      {"localhost:70000", false},
      {"a b:514", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const char *why = NULL;
    bool good = syslog_server_check(rows[i].server, &why) == WSL_OK;
    if (good != rows[i].good || (!good && why == NULL)) fail_msg("\"%s\"", rows[i].server);
  }
  char path[109];
  const char *why = NULL;
  memset(path, 'x', sizeof path - 1);
  path[108] = '\0';
  assert_int_equal(syslog_server_check(path, &why), WSL_INVALID);
  path[107] = '\0';
  assert_int_equal(syslog_server_check(path, &why), WSL_OK);
}

static int listen_at(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

static void a_long_line_arrives_whole(void **state) {
  (void)state;
  static const char path[] = "syslog-test-socket";
  const struct timespec time = {784111777, 5000000};
  struct syslog_settings settings = {path, "a-name-of-more-than-forty-eight-characters-in-which-all-is-said",
                                     SYSLOG_RFC5424, SYSLOG_DAEMON};
  char text[LOG_TEXT_MAX], got[4096], why[256];
  enum syslog_daemon daemon;
  unlink(path);
  int fd = listen_at(path);
  memset(text, 'y', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  syslog_output_send(&time, LOG_ERROR, 1, "nobody listens yet");
  assert_int_equal(syslog_output_open(&settings, &daemon, why, sizeof why), WSL_OK);
  assert_int_equal(daemon, SYSLOG_THERE);
  syslog_output_send(&time, LOG_ERROR, UINT64_MAX, text);
  ssize_t len = recv(fd, got, sizeof got, 0);
  assert_true(len > (ssize_t)sizeof text);
  assert_memory_equal(got, "<27>1 1994-11-06T08:49:37.005Z ", 31);
  assert_memory_equal(got + len - (sizeof text - 1), text, sizeof text - 1);
  got[len] = '\0';
  assert_non_null(strstr(got, " a-name-of-more-than-forty-eight-characters-in-wh "));
  assert_non_null(strstr(got, " - - [ffffffffffffffff] yyy"));
  syslog_output_close();
  syslog_output_send(&time, LOG_ERROR, 1, "nor now");
  assert_true(recv(fd, got, sizeof got, 0) < 0);
  close(fd);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(where_it_may_be),
      cmocka_unit_test(a_long_line_arrives_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
