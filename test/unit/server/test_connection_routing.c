/* An upgrade whose target must be looked up: what the client gets for each answer, and what happens when it
 * leaves, when the server stops or when the time is over before there is one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "route/token/kinds.h"
#include "server/connection_bench.h"

#define FIELDS                                    \
  "Upgrade: websocket\r\nConnection: Upgrade\r\n" \
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define UPGRADE "GET /x?token=SECRET HTTP/1.1\r\nHost: h:1\r\n" FIELDS "\r\n"
/* "hi" in a masked binary frame. */
#define HI "\x82\x82\x01\x02\x03\x04\x69\x6b"

/* A router that the test answers for, inside route_start() or later. */
static struct {
  struct router router;
  struct route_lookup *waiting;
  bool answers_at_once;
  enum route_outcome outcome;
  unsigned started;
  char query[64], authority[64];
} routing;

static struct bench bench;

static void answer(struct route_lookup *lookup) {
  static const struct target target = {.host = "routed", .port = 1, .text = "routed:1"};
  struct target *own = NULL;
  if (routing.outcome == ROUTE_FOUND) {
    own = malloc(sizeof *own); /* whoever forgets it is told by LeakSanitizer */
    *own = target;
  }
  lookup->work = NULL;
  lookup->done(lookup, routing.outcome, own, own);
}

static void copy_span(char out[64], struct wsl_span span) {
  assert_true(span.len < 64);
  if (span.len > 0) memcpy(out, span.at, span.len);
  out[span.len] = '\0';
}

static void start(struct router *router, struct route_lookup *lookup, const struct route_request *request) {
  (void)router;
  routing.started++;
  copy_span(routing.query, request->query);
  copy_span(routing.authority, request->authority);
  if (routing.answers_at_once) {
    answer(lookup);
    return;
  }
  routing.waiting = lookup;
  lookup->work = &routing;
}

static void cancel(struct router *router, struct route_lookup *lookup) {
  (void)router;
  assert_ptr_equal(lookup, routing.waiting);
  routing.waiting = NULL;
  lookup->work = NULL;
}

static const struct router_ops routing_ops = {start, cancel};

static int set_up(void **state) {
  (void)state;
  memset(&routing, 0, sizeof routing);
  routing.router.ops = &routing_ops;
  bench_keep_log();
  bench_open(&bench, STATIC_ASSETS);
  bench.settings.token_kind = &token_kind_file;
  bench.settings.token_place = token_place_default;
  bench.settings.token_timeout_ms = bench.settings.session.dial_timeout_ms;
  bench.connections.router = &routing.router;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  bench_close(&bench);
  assert_null(routing.waiting);
  assert_null(strstr(bench_log, "SECRET"));
  return 0;
}

static void send_upgrade(void) {
  bench_send(&bench, UPGRADE, sizeof UPGRADE - 1);
}

/* The answer comes, and the turn that it asks for is played. */
static void answer_now(enum route_outcome outcome) {
  struct route_lookup *lookup = routing.waiting;
  assert_non_null(lookup);
  routing.waiting = NULL;
  routing.outcome = outcome;
  answer(lookup);
  fake_client_play(&bench.client);
}

struct row {
  const char *name;
  enum route_outcome outcome;
  int status;
  const char *contains, *logged;
};

static const struct row rows[] = {
    {"found", ROUTE_FOUND, 101, "Sec-WebSocket-Accept: ", "path=\"/x\" target=routed:1"},
    {"no token", ROUTE_NO_TOKEN, 403, "no token\n", "path=\"/x\" reason=\"no token\""},
    {"unknown", ROUTE_UNKNOWN, 404, "unknown token\n", "path=\"/x\" reason=\"unknown token\""},
    {"busy", ROUTE_BUSY, 503, "Retry-After: 1\r\n", "path=\"/x\" reason="},
    {"failed", ROUTE_FAILED, 502, "looked up\n", "path=\"/x\" reason="},
};

static void check_row(const struct row *row, const char *when) {
  if (bench_status(&bench, 0) != row->status) fail_msg("%s, %s: %s", row->name, when, bench.client.output);
  if (strstr(bench.client.output, row->contains) == NULL)
    fail_msg("%s, %s: %s", row->name, when, bench.client.output);
  if (strstr(bench_log, row->logged) == NULL) fail_msg("%s, %s: %s", row->name, when, bench_log);
  assert_int_equal(bench.sessions.count, row->outcome == ROUTE_FOUND);
  assert_int_equal(bench.client.finished, row->outcome != ROUTE_FOUND);
  assert_null(strstr(bench.client.output, "SECRET"));
}

static void every_outcome_has_an_answer(void **state) {
  (void)state;
  for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
    const struct row *row = &rows[i / 2];
    set_up(state);
    routing.answers_at_once = i % 2 == 0;
    routing.outcome = row->outcome;
    send_upgrade();
    if (!routing.answers_at_once) {
      assert_int_equal(bench.client.output_len, 0);
      answer_now(row->outcome);
    }
    check_row(row, routing.answers_at_once ? "at once" : "later");
    tear_down(state);
  }
}

static void the_router_sees_query_and_host(void **state) {
  (void)state;
  send_upgrade();
  assert_string_equal(routing.query, "token=SECRET");
  assert_string_equal(routing.authority, "h:1");
  answer_now(ROUTE_FOUND);
}

static void the_routed_target_is_dialled_before_the_upgrade_too(void **state) {
  (void)state;
  bench.settings.dial_order = DIAL_BEFORE_UPGRADE;
  bench.dial = BENCH_DIAL_WAITS;
  send_upgrade();
  assert_null(bench.waiting);
  answer_now(ROUTE_FOUND);
  assert_non_null(bench.waiting);
  assert_int_equal(bench.client.output_len, 0);
  bench.waiting->attempt = NULL;
  bench.waiting->done(bench.waiting, WSL_REFUSED, NULL);
  bench.waiting = NULL;
  fake_client_play(&bench.client);
  assert_int_equal(bench_status(&bench, 0), 502);
  assert_non_null(strstr(bench_log, "target=routed:1"));
}

static void frames_wait_for_the_route(void **state) {
  (void)state;
  bench_send(&bench, UPGRADE HI, sizeof UPGRADE + sizeof HI - 2);
  bench_send(&bench, HI, sizeof HI - 1);
  answer_now(ROUTE_FOUND);
  fake_client_play(&bench.client);
  assert_int_equal(bench.backend.output_len, 4);
  assert_memory_equal(bench.backend.output, "hihi", 4);
}

static void a_client_that_leaves_cancels_the_lookup(void **state) {
  (void)state;
  send_upgrade();
  fake_client_end(&bench.client);
  assert_null(routing.waiting);
  assert_int_equal(bench.connections.count, 0);

  bench_connect(&bench);
  send_upgrade();
  fake_client_event(&bench.client, TRANSPORT_FAILED);
  assert_null(routing.waiting);
  assert_int_equal(bench.connections.count, 0);
}

static void a_client_that_leaves_behind_the_answer_loses_nothing(void **state) {
  (void)state;
  send_upgrade();
  struct route_lookup *lookup = routing.waiting;
  routing.waiting = NULL;
  routing.outcome = ROUTE_FOUND;
  answer(lookup); /* noted, its turn not played yet */
  connection_domain_cut(&bench.connections);
  assert_int_equal(bench.client.fate, FAKE_RESET);
}

static void a_lookup_has_its_time(void **state) {
  (void)state;
  send_upgrade();
  bench_pass_ms(&bench, bench.settings.session.dial_timeout_ms - 100);
  assert_int_equal(bench.client.output_len, 0);
  bench_pass_ms(&bench, 200);
  assert_int_equal(bench_status(&bench, 0), 504);
  assert_null(routing.waiting);
}

static void stopping_answers_503(void **state) {
  (void)state;
  send_upgrade();
  connection_domain_drain(&bench.connections);
  assert_non_null(routing.waiting);
  connection_domain_go_away(&bench.connections);
  fake_client_play(&bench.client);
  assert_int_equal(bench_status(&bench, 0), 503);
  assert_null(routing.waiting);
}

static void a_drain_lets_the_lookup_end(void **state) {
  (void)state;
  send_upgrade();
  connection_domain_drain(&bench.connections);
  answer_now(ROUTE_FOUND);
  assert_int_equal(bench_status(&bench, 0), 101);
  assert_int_equal(bench.sessions.count, 1);
}

static void foreign_pages_and_files_ask_no_router(void **state) {
  (void)state;
  static const char *const rules[] = {"same"};
  static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  static const char foreign[] = "GET / HTTP/1.1\r\nHost: h\r\nOrigin: http://b\r\n" FIELDS "\r\n";
  bench.settings.origins = (struct origin_rules){rules, 1};
  bench_send(&bench, get, sizeof get - 1);
  bench_send(&bench, foreign, sizeof foreign - 1);
  assert_int_equal(bench_status(&bench, 0), 200);
  assert_int_equal(bench_status(&bench, 1), 403);
  assert_int_equal(routing.started, 0);
}

/* With --host-token the Host is a secret, and so is the origin of a page from there. */
static void a_host_that_is_a_token_is_not_logged(void **state) {
  (void)state;
  static const char upgrade[] =
      "GET /x HTTP/1.1\r\nHost: SECRET:1\r\nOrigin: http://SECRET:1\r\n" FIELDS "\r\n";
  bench.settings.token_place = (struct token_place){.kind = TOKEN_IN_HOST};
  routing.answers_at_once = true;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    routing.outcome = rows[i].outcome;
    bench_send(&bench, upgrade, sizeof upgrade - 1);
    assert_int_equal(bench_status(&bench, 0), rows[i].status);
    connection_domain_cut(&bench.connections);
    session_domain_cut(&bench.sessions);
    bench_connect(&bench);
  }
  static const char *const rules[] = {"https://other"};
  bench.settings.origins = (struct origin_rules){rules, 1};
  bench_send(&bench, upgrade, sizeof upgrade - 1);
  assert_int_equal(bench_status(&bench, 0), 403);
}

/* Nor one in the path, whatever becomes of the request; the rest of the path is. */
static void a_path_that_is_a_token_is_not_logged(void **state) {
  (void)state;
  static const char upgrade[] = "GET /ws/SECRET/end?x HTTP/1.1\r\nHost: h:1\r\n" FIELDS "\r\n";
  static const char get[] = "GET /ws/SECRET HTTP/1.1\r\nHost: h:1\r\n\r\n";
  bench.settings.token_place = (struct token_place){.kind = TOKEN_IN_PATH, .segment = 2};
  bench_send(&bench, get, sizeof get - 1);
  assert_int_equal(bench_status(&bench, 0), 404);
  connection_domain_cut(&bench.connections);
  bench_connect(&bench);
  routing.answers_at_once = true;
  routing.outcome = ROUTE_UNKNOWN;
  bench_send(&bench, upgrade, sizeof upgrade - 1);
  assert_non_null(strstr(bench_log, "path=\"/ws/***/end\" reason="));
  connection_domain_cut(&bench.connections);
  bench_connect(&bench);
  routing.outcome = ROUTE_FOUND;
  bench_send(&bench, upgrade, sizeof upgrade - 1);
  assert_non_null(strstr(bench_log, "path=\"/ws/***/end\" target="));
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_outcome_has_an_answer),
      STORY(the_router_sees_query_and_host),
      STORY(the_routed_target_is_dialled_before_the_upgrade_too),
      STORY(frames_wait_for_the_route),
      STORY(a_client_that_leaves_cancels_the_lookup),
      STORY(a_client_that_leaves_behind_the_answer_loses_nothing),
      STORY(a_lookup_has_its_time),
      STORY(stopping_answers_503),
      STORY(a_drain_lets_the_lookup_end),
      STORY(foreign_pages_and_files_ask_no_router),
      STORY(a_host_that_is_a_token_is_not_logged),
      STORY(a_path_that_is_a_token_is_not_logged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
