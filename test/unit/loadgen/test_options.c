/* wsluice-bench's command line: defaults, values, and one clear line for each thing that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "loadgen/option_table.h"
#include "loadgen/options.h"

#define WORDS_MAX 16
#define URL       "ws://localhost:1/"

static struct options options;
static char why[512];

/* Parses a line of words separated by single blanks. */
static int parse(const char *line) {
  static char copy[1024];
  const char *words[WORDS_MAX] = {"wsluice-bench"};
  int count = 1;
  (void)snprintf(copy, sizeof copy, "%s", line);
  for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
    words[count++] = word;
  why[0] = '\0';
  return options_parse(&options, count, words, why, sizeof why);
}

static void take(const char *line) {
  if (parse(line) != WSL_OK) fail_msg("%s: %s", line, why);
}

static void refuse(const char *line, const char *expected) {
  if (parse(line) != WSL_INVALID) fail_msg("taken: %s", line);
  if (strstr(why, expected) == NULL) fail_msg("%s: \"%s\" and not \"%s\"", line, why, expected);
  assert_null(strchr(why, '\n'));
}

static void test_defaults(void **state) {
  (void)state;
  take(URL);
  assert_int_equal(options.action, ACTION_MEASURE);
  assert_int_equal(options.mode, MODE_ECHO);
  assert_int_equal(options.size, 64);
  assert_int_equal(options.connections, 1);
  assert_int_equal(options.duration_ms, 5000);
  assert_int_equal(options.warmup_ms, 1000);
  assert_int_equal(options.rate, 0);
  assert_int_equal(options.window, 1);
  assert_int_equal(options.frame_mask, FRAME_MASK_RANDOM);
  assert_int_equal(options.progress, PROGRESS_ON_TERMINAL);
  assert_null(options.backend_text);
  take("--mode up " URL);
  assert_int_equal(options.size, 65536);
  take("--mode connect " URL);
  assert_int_equal(options.size, 64);
  assert_int_equal(options.messages, 1);
}

static void test_values(void **state) {
  (void)state;
  take("--mode=up --size=1K --connections 7 " URL
       " --duration 500ms --warmup=0 --rate 100 --text --no-verify");
  assert_int_equal(options.mode, MODE_UP);
  assert_int_equal(options.size, 1024);
  assert_int_equal(options.connections, 7);
  assert_int_equal(options.duration_ms, 500);
  assert_int_equal(options.warmup_ms, 0);
  assert_int_equal(options.rate, 100);
  assert_true(options.text && options.no_verify && !options.insecure);
  take("--backend unix:/run/b --pid 12 --pid=13 --frame-mask zero --json - --quiet " URL);
  assert_string_equal(options.backend.unix_path, "/run/b");
  assert_int_equal(options.pids[0], 12);
  assert_int_equal(options.pids[1], 13);
  assert_int_equal(options.frame_mask, FRAME_MASK_ZERO);
  assert_string_equal(options.json_path, "-");
  assert_int_equal(options.progress, PROGRESS_NEVER);
  take(
      "--header X-A:b --header=C:d --subprotocol mqtt --origin http://o --cafile f --insecure --window "
      "8 " URL);
  assert_int_equal(options.headers.count, 2);
  assert_string_equal(options.headers.values[1], "C:d");
  assert_int_equal(options.window, 8);
  take("--mode connect --messages 0 " URL);
  assert_int_equal(options.messages, 0);
}

static void test_actions(void **state) {
  (void)state;
  take("--help");
  assert_int_equal(options.action, ACTION_HELP);
  take("-h");
  assert_int_equal(options.action, ACTION_HELP);
  take("--version");
  assert_int_equal(options.action, ACTION_VERSION);
  take("--selftest");
  assert_int_equal(options.action, ACTION_SELFTEST);
  take("--serve source --backend 127.0.0.1:1");
  assert_int_equal(options.action, ACTION_SERVE);
  assert_int_equal(options.serve, BACKEND_SOURCE);
  take("--serve sink --backend 127.0.0.1:1");
  assert_int_equal(options.action, ACTION_SERVE);
}

static void test_refusals(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"", "no URL"},
      {"--mode up", "no URL"},
      {URL " " URL, "two URLs"},
      {"--unknown " URL, "unknown option \"--unknown\""},
      {"--mod up " URL, "unknown option"},
      {"-x", "unknown option \"-x\""},
      {"--json - --histogram - " URL, "both write to standard output"},
      {"--source-address 127.0.0.1 ws+unix:/x", "--source-address is an IP address"},
      {"--mode", "--mode: needs a value"},
      {"--mode=sideways " URL, "--mode: not up, down"},
      {"--text=1 " URL, "--text: takes no value"},
      {"--size 0 " URL, "--size: too small"},
      {"--size x " URL, "--size: "},
      {"--size 2G " URL, "--size: "},
      {"--connections 0 " URL, "--connections: too small"},
      {"--connections -1 " URL, "--connections: "},
      {"--duration 0 " URL, "--duration: too small"},
      {"--duration 1d " URL, "--duration: "},
      {"--window 0 " URL, "--window: too small"},
      {"--window 65537 " URL, "--window: "},
      {"--pid x " URL, "--pid: "},
      {"--pid 0 " URL, "--pid: 0 is no process"},
      {"--source-address nowhere " URL, "--source-address: "},
      {"--header nonsense " URL, "--header: give it as"},
      {"--header :x " URL, "--header: give it as"},
      {"--backend nowhere " URL, "--backend: "},
      {"--serve sink", "--serve: needs --backend"},
      {"--serve sink --backend 127.0.0.1:1 " URL, "--serve: only serves"},
      {"--serve all --backend 127.0.0.1:1", "--serve: not sink"},
      {"--mode down --rate 5 " URL, "--rate goes with"},
      {"--rate 5 --window 2 " URL, "exclude each other"},
      {"--mode up --window 2 " URL, "--window goes with"},
      {"--messages 0 " URL, "--messages goes with"},
      {"--mode connect --messages -1 " URL, "--messages: "},
      {"--mode connect tcp://localhost:1", "tcp:// has none"},
      {"--mode up --histogram f " URL, "--histogram goes with"},
      {"http://localhost", "\"http://localhost\": not a ws://"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    refuse(rows[i][0], rows[i][1]);
}

static void test_no_line_end_gets_into_the_request(void **state) {
  (void)state;
  static const char *const names[] = {"--header", "--subprotocol", "--origin"};
  for (size_t i = 0; i < 3; i++) {
    const char *words[] = {"wsluice-bench", names[i], "X: y\r\nZ: 1", URL};
    assert_int_equal(options_parse(&options, 4, words, why, sizeof why), WSL_INVALID);
    assert_non_null(strstr(why, "control character"));
  }
}

static void test_too_many(void **state) {
  (void)state;
  const char *words[2 * OPTIONS_LIST_MAX + 3] = {"wsluice-bench"};
  for (size_t i = 0; i <= OPTIONS_LIST_MAX; i++) {
    words[1 + 2 * i] = "--pid";
    words[2 + 2 * i] = "1";
  }
  assert_int_equal(options_parse(&options, 2 * OPTIONS_LIST_MAX + 3, words, why, sizeof why), WSL_INVALID);
  assert_string_equal(why, "--pid: given too often");
}

/* Every option is in --help, and no line of it is wider than a terminal of a hundred columns. */
static void test_help(void **state) {
  (void)state;
  char *text = NULL;
  size_t len = 0;
  FILE *out = open_memstream(&text, &len);
  options_print_help(out);
  (void)fclose(out);
  for (size_t i = 0; i < bench_option_table_len; i++) {
    char name[64];
    const struct bench_option *spec = &bench_option_table[i];
    (void)snprintf(name, sizeof name, spec->kind == BENCH_OPTION_SECTION ? "\n%s:\n" : "\n  --%s ",
                   spec->name);
    if (strstr(text, name) == NULL) fail_msg("not in --help: %s", spec->name);
  }
  for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
    if (strcspn(line, "\n") > 100) fail_msg("too wide: %.100s", line);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_defaults), cmocka_unit_test(test_values),
      cmocka_unit_test(test_actions),  cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_too_many), cmocka_unit_test(test_no_line_end_gets_into_the_request),
      cmocka_unit_test(test_help),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
