/* What the program relies on of this kernel: accepted connections inherit all that their listener was given.
 * And what an operator may ask of it: refused in words, or said what it was cut to.
 */
#include "loopback.h"

#include <netinet/tcp.h>

#include "core/error.h"
#include "core/log.h"
#include "net/privileged.h"
#include "net/socket_system.h"
#include "net/socket_tuning.h"

#define HUGE_BUFFER (1 << 30) /* no net.core.wmem_max is as large */

static int option_of(int fd, int level, int name) {
  int value = -1;
  socklen_t len = sizeof value;
  assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
  return value;
}

static void expect_tuned(int fd, const struct socket_tuning *tuning) {
  assert_int_not_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 0);
  assert_int_not_equal(option_of(fd, SOL_SOCKET, SO_OOBINLINE), 0);
  assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), tuning->keepalive_idle_s != 0);
  if (tuning->keepalive_idle_s != 0) {
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), tuning->keepalive_idle_s);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), tuning->keepalive_interval_s);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPCNT), tuning->keepalive_probes);
  }
  /* Linux doubles them. */
  if (tuning->send_buffer != 0)
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_SNDBUF), 2 * tuning->send_buffer);
  if (tuning->receive_buffer != 0)
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_RCVBUF), 2 * tuning->receive_buffer);
  if (tuning->congestion_control == NULL) return;
  char name[CONGESTION_NAME_MAX] = "";
  socklen_t len = sizeof name;
  assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
  assert_string_equal(name, tuning->congestion_control);
}

/* A client that comes before or after accept(): the kernel clones the socket when the handshake ends. */
static void expect_inherited(const char *host, const struct socket_tuning *tuning) {
  struct address any, bound = {.len = sizeof bound.storage};
  assert_true(address_parse_literal(host, 0, &any));
  int listener = privileged_listen(&any, false, LISTEN_ALONE, tuning, 8);
  if (listener == WSL_UNSUPPORTED || listener == WSL_NO_ADDRESS) return; /* no IPv6 here */
  assert_true(listener >= 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&bound.storage, &bound.len), 0);
  int client = socket(bound.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(client, (struct sockaddr *)&bound.storage, bound.len), 0);
  int accepted = accept(listener, NULL, NULL);
  assert_true(accepted >= 0);
  expect_tuned(accepted, tuning);
  if (tuning->notsent_lowat != 0)
    assert_int_equal(option_of(accepted, IPPROTO_TCP, TCP_NOTSENT_LOWAT), tuning->notsent_lowat);
  close(client);
  close(accepted);
  close(listener);
}

static void accepted_connections_inherit_everything(void **state) {
  (void)state;
  const struct socket_tuning off = {.keepalive_idle_s = 0};
  const struct socket_tuning all = {.send_buffer = 100000,
                                    .receive_buffer = 200000,
                                    .notsent_lowat = 16384,
                                    .keepalive_idle_s = 7,
                                    .keepalive_interval_s = 8,
                                    .keepalive_probes = 9,
                                    .fastopen_queue = 5,
                                    .congestion_control = "reno"};
  static const char *const hosts[] = {"127.0.0.1", "::1"};
  for (int i = 0; i < 2; i++) {
    expect_inherited(hosts[i], &socket_tuning_default);
    expect_inherited(hosts[i], &off);
    expect_inherited(hosts[i], &all);
  }
}

static void dialled_connections_get_the_same(void **state) {
  (void)state;
  const struct socket_tuning all = {.send_buffer = 100000,
                                    .receive_buffer = 200000,
                                    .keepalive_idle_s = 7,
                                    .keepalive_interval_s = 8,
                                    .keepalive_probes = 9,
                                    .congestion_control = "reno"};
  int families[] = {AF_INET, AF_INET6};
  for (int i = 0; i < 2; i++) {
    int fd = socket_create(families[i]);
    if (fd < 0) continue; /* no IPv6 here */
    socket_tune_dialled(fd, &all);
    expect_tuned(fd, &all);
    close(fd);
  }
}

static void nothing_is_set_that_was_not_asked_for(void **state) {
  (void)state;
  int plain = socket_create(AF_INET), tuned = socket_create(AF_INET);
  socket_tune_listener(tuned, &socket_tuning_default);
  int same[] = {SO_SNDBUF, SO_RCVBUF};
  for (int i = 0; i < 2; i++)
    assert_int_equal(option_of(plain, SOL_SOCKET, same[i]), option_of(tuned, SOL_SOCKET, same[i]));
  assert_int_equal(option_of(plain, IPPROTO_TCP, TCP_NOTSENT_LOWAT),
                   option_of(tuned, IPPROTO_TCP, TCP_NOTSENT_LOWAT));
  close(plain);
  close(tuned);
}

static void what_the_machine_lacks_is_named(void **state) {
  (void)state;
  char why[256] = "";
  const struct socket_tuning unknown = {.congestion_control = "nobodys"};
  assert_int_equal(socket_tuning_check(&unknown, why, sizeof why), WSL_UNSUPPORTED);
  assert_non_null(strstr(why, "--congestion-control \"nobodys\": this machine has only"));
  assert_non_null(strstr(why, "reno")); /* always built in */
  const struct socket_tuning known = {.congestion_control = "reno"};
  assert_int_equal(socket_tuning_check(&known, why, sizeof why), WSL_OK);
  assert_int_equal(socket_tuning_check(&socket_tuning_default, why, sizeof why), WSL_OK);
}

static char logged[1024];

static void keep_line(enum log_level level, uint64_t id, const char *format, const char *text) {
  (void)level;
  (void)id;
  (void)format;
  size_t have = strlen(logged);
  (void)snprintf(logged + have, sizeof logged - have, "%s\n", text);
}

static void what_the_machine_cuts_is_said(void **state) {
  (void)state;
  char why[256] = "";
  const struct socket_tuning huge = {.send_buffer = HUGE_BUFFER, .receive_buffer = HUGE_BUFFER};
  log_set_sink(keep_line);
  assert_int_equal(socket_tuning_check(&huge, why, sizeof why), WSL_OK);
  log_set_sink(NULL);
  assert_non_null(strstr(logged, "--send-buffer: the system allows"));
  assert_non_null(strstr(logged, "--receive-buffer: the system allows"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accepted_connections_inherit_everything),
      cmocka_unit_test(dialled_connections_get_the_same),
      cmocka_unit_test(nothing_is_set_that_was_not_asked_for),
      cmocka_unit_test(what_the_machine_lacks_is_named),
      cmocka_unit_test(what_the_machine_cuts_is_said),
  };
  return cmocka_run_group_tests_name("net/socket_tuning", tests, NULL, NULL);
}
