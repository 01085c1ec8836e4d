/* Options about sockets: what reaches the settings, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/option/options.h"
#include "core/error.h"

#define WHY_MAX 256

static struct options options;

static int parse(const char *const *words, const char *const *environment, char why[WHY_MAX]) {
  const char *argv[16] = {"wsluice", "6080", "h:1"};
  int argc = 3;
  for (; *words != NULL; words++)
    argv[argc++] = *words;
  why[0] = '\0';
  return options_parse(&options, argc, argv, environment, why, WHY_MAX);
}

static const char *const no_environment[] = {NULL};

static void expect_ok(const char *const *words) {
  char why[WHY_MAX];
  if (parse(words, no_environment, why) != WSL_OK) fail_msg("refused: %s", why);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void all_reach_the_settings(void **state) {
  (void)state;
  expect_ok(WORDS("--keepalive=1m,15s,3", "--send-buffer=256K", "--receive-buffer", "1M",
                  "--notsent-lowat=16K", "--congestion-control=bbr", "--fastopen=9",
                  "--source-address=127.0.0.2", "--source-address=::1"));
  const struct socket_tuning *tuning = &options.server.sockets;
  assert_int_equal(tuning->keepalive_idle_s, 60);
  assert_int_equal(tuning->keepalive_interval_s, 15);
  assert_int_equal(tuning->keepalive_probes, 3);
  assert_int_equal(tuning->send_buffer, 262144);
  assert_int_equal(tuning->receive_buffer, 1048576);
  assert_int_equal(tuning->notsent_lowat, 16384);
  assert_string_equal(tuning->congestion_control, "bbr");
  assert_int_equal(tuning->fastopen_queue, 9);
  const struct source_addresses *sources = &options.server.sources;
  assert_int_equal(sources->count, 2);
  assert_int_equal(sources->values[0].storage.ss_family, AF_INET);
  assert_int_equal(sources->values[1].storage.ss_family, AF_INET6);
}

static void without_them_the_system_decides_all_but_keepalive(void **state) {
  (void)state;
  expect_ok((const char *const[]){NULL});
  assert_memory_equal(&options.server.sockets, &socket_tuning_default, sizeof socket_tuning_default);
  assert_int_equal(options.server.sockets.keepalive_idle_s, 60);
  assert_int_equal(options.server.sockets.keepalive_interval_s, 15);
  assert_int_equal(options.server.sockets.keepalive_probes, 4);
  assert_int_equal(options.server.sources.count, 0);
}

static void source_addresses_come_from_a_variable_too(void **state) {
  (void)state;
  char why[WHY_MAX];
  static const char *const environment[] = {"WSLUICE_SOURCE_ADDRESS=127.0.0.2, 127.0.0.3 ::1",
                                            "WSLUICE_KEEPALIVE=30,5", NULL};
  if (parse((const char *const[]){NULL}, environment, why) != WSL_OK) fail_msg("refused: %s", why);
  assert_int_equal(options.server.sources.count, 3);
  assert_int_equal(options.server.sources.values[2].storage.ss_family, AF_INET6);
  assert_int_equal(options.server.sockets.keepalive_interval_s, 5);
}

static void keepalive_has_up_to_three_parts(void **state) {
  (void)state;
  static const struct {
    const char *word;
    int idle, interval, probes; /* idle -1: refused */
  } rows[] = {
      {"60", 60, 15, 4},
      {"0", 0, 15, 4},
      {"1,2", 1, 2, 4},
      {"1,2,3", 1, 2, 3},
      {"2m,500s", 120, 500, 4},
      {"32767,32767,127", 32767, 32767, 127},
      {"1,2,3,4", -1, 0, 0},
      {"", -1, 0, 0},
      {",", -1, 0, 0},
      {"1,", -1, 0, 0},
      {"1,,3", -1, 0, 0},
      {"0,1", -1, 0, 0},
      {"1,0", -1, 0, 0},
      {"1,1,0", -1, 0, 0},
      {"1.5", -1, 0, 0},
      {"500ms", -1, 0, 0},
      {"-1", -1, 0, 0},
      {"1,2,128", -1, 0, 0},
      {"1,2,3s", -1, 0, 0},
      {"32768", -1, 0, 0},
      {"never", -1, 0, 0},
      {"1 ,2", -1, 0, 0},
      {"000000000000000000000000000000000000000000000000000000000000000001", -1, 0, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char why[WHY_MAX];
    int error = parse(WORDS("--keepalive", rows[i].word), no_environment, why);
    if ((error == WSL_OK) != (rows[i].idle >= 0)) fail_msg("\"%s\": %s", rows[i].word, error ? why : "taken");
    if (error != WSL_OK) {
      assert_non_null(strstr(why, "--keepalive \""));
      continue;
    }
    assert_int_equal(options.server.sockets.keepalive_idle_s, rows[i].idle);
    assert_int_equal(options.server.sockets.keepalive_interval_s, rows[i].interval);
    assert_int_equal(options.server.sockets.keepalive_probes, rows[i].probes);
  }
}

static void nonsense_is_refused_in_words(void **state) {
  (void)state;
  static const struct {
    const char *word, *says;
  } rows[] = {
      {"--send-buffer=-1", "--send-buffer"},
      {"--send-buffer=2G", "--send-buffer"},
      {"--receive-buffer=much", "--receive-buffer"},
      {"--send-buffer=1", "--send-buffer \"1\": must be 4K or more"},
      {"--send-buffer=4095", "must be 4K or more"},
      {"--receive-buffer=1", "--receive-buffer \"1\": must be 4K or more"},
      {"--receive-buffer=3K", "0 to leave the size to the system"},
      {"--receive-buffer=", "--receive-buffer"},
      {"--notsent-lowat=", "--notsent-lowat"},
      {"--fastopen=65536", "--fastopen"},
      {"--congestion-control=", "1 to 15 letters"},
      {"--congestion-control=../cubic", "1 to 15 letters"},
      {"--congestion-control=abcdefghijklmnop", "1 to 15 letters"},
      {"--source-address=localhost", "IPv4 or IPv6 address"},
      {"--source-address=", "IPv4 or IPv6 address"},
      {"--source-address=10.0.0.1:80", "IPv4 or IPv6 address"},
      {"--source-address=0.0.0.0", "IPv4 or IPv6 address"},
      {"--source-address=127.0.0.1,127.0.0.2", "IPv4 or IPv6 address"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char why[WHY_MAX];
    if (parse(WORDS(rows[i].word), no_environment, why) != WSL_INVALID) fail_msg("%s: taken", rows[i].word);
    if (strstr(why, rows[i].says) == NULL) fail_msg("%s: says \"%s\"", rows[i].word, why);
  }
}

static void buffers_have_a_least_size_and_0_is_none(void **state) {
  (void)state;
  char why[WHY_MAX];
  expect_ok(WORDS("--send-buffer=4K", "--receive-buffer=4096", "--notsent-lowat=1"));
  assert_int_equal(options.server.sockets.send_buffer, SOCKET_BUFFER_MIN);
  assert_int_equal(options.server.sockets.receive_buffer, SOCKET_BUFFER_MIN);
  expect_ok(WORDS("--send-buffer=0", "--receive-buffer=0"));
  assert_int_equal(options.server.sockets.send_buffer, 0);
  static const char *const environment[] = {"WSLUICE_RECEIVE_BUFFER=1", NULL};
  assert_int_equal(parse((const char *const[]){NULL}, environment, why), WSL_INVALID);
  assert_non_null(strstr(why, "WSLUICE_RECEIVE_BUFFER"));
  assert_non_null(strstr(why, "must be 4K or more"));
}

/* As many as there is room for, and none behind it. */
static void a_source_too_many_is_refused(void **state) {
  (void)state;
  char why[WHY_MAX], value[SOURCE_ADDRESSES_MAX * 10u + 64u] = "WSLUICE_SOURCE_ADDRESS=";
  const char *const environment[] = {value, NULL};
  for (size_t i = 0; i < SOURCE_ADDRESSES_MAX; i++)
    strcat(value, "127.0.0.2 ");
  if (parse((const char *const[]){NULL}, environment, why) != WSL_OK) fail_msg("refused: %s", why);
  assert_int_equal(options.server.sources.count, SOURCE_ADDRESSES_MAX);
  strcat(value, "127.0.0.2");
  assert_int_equal(parse((const char *const[]){NULL}, environment, why), WSL_INVALID);
  assert_non_null(strstr(why, "too many times"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_reach_the_settings),
      cmocka_unit_test(without_them_the_system_decides_all_but_keepalive),
      cmocka_unit_test(source_addresses_come_from_a_variable_too),
      cmocka_unit_test(keepalive_has_up_to_three_parts),
      cmocka_unit_test(nonsense_is_refused_in_words),
      cmocka_unit_test(buffers_have_a_least_size_and_0_is_none),
      cmocka_unit_test(a_source_too_many_is_refused),
  };
  return cmocka_run_group_tests_name("app/option_sockets", tests, NULL, NULL);
}
