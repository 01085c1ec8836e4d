/* The command line: what is taken, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/option/options.h"
#include "app/option/table.h"
#include "core/error.h"
#include "route/token/kinds.h"

#define WORDS_MAX 80
#define WHY_MAX   256

/* 108 bytes: one more than a Unix socket's path may have. */
#define TWELVE    "/twelve-byte"
#define LONG_PATH TWELVE TWELVE TWELVE TWELVE TWELVE TWELVE TWELVE TWELVE TWELVE

static struct options options;

/* Parses a NULL-terminated list of words behind the program's name; the options point into them until the
 * next call. */
static int parse(const char *const *words, char *why) {
  static const char *argv[WORDS_MAX + 1];
  argv[0] = "wsluice";
  int argc = 1;
  while (words[argc - 1] != NULL) {
    argv[argc] = words[argc - 1];
    argc++;
  }
  argv[argc] = NULL;
  static const char *const no_environment[] = {NULL};
  return options_parse(&options, argc, argv, no_environment, why, WHY_MAX);
}

#define WORDS(...)        \
  (const char *const[]) { \
    __VA_ARGS__, NULL     \
  }

static void expect_ok(const char *const *words) {
  char why[WHY_MAX] = "";
  if (parse(words, why) != WSL_OK) fail_msg("refused: %s", why);
}

struct endpoint_case {
  const char *listen, *target;
  const char *listen_host;
  uint16_t listen_port;
  const char *target_host;
  uint16_t target_port;
};

static void test_positionals(void **state) {
  (void)state;
  static const struct endpoint_case cases[] = {
      {"6080", "localhost:5900", "", 6080, "localhost", 5900},
      {":6080", "localhost:5900", "", 6080, "localhost", 5900},
      {"0.0.0.0:6080", "10.0.0.1:22", "0.0.0.0", 6080, "10.0.0.1", 22},
      {"[::1]:6080", "[fe80::1%lo]:23", "::1", 6080, "fe80::1%lo", 23},
      {"::1:6080", "::1:23", "::1", 6080, "::1", 23},
      {"0", "db.example:5432", "", 0, "db.example", 5432},
      {"6080", ":5900", "", 6080, "localhost", 5900},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct endpoint_case *c = &cases[i];
    expect_ok(WORDS(c->listen, c->target));
    assert_int_equal(options.action, OPTIONS_RUN);
    assert_string_equal(options.server.listen_host, c->listen_host);
    assert_int_equal(options.server.listen_port, c->listen_port);
    assert_string_equal(options.server.target.host, c->target_host);
    assert_int_equal(options.server.target.port, c->target_port);
    assert_string_equal(options.server.target.text, c->target);
    assert_null(options.server.target.unix_path);
  }
}

static void test_options_stand_anywhere_and_in_both_forms(void **state) {
  (void)state;
  static const char *const orders[][6] = {{"--heartbeat", "3", "6080", "h:1", NULL, NULL},
                                          {"6080", "--heartbeat", "3", "h:1", NULL, NULL},
                                          {"6080", "h:1", "--heartbeat", "3", NULL, NULL},
                                          {"6080", "h:1", "--heartbeat=3", NULL, NULL, NULL},
                                          {"--heartbeat=3s", "--", "6080", "h:1", NULL, NULL}};
  for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
    expect_ok(orders[i]);
    assert_int_equal(options.server.session.heartbeat_ms, 3000);
    assert_int_equal(options.server.listen_port, 6080);
  }
}

static void test_empty_values_of_websockify_are_as_if_not_given(void **state) {
  (void)state;
  expect_ok(WORDS("--web=", "--cert", "", "--key=", "--record=", "--log-file=", "6080", "h:1"));
  assert_null(options.server.web_dir);
  assert_null(options.server.tls.server.key_path);
  assert_null(options.record);
  assert_null(options.log_file);
  assert_int_equal(options.notes_count, 1);
}

static void test_every_option_reaches_the_settings(void **state) {
  (void)state;
  expect_ok(WORDS("6080", "h:1", "--dial-timeout=1.5", "--dial-first", "--origin", "same", "--origin=null",
                  "--max-sessions=7", "--web=/srv", "--subprotocol=mqtt", "--subprotocol", "irc",
                  "--heartbeat=0", "--pong-timeout=500ms", "--session-idle-timeout=2m", "--max-frame-size=1K",
                  "--refuse-text", "--close-timeout=3", "--close-timeout-max=4", "--drain-timeout=5",
                  "--handshake-timeout=6", "--max-request-line=100", "--max-head=2K", "--max-header-lines=9",
                  "--workers=2", "--buffer-size=8K", "--buffer-memory=1M", "--head-memory=1M", "--backlog=5",
                  "--log-level=debug"));
  const struct server_settings *s = &options.server;
  assert_int_equal(s->session.dial_timeout_ms, 1500);
  assert_int_equal(s->dial_order, DIAL_BEFORE_UPGRADE);
  assert_int_equal(s->origins.count, 2);
  assert_string_equal(s->origins.rules[0], "same");
  assert_string_equal(s->origins.rules[1], "null");
  assert_int_equal(s->max_sessions, 7);
  assert_string_equal(s->web_dir, "/srv");
  assert_int_equal(s->subprotocols.count, 2);
  assert_string_equal(s->subprotocols.names[1], "irc");
  assert_int_equal(s->session.heartbeat_ms, 0);
  assert_int_equal(s->session.pong_timeout_ms, 500);
  assert_int_equal(s->session.idle_timeout_ms, 120000);
  assert_int_equal(s->session.max_frame_size, 1024);
  assert_int_equal(s->session.text, TEXT_REFUSE);
  assert_int_equal(s->session.close_timeout_ms, 3000);
  assert_int_equal(s->session.close_timeout_max_ms, 4000);
  assert_int_equal(s->drain_timeout_ms, 5000);
  assert_int_equal(s->handshake_timeout_ms, 6000);
  assert_int_equal(s->head.request_line_max, 100);
  assert_int_equal(s->head.head_max, 2048);
  assert_int_equal(s->head.fields_max, 9);
  assert_int_equal(s->workers, 2);
  assert_int_equal(s->buffer_size, 8192);
  assert_int_equal(s->buffer_memory, 1048576);
  assert_int_equal(s->head_memory, 1048576);
  assert_int_equal(s->backlog, 5);
  assert_int_equal(options.log_level, LOG_DEBUG);
}

static void test_options_of_text_clients_reach_the_settings(void **state) {
  (void)state;
  const struct server_settings *s = &options.server;
  expect_ok(WORDS("6080", "h:1"));
  assert_int_equal(s->frames.mode, FRAMES_BINARY);
  assert_int_equal(s->frames.line_end, WSL_LINE_END_LF);
  assert_int_equal(s->session.max_line, 65536);
  assert_int_equal(s->session.invalid_text, INVALID_TEXT_REPLACED);
  expect_ok(WORDS("6080", "h:1", "--frames=lines", "--line-end=crlf", "--max-line=4K", "--invalid-utf8=close",
                  "--subprotocol=base64"));
  assert_int_equal(s->frames.mode, FRAMES_LINES);
  assert_int_equal(s->frames.line_end, WSL_LINE_END_CRLF);
  assert_int_equal(s->session.max_line, 4096);
  assert_int_equal(s->session.invalid_text, INVALID_TEXT_CLOSES);
  assert_string_equal(s->subprotocols.names[0], "base64");
}

static void test_options_of_websockify_reach_the_settings(void **state) {
  (void)state;
  expect_ok(WORDS("6080", "h:1", "--cert=/c.pem", "--key=/k.pem", "--key-password=pw", "--ssl-only",
                  "--verify-client", "--cafile=/ca.pem", "--ssl-version=tlsv1_2", "--ssl-ciphers=HIGH",
                  "--ssl-target", "--ssl-target-ca=/tca.pem", "--ssl-target-name=n.example",
                  "--ssl-target-insecure", "-6", "--file-only", "-v", "--log-file=/l", "--log-format=json",
                  "--timeout=60", "--idle-timeout", "5", "--run-once", "-D", "--pid-file=/p"));
  const struct server_settings *s = &options.server;
  assert_string_equal(s->tls.server.cert_path, "/c.pem");
  assert_string_equal(s->tls.server.key_path, "/k.pem");
  assert_string_equal(options.key_password, "pw");
  assert_int_equal(options.ssl_only, 1);
  assert_int_equal(s->tls.server.client_certificates, TLS_CLIENT_CERTIFICATES_REQUIRED);
  assert_string_equal(s->tls.server.ca_path, "/ca.pem");
  assert_int_equal(s->tls.server.minimum, TLS_VERSION_1_2);
  assert_string_equal(options.ssl_ciphers, "HIGH");
  assert_int_equal(s->target_tls, TARGET_TLS);
  assert_string_equal(s->target_tls_options.ca_path, "/tca.pem");
  assert_string_equal(s->target_tls_options.name, "n.example");
  assert_int_equal(s->target_tls_options.trust, TLS_TRUST_ANYBODY);
  assert_int_equal(s->listen_family, LISTEN_PREFER_IPV6);
  assert_int_equal(options.log_level, LOG_DEBUG);
  assert_string_equal(options.log_file, "/l");
  assert_int_equal(options.log_format, LOG_FORMAT_JSON);
  assert_int_equal(s->listen_time_ms, 60000);
  assert_int_equal(s->idle_exit_ms, 5000);
  assert_true(s->run_once);
  assert_int_equal(options.daemon, 1);
  assert_string_equal(options.pid_file, "/p");
}

static void test_defaults_of_what_websockify_knows(void **state) {
  (void)state;
  expect_ok(WORDS("6080", "h:1"));
  const struct server_settings *s = &options.server;
  assert_null(s->tls.server.cert_path);
  assert_int_equal(s->tls.server.client_certificates, TLS_CLIENT_CERTIFICATES_IGNORED);
  assert_null(s->token_kind);
  assert_int_equal(s->token_place.kind, TOKEN_IN_QUERY);
  assert_string_equal(s->token_place.name, "token");
  assert_int_equal(s->token_timeout_ms, 5000);
  assert_int_equal(s->target_tls, TARGET_PLAIN);
  assert_int_equal(s->target_tls_options.trust, TLS_TRUST_VERIFIED);
  assert_int_equal(s->listen_family, LISTEN_PREFER_IPV4);
  assert_null(s->unix_listen);
  assert_int_equal(s->unix_listen_mode, 0600);
  assert_int_equal(s->listen_time_ms, 0);
  assert_int_equal(s->idle_exit_ms, 0);
  assert_false(s->run_once);
  assert_int_equal(options.log_format, LOG_FORMAT_TEXT);
}

static void test_abbreviations_mean_what_they_mean_to_websockify(void **state) {
  (void)state;
  expect_ok(
      WORDS("6080", "--heartb", "3", "h:1", "--ssl-o", "--log=/l", "--verb", "--max-fr=1K", "--web", "--x"));
  assert_int_equal(options.server.session.heartbeat_ms, 3000);
  assert_int_equal(options.ssl_only, 1);
  assert_string_equal(options.log_file, "/l"); /* not --log-level */
  assert_int_equal(options.log_level, LOG_DEBUG);
  assert_int_equal(options.max_frame_size, 1024);
  assert_string_equal(options.server.web_dir, "--x"); /* a value may look like an option */
}

static void expect_refused(const char *const *words, const char *reason) {
  char why[WHY_MAX] = "";
  assert_int_equal(parse(words, why), WSL_INVALID);
  if (strstr(why, reason) == NULL) fail_msg("%s", why);
}

static void test_a_program_for_each_client(void **state) {
  (void)state;
  expect_ok(WORDS("--exec", "bash", "--pty", "--pty-size", "120x40", "6080", "--", "-l", "--exec"));
  assert_string_equal(options.exec, "bash");
  assert_string_equal(options.exec_arguments[0], "-l");
  assert_string_equal(options.exec_arguments[1], "--exec");
  assert_null(options.exec_arguments[2]);
  assert_null(options.wrapped);
  assert_int_equal(options.pty_columns, 120);
  assert_int_equal(options.pty_rows, 40);
  expect_ok(WORDS("6080", "--exec", "cat"));
  assert_null(options.exec_arguments);
  expect_refused(WORDS("6080", "localhost:1", "--exec", "cat"), "no target is given with --exec");
  expect_refused(WORDS("6080", "--exec", "cat", "--ssl-target"), "is no TLS server");
  expect_refused(WORDS("6080", "localhost:1", "--exec-dir", "/"), "--exec-dir needs --exec");
  expect_refused(WORDS("6080", "--exec", "cat", "--pty", "--pty-size", "1001x1"), "80x24");
  expect_refused(WORDS("6080", "--exec", "cat", "--pty", "--pty-size", "0x1"), "80x24");
}

static void test_help_is_given_whatever_follows(void **state) {
  (void)state;
  expect_ok(WORDS("6080", "--help", "--bogus"));
  assert_int_equal(options.action, OPTIONS_HELP);
  expect_ok(WORDS("-vh", "x", "y", "z"));
  assert_int_equal(options.action, OPTIONS_HELP);
}

static void test_the_name_that_it_was_started_by(void **state) {
  (void)state;
  static const struct {
    const char *argv0, *self;
    bool as_websockify;
  } cases[] = {{"wsluice", "wsluice", false},
               {"/usr/bin/websockify", "websockify", true},
               {"./websockify3", "websockify3", true},
               {"../websockify/run", "run", false},
               {"", "wsluice", false},
               {"bin/", "wsluice", false}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *argv[] = {cases[i].argv0, "6080", NULL};
    char why[WHY_MAX];
    assert_int_equal(options_parse(&options, 2, argv, argv + 2, why, sizeof why), WSL_INVALID);
    assert_string_equal(options.self, cases[i].self);
    assert_int_equal(options.as_websockify, cases[i].as_websockify);
    assert_non_null(strstr(why, cases[i].self)); /* the usage line has it */
  }
  const char *nothing[] = {NULL};
  char why[WHY_MAX];
  assert_int_equal(options_parse(&options, 0, nothing, nothing, why, sizeof why), WSL_INVALID);
  assert_string_equal(options.self, "wsluice");
}

static void test_what_is_of_no_use_is_noted_and_taken(void **state) {
  (void)state;
  expect_ok(WORDS("6080", "h:1", "--libserver", "--file-only"));
  assert_int_equal(options.notes_count, 2);
  expect_ok(WORDS("6080", "h:1"));
  assert_int_equal(options.notes_count, 0);
}

static void test_lines_that_frames_are_too_short_for_are_noted(void **state) {
  (void)state;
  expect_ok(WORDS("6080", "h:1", "--frames=lines", "--max-line=100K"));
  assert_int_equal(options.notes_count, 1);
  expect_ok(WORDS("6080", "h:1", "--max-line=100K", "--max-frame-size=100K"));
  assert_int_equal(options.notes_count, 0);
  expect_ok(WORDS("6080", "h:1", "--max-frame-size=1K")); /* says nothing of lines */
  assert_int_equal(options.notes_count, 0);
}

static void test_modes_of_a_socket_file(void **state) {
  (void)state;
  static const struct {
    const char *word;
    int mode; /* -1: refused */
  } cases[] = {{"600", 0600}, {"0660", 0660}, {"0", 0},          {"7777", 07777}, {"17777", -1},
               {"", -1},      {"8", -1},      {"rw", -1},        {"0o660", -1},   {"-1", -1},
               {" 660", -1},  {"660 ", -1},   {"00000660", 0660}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char why[WHY_MAX];
    int error = parse(WORDS("--unix-listen=/x", "h:1", "--unix-listen-mode", cases[i].word), why);
    if ((error == WSL_OK) != (cases[i].mode >= 0))
      fail_msg("\"%s\": %s", cases[i].word, error ? why : "taken");
    if (error == WSL_OK) assert_int_equal(options.server.unix_listen_mode, cases[i].mode);
  }
}

static void test_defaults_are_those_of_the_design(void **state) {
  (void)state;
  expect_ok(WORDS("6080", "h:1"));
  const struct server_settings *s = &options.server;
  assert_int_equal(s->session.heartbeat_ms, 25000);
  assert_int_equal(s->session.pong_timeout_ms, 90000);
  assert_int_equal(s->session.idle_timeout_ms, 0);
  assert_int_equal(s->session.dial_timeout_ms, 10000);
  assert_int_equal(s->session.close_timeout_ms, 5000);
  assert_int_equal(s->session.close_timeout_max_ms, 60000);
  assert_int_equal(s->session.max_frame_size, 65536);
  assert_int_equal(s->handshake_timeout_ms, 10000);
  assert_int_equal(s->drain_timeout_ms, 0);
  assert_int_equal(s->head.request_line_max, 16384);
  assert_int_equal(s->head.head_max, 65536);
  assert_int_equal(s->head.fields_max, 100);
  assert_int_equal(s->dial_order, DIAL_AFTER_UPGRADE);
  assert_int_equal(s->session.text, TEXT_FORWARD);
  assert_int_equal(s->origins.count, 0);
}

static void test_modes_without_a_target(void **state) {
  (void)state;
  expect_ok(WORDS("--unix-target", "/run/x.sock", "6080"));
  assert_string_equal(options.server.target.unix_path, "/run/x.sock");
  expect_ok(WORDS("--demo"));
  assert_int_equal(options.action, OPTIONS_DEMO);
  assert_int_equal(options.server.listen_port, 6080);
  expect_ok(WORDS("--demo", "127.0.0.1:7000"));
  assert_int_equal(options.server.listen_port, 7000);
  expect_ok(WORDS("--unix-listen", "/run/w.sock", "h:1"));
  assert_string_equal(options.server.unix_listen, "/run/w.sock");
  assert_string_equal(options.server.target.host, "h");
  expect_ok(WORDS("--unix-listen", "/run/w.sock", "--unix-target", "/run/x.sock"));
  assert_string_equal(options.server.target.unix_path, "/run/x.sock");
  expect_ok(WORDS("--token-plugin", "TokenFile", "--token-source", "/t", "6080", "--host-token"));
  assert_ptr_equal(options.server.token_kind, &token_kind_file);
  assert_string_equal(options.server.token_source.argument, "/t");
  assert_int_equal(options.server.token_place.kind, TOKEN_IN_HOST);
  expect_ok(WORDS("--target-config", "/t", "6080"));
  assert_ptr_equal(options.server.token_kind, &token_kind_file);
  assert_string_equal(options.server.token_source.argument, "/t");
  expect_ok(WORDS("--inetd", "h:1"));
  assert_null(options.server.listen_host);
  assert_string_equal(options.server.target.host, "h");
  expect_ok(WORDS("--inetd", "--unix-target", "/run/x.sock"));
  assert_null(options.server.listen_host);
  expect_ok(WORDS("--help"));
  assert_int_equal(options.action, OPTIONS_HELP);
  expect_ok(WORDS("-V"));
  assert_int_equal(options.action, OPTIONS_VERSION);
}

/* Behind "--" and a place to listen: a program, and a target beside it where one is named. */
static void test_words_of_a_program(void **state) {
  (void)state;
  static const struct {
    const char *words[8];
    const char *program; /* NULL: none, the words are positionals */
    const char *target;
  } cases[] = {{{"6080", "--", "Xvnc", ":1", NULL}, "Xvnc", ""},
               {{"6080", "h:1", "--", "Xvnc", "--inetd", NULL}, "Xvnc", "h"},
               {{"--wrap-mode=ignore", "6080", "--", "Xvnc", NULL}, "Xvnc", ""},
               {{"--unix-listen=/x", "--", "Xvnc", NULL}, "Xvnc", ""},
               {{"--unix-listen=/x", "h:1", "--", "Xvnc", NULL}, "Xvnc", "h"},
               {{"--inetd", "--", "Xvnc", NULL}, "Xvnc", ""},
               {{"--unix-target=/x", "6080", "--", "Xvnc", NULL}, "Xvnc", ""},
               {{"--", "6080", "h:1", NULL}, NULL, "h"},
               {{"6080", "h:1", "--", NULL}, NULL, "h"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    expect_ok(cases[i].words);
    assert_int_equal(options.wrapped != NULL, cases[i].program != NULL);
    if (options.wrapped != NULL) assert_string_equal(options.wrapped[0], cases[i].program);
    assert_string_equal(options.target_host, cases[i].target);
    assert_int_equal(options.inetd, i == 5);
  }
}

/* What systemd hands down stands for a port, and leaves room for one. */
static void test_words_beside_sockets_of_systemd(void **state) {
  (void)state;
  static const struct {
    const char *words[4];
    const char *environment[3];
    int port; /* 0: none; -1: refused */
    const char *target;
  } cases[] = {{{"h:1", NULL}, {"LISTEN_FDS=1", NULL}, 0, "h"},
               {{"6080", "h:1", NULL}, {"LISTEN_FDS=1", NULL}, 6080, "h"},
               {{"h:1", NULL}, {"LISTEN_FDS=2", "WSLUICE_LISTEN=6081", NULL}, 6081, "h"},
               {{"--unix-target=/x", NULL}, {"LISTEN_FDS=1", NULL}, 0, ""},
               {{"--unix-target=/x", "6080", NULL}, {"LISTEN_FDS=1", NULL}, 6080, ""},
               {{NULL}, {"LISTEN_FDS=1", "WSLUICE_TARGET=h:1", NULL}, 0, "h"},
               {{"h:1", NULL}, {"LISTEN_FDS=0", NULL}, -1, ""},
               {{NULL}, {"LISTEN_FDS=1", NULL}, -1, ""},
               {{"6080", "h:1", "x", NULL}, {"LISTEN_FDS=1", NULL}, -1, ""}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *argv[6] = {"wsluice"};
    char why[WHY_MAX] = "";
    int argc = 1;
    while ((argv[argc] = cases[i].words[argc - 1]) != NULL)
      argc++;
    int error = options_parse(&options, argc, argv, cases[i].environment, why, WHY_MAX);
    if ((error != WSL_OK) != (cases[i].port < 0)) fail_msg("case %zu: %s", i, why);
    if (error != WSL_OK) continue;
    assert_string_equal(options.target_host, cases[i].target);
    assert_int_equal(options.server.listen_port, cases[i].port);
    assert_int_equal(options.server.listen_host != NULL, cases[i].port != 0);
  }
}

struct refusal {
  const char *name;
  const char *words[6];
  const char *says; /* part of the line */
};

static const struct refusal refusals[] = {
    {"nothing", {NULL}, "no port and no target"},
    {"no target", {"6080", NULL}, "no target given"},
    {"too many", {"6080", "h:1", "x", NULL}, "unexpected argument"},
    {"a program without a name", {"6080", "--", "", NULL}, "the name of the program"},
    {"a program beside the demo", {"--demo", "6080", "--", "Xvnc", NULL}, "not with -- PROGRAM"},
    {"a variable of no program", {"6080", "h:1", "--wrap-env=PORT", NULL}, "need a program"},
    {"a third word", {"6080", "h:1", "x", "--", "Xvnc", NULL}, "unexpected argument"},
    {"a mode of a program", {"6080", "--wrap-mode=never", "--", "Xvnc", NULL}, "exit, ignore or respawn"},
    {"a variable of a program", {"6080", "--wrap-env=A=B", "--", "Xvnc", NULL}, "name of a variable"},
    {"two options of websockify's begin so",
     {"6080", "h:1", "--tok=x", NULL},
     "ambiguous option: --tok (--token-plugin, --token-source?)"},
    {"two of ours begin so",
     {"6080", "h:1", "--max-f=1", "--max-h=1", NULL},
     "--max-head, --max-header-lines?"},
    {"a port beside inetd", {"--inetd", "6080", "h:1", NULL}, "no port is given with --inetd"},
    {"inetd and a Unix socket", {"--inetd", "--unix-listen=/x", "h:1", NULL}, "not with --unix-listen"},
    {"an option without a name", {"6080", "h:1", "--=x", NULL}, "unknown option -- "},
    {"unknown option", {"6080", "h:1", "--frobnicate", NULL}, "unknown option --frobnicate"},
    {"unknown with value", {"--frob=1", "6080", "h:1", NULL}, "unknown option --frob"},
    {"unknown letter", {"-x", "6080", "h:1", NULL}, "unknown option -x"},
    {"joined letters", {"-hx", NULL}, "unknown option -hx"},
    {"missing value", {"6080", "h:1", "--heartbeat", NULL}, "--heartbeat needs a value"},
    {"flag with value", {"6080", "h:1", "--dial-first=yes", NULL}, "takes no value"},
    {"no number", {"6080", "h:1", "--workers=two", NULL}, "--workers \"two\""},
    {"zero workers", {"6080", "h:1", "--workers=0", NULL}, "too small (between 1 and 1024)"},
    {"too many workers", {"6080", "h:1", "--workers=1025", NULL}, "too large (between 1 and 1024)"},
    {"words for workers", {"6080", "h:1", "--workers=all", NULL}, "not a whole number (between 1 and 1024)"},
    {"small buffers", {"6080", "h:1", "--buffer-size=1K", NULL}, "too small (between 4K and 16M)"},
    {"large buffers", {"6080", "h:1", "--buffer-size=17M", NULL}, "too large (between 4K and 16M)"},
    {"little memory", {"6080", "h:1", "--buffer-memory=1", NULL}, "too small (at least 64K)"},
    {"a long head", {"6080", "h:1", "--max-head=2M", NULL}, "too large (between 128 and 1M)"},
    {"no time to dial", {"6080", "h:1", "--dial-timeout=0", NULL}, "too small (between 1ms and 1h)"},
    {"a year of silence", {"6080", "h:1", "--heartbeat=8760h", NULL}, "too large (at most 24h)"},
    {"a low mark", {"6080", "h:1", "--notsent-lowat=2G", NULL}, "too large (at most 1G)"},
    {"negative time", {"6080", "h:1", "--heartbeat=-1", NULL}, "--heartbeat"},
    {"bad level", {"6080", "h:1", "--log-level=loud", NULL}, "error, warn, info or debug"},
    {"bad origin", {"6080", "h:1", "--origin=http://", NULL}, "--origin"},
    {"bad subprotocol", {"6080", "h:1", "--subprotocol=a b", NULL}, "one token"},
    {"bad frames", {"6080", "h:1", "--frames=utf8", NULL}, "binary, text, lines, base64 or auto"},
    {"frames in capitals", {"6080", "h:1", "--frames=TEXT", NULL}, "--frames"},
    {"bad line end", {"6080", "h:1", "--line-end=\\n", NULL}, "lf, crlf or cr"},
    {"no lines", {"6080", "h:1", "--max-line=0", NULL}, "too small (between 1 and 16M)"},
    {"long lines", {"6080", "h:1", "--max-line=17M", NULL}, "too large"},
    {"bad way with bad text", {"6080", "h:1", "--invalid-utf8=drop", NULL}, "replace or close"},
    {"bad listen port", {"70000", "h:1", NULL}, "listen address"},
    {"bad target port", {"6080", "h:0", NULL}, "target \""},
    {"target without port", {"6080", "localhost", NULL}, "target \""},
    {"a colon as the target", {"6080", ":", NULL}, "target \""},
    {"unclosed bracket", {"[::1:6080", "h:1", NULL}, "listen address"},
    {"empty word", {"", "h:1", NULL}, "listen address"},
    {"unix and target", {"--unix-target=/x", "6080", "h:1", NULL}, "--unix-target"},
    {"unix without port", {"--unix-target=/x", NULL}, "no port"},
    {"empty unix path", {"--unix-target=", "6080", NULL}, "Unix socket"},
    {"demo and target", {"--demo", "6080", "h:1", NULL}, "--demo"},
    {"demo and unix", {"--demo", "--unix-target=/x", NULL}, "--demo"},
    {"demo and web", {"--demo", "--web=/x", NULL}, "--demo"},
    {"empty source", {"--auth-source=", "6080", "h:1", NULL}, "must not be empty"},
    {"empty authorities", {"--cafile=", "6080", "h:1", NULL}, "must not be empty"},
    {"logins for empty web", {"--web=", "--web-auth", "--auth-file=/f", "6080", "h:1", NULL}, "needs --web"},
    {"tokens without a source", {"--token-plugin=TokenFile", "6080", NULL}, "--token-source"},
    {"a source without a plugin", {"--token-source=/t", "6080", NULL}, "--token-plugin"},
    {"--host-token alone", {"--host-token", "6080", "h:1", NULL}, "--token-plugin"},
    {"tokens and a target", {"--token-plugin=TokenFile", "--token-source=/t", "6080", "h:1", NULL}, "h:1"},
    {"tokens and no port", {"--token-plugin=TokenFile", "--token-source=/t", NULL}, "no port"},
    {"tokens twice", {"--target-config=/t", "--token-plugin=TokenFile", "6080", NULL}, "--target-config"},
    {"tokens and a socket", {"--target-config=/t", "--unix-target=/x", "6080", NULL}, "--unix-target"},
    {"tokens and the demo", {"--target-config=/t", "--demo", NULL}, "--demo"},
    {"a plugin of websockify's only",
     {"--token-plugin=nova.Tokens", "--token-source=/t", "6080", NULL},
     "--token-plugin"},
    {"two passwords", {"6080", "h:1", "--key-password=a", "--key-password-file=/f", NULL}, "not both"},
    {"a CA for no TLS", {"6080", "h:1", "--ssl-target-ca=/f", NULL}, "needs --ssl-target"},
    {"a name for no TLS", {"6080", "h:1", "--ssl-target-name=n", NULL}, "needs --ssl-target"},
    {"no checks of no TLS", {"6080", "h:1", "--ssl-target-insecure", NULL}, "needs --ssl-target"},
    {"an old version of TLS", {"6080", "h:1", "--ssl-version=tlsv1", NULL}, "tlsv1_2"},
    {"a port beside --unix-listen", {"--unix-listen=/x", "6080", "h:1", NULL}, "no port is given"},
    {"a port beside both sockets", {"--unix-listen=/x", "--unix-target=/y", "6080", NULL}, "neither"},
    {"a long socket path", {"--unix-listen", LONG_PATH, "h:1", NULL}, "107"},
    {"no log format", {"6080", "h:1", "--log-format=xml", NULL}, "text or json"},
    {"a flag of a flag", {"6080", "h:1", "--ssl-only=1", NULL}, "takes no value"},
    {"line feed in a word", {"6080", "h:1", "--x\ny", NULL}, "unknown option --x?y"},
};

static void test_what_is_wrong_is_said_in_one_line(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    char why[WHY_MAX] = "";
    if (parse(refusals[i].words, why) != WSL_INVALID) fail_msg("%s: taken", refusals[i].name);
    if (strstr(why, refusals[i].says) == NULL) fail_msg("%s: says \"%s\"", refusals[i].name, why);
    if (strchr(why, '\n') != NULL) fail_msg("%s: several lines", refusals[i].name);
  }
}

static void test_repeated_too_often(void **state) {
  (void)state;
  const char *words[WORDS_MAX] = {"6080", "h:1"};
  for (size_t i = 0; i <= OPTIONS_LIST_MAX; i++)
    words[2 + i] = "--origin=same";
  char why[WHY_MAX];
  assert_int_equal(parse(words, why), WSL_INVALID);
}

static void test_help_names_every_option_in_80_columns(void **state) {
  (void)state;
  char *text = NULL;
  size_t len = 0;
  FILE *out = open_memstream(&text, &len);
  assert_non_null(out);
  options_print_help(out, "websockify");
  fclose(out);
  assert_memory_equal(text, "usage: websockify ", strlen("usage: websockify "));
  for (size_t i = 0; i < option_count(); i++) {
    char flag[64];
    if (option_at(i)->kind == OPTION_SECTION) continue;
    snprintf(flag, sizeof flag, "--%s", option_at(i)->name);
    if (strstr(text, flag) == NULL) fail_msg("%s is missing", flag);
  }
  for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
    if (end - line > 80) fail_msg("over 80 columns: %.*s", (int)(end - line), line);
  }
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_positionals),
      cmocka_unit_test(test_options_stand_anywhere_and_in_both_forms),
      cmocka_unit_test(test_empty_values_of_websockify_are_as_if_not_given),
      cmocka_unit_test(test_every_option_reaches_the_settings),
      cmocka_unit_test(test_options_of_text_clients_reach_the_settings),
      cmocka_unit_test(test_options_of_websockify_reach_the_settings),
      cmocka_unit_test(test_defaults_of_what_websockify_knows),
      cmocka_unit_test(test_abbreviations_mean_what_they_mean_to_websockify),
      cmocka_unit_test(test_a_program_for_each_client),
      cmocka_unit_test(test_help_is_given_whatever_follows),
      cmocka_unit_test(test_the_name_that_it_was_started_by),
      cmocka_unit_test(test_what_is_of_no_use_is_noted_and_taken),
      cmocka_unit_test(test_lines_that_frames_are_too_short_for_are_noted),
      cmocka_unit_test(test_modes_of_a_socket_file),
      cmocka_unit_test(test_defaults_are_those_of_the_design),
      cmocka_unit_test(test_modes_without_a_target),
      cmocka_unit_test(test_words_beside_sockets_of_systemd),
      cmocka_unit_test(test_words_of_a_program),
      cmocka_unit_test(test_what_is_wrong_is_said_in_one_line),
      cmocka_unit_test(test_repeated_too_often),
      cmocka_unit_test(test_help_names_every_option_in_80_columns),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
