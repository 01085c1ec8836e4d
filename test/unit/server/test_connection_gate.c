/* A request that must pass a gate: what the client gets for each answer, that nothing which was sent
 * meanwhile is lost, and what happens when the client leaves, the server stops or the time is over before
 * there is one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/connection_bench.h"

#define FIELDS                                                                              \
  "Host: h:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" \
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Basic U0VDUkVU\r\n"
#define UPGRADE "GET /x HTTP/1.1\r\n" FIELDS "\r\n"
#define PAGE    "GET /a.js HTTP/1.1\r\nHost: h:1\r\n\r\n"
/* "hi" in a masked binary frame. */
#define HI "\x82\x82\x01\x02\x03\x04\x69\x6b"

#define PATIENCE_MS 60000u

/* A gate that the test answers for, inside gate_start() or later. */
static struct {
  struct gate gate;
  struct gate_check *waiting;
  bool answers_at_once;
  struct gate_answer answer;
  unsigned asked;
  enum gate_purpose purpose;
  char authorization[64];
} keeper;

static struct bench bench;

static void give(struct gate_check *check) {
  check->work = NULL;
  check->done(check, &keeper.answer);
}

static void start(struct gate *gate, struct gate_check *check, const struct gate_request *request) {
  (void)gate;
  uint32_t field = 0;
  struct wsl_span value = {"", 0};
  keeper.asked++;
  keeper.purpose = request->purpose;
  (void)wsl_head_next(request->head, wsl_span_of("Authorization"), &field, &value);
  memcpy(keeper.authorization, value.at, value.len);
  keeper.authorization[value.len] = '\0';
  if (keeper.answers_at_once) {
    give(check);
    return;
  }
  keeper.waiting = check;
  check->work = &keeper;
}

static void cancel(struct gate *gate, struct gate_check *check) {
  (void)gate;
  assert_ptr_equal(check, keeper.waiting);
  keeper.waiting = NULL;
  check->work = NULL;
}

static const struct gate_ops keeper_ops = {start, cancel};

static int set_up(void **state) {
  (void)state;
  memset(&keeper, 0, sizeof keeper);
  keeper.gate.ops = &keeper_ops;
  bench_keep_log();
  bench_open(&bench, STATIC_ASSETS);
  bench.settings.auth.files = AUTH_FILES_GUARDED;
  bench.connections.gate = &keeper.gate;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  bench_close(&bench);
  assert_null(keeper.waiting);
  assert_null(strstr(bench_log, "U0VDUkVU"));
  return 0;
}

static void send_text(const char *text) {
  bench_send(&bench, text, strlen(text));
}

/* The answer comes, and the turn that it asks for is played. */
static void answer_now(enum gate_outcome outcome) {
  struct gate_check *check = keeper.waiting;
  assert_non_null(check);
  keeper.waiting = NULL;
  keeper.answer = (struct gate_answer){.outcome = outcome, .reason = "because"};
  give(check);
  fake_client_play(&bench.client);
}

static void expect_output(const char *text) {
  if (strstr(bench.client.output, text) == NULL) fail_msg("\"%s\" is not in: %s", text, bench.client.output);
}

struct row {
  const char *name;
  struct gate_answer answer;
  int status;
  const char *contains;
  bool ends; /* the connection */
};

static const struct row rows[] = {
    {"unknown", {.outcome = GATE_UNKNOWN, .reason = "who?"}, 401, "Basic realm=\"Websockify\"\r\n", false},
    {"wrong", {.outcome = GATE_WRONG, .reason = "not he"}, 401, "Basic realm=\"Websockify\"\r\n", false},
    {"malformed", {.outcome = GATE_MALFORMED, .reason = "what?"}, 403, "what?\n", true},
    {"closed", {.outcome = GATE_CLOSED, .reason = "not you"}, 403, "not you\n", true},
    {"hurried",
     {.outcome = GATE_HURRIED, .reason = "wait", .retry_after_s = 7},
     429,
     "Retry-After: 7\r\n",
     true},
    {"busy", {.outcome = GATE_BUSY, .reason = "later", .retry_after_s = 2}, 503, "Retry-After: 2\r\n", true},
};
#define ROWS (sizeof rows / sizeof rows[0])

static void check_row(const struct row *row, const char *when) {
  if (bench_status(&bench, 0) != row->status || strstr(bench.client.output, row->contains) == NULL)
    fail_msg("%s, %s: %s", row->name, when, bench.client.output);
  expect_output("Cache-Control: no-store\r\n");
  assert_int_equal(bench.sessions.count, 0);
  if (bench.client.finished != row->ends) fail_msg("%s, %s: the connection's end", row->name, when);
}

static void every_answer_for_upgrades_and_pages_at_once_and_later(void **state) {
  for (size_t i = 0; i < 4 * ROWS; i++) {
    const struct row *row = &rows[i / 4];
    set_up(state);
    keeper.answers_at_once = i % 2 == 0;
    keeper.answer = row->answer;
    send_text(i % 4 < 2 ? UPGRADE : PAGE);
    assert_int_equal(keeper.purpose, i % 4 < 2 ? GATE_UPGRADE : GATE_FILE);
    if (keeper.waiting != NULL) {
      struct gate_check *check = keeper.waiting;
      keeper.waiting = NULL;
      give(check);
      fake_client_play(&bench.client);
    }
    check_row(row, i % 4 < 2 ? "upgrade" : "page");
    tear_down(state);
  }
}

static void who_passes_gets_a_session_at_every_cut_of_the_bytes(void **state) {
  static const char bytes[] = UPGRADE HI;
  for (size_t cut = 0; cut < sizeof bytes; cut++) {
    set_up(state);
    bench_send_split(&bench, bytes, sizeof bytes - 1, cut);
    assert_string_equal(keeper.authorization, "Basic U0VDUkVU");
    assert_string_equal(bench.client.output, "");
    answer_now(GATE_OPEN);
    assert_int_equal(bench_status(&bench, 0), 101);
    assert_int_equal(keeper.asked, 1);
    if (bench.backend.output_len != 2 || memcmp(bench.backend.output, "hi", 2) != 0)
      fail_msg("cut at %zu: %zu bytes", cut, bench.backend.output_len);
    tear_down(state);
  }
}

static void bytes_that_come_while_it_waits_are_not_lost(void **state) {
  (void)state;
  send_text(UPGRADE);
  bench_send(&bench, HI, sizeof HI - 1);
  bench_send(&bench, HI, sizeof HI - 1);
  answer_now(GATE_OPEN);
  assert_int_equal(bench_status(&bench, 0), 101);
  assert_string_equal(bench.backend.output, "hihi");
}

static void pipelined_pages_are_asked_for_one_by_one(void **state) {
  (void)state;
  send_text(PAGE PAGE "GET /no HTTP/1.1\r\nHost: h\r\n\r\n");
  assert_int_equal(keeper.asked, 1);
  answer_now(GATE_UNKNOWN);
  assert_int_equal(keeper.asked, 2);
  answer_now(GATE_OPEN);
  assert_int_equal(keeper.asked, 3);
  answer_now(GATE_OPEN);
  assert_int_equal(bench_status(&bench, 0), 401);
  assert_int_equal(bench_status(&bench, 1), 200);
  assert_int_equal(bench_status(&bench, 2), 404);
  assert_int_equal(bench.connections.stashes.used, 0);
}

static void a_login_sets_its_cookie_and_is_named(void **state) {
  (void)state;
  keeper.answers_at_once = true;
  keeper.answer = (struct gate_answer){.outcome = GATE_OPEN, .user = "alice", .cookie = "c=1; Path=/"};
  send_text(PAGE);
  expect_output("Set-Cookie: c=1; Path=/\r\n");
  keeper.answer.cookie = NULL;
  bench.client.output_len = 0;
  send_text(PAGE);
  assert_null(strstr(bench.client.output, "Set-Cookie"));
  send_text(UPGRADE);
  assert_non_null(strstr(bench_log, "path=\"/x\" target=backend:1 user=\"alice\""));
}

static void files_are_open_unless_they_are_guarded(void **state) {
  (void)state;
  bench.settings.auth.files = AUTH_FILES_OPEN;
  send_text(PAGE);
  assert_int_equal(bench_status(&bench, 0), 200);
  assert_int_equal(keeper.asked, 0);
}

static void refused_methods_and_heads_ask_nobody(void **state) {
  (void)state;
  send_text("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  assert_int_equal(bench_status(&bench, 0), 405);
  assert_int_equal(keeper.asked, 0);
}

static void a_client_that_resets_is_given_up(void **state) {
  (void)state;
  send_text(UPGRADE);
  fake_client_event(&bench.client, TRANSPORT_FAILED | TRANSPORT_READABLE);
  assert_int_equal(bench.closed, 1);
  assert_null(keeper.waiting);
}

static void a_client_that_half_closes_gets_its_answer(void **state) {
  (void)state;
  send_text(PAGE);
  fake_client_end(&bench.client);
  answer_now(GATE_OPEN);
  assert_int_equal(bench_status(&bench, 0), 200);
}

/* Neither its place among those that wait nor its memory is kept. */
static void an_upgrade_that_is_hung_up_is_given_up_at_every_cut(void **state) {
  for (size_t cut = 0; cut < sizeof UPGRADE; cut++) {
    set_up(state);
    bench_send_split(&bench, UPGRADE, sizeof UPGRADE - 1, cut);
    assert_non_null(keeper.waiting);
    fake_client_end(&bench.client);
    assert_int_equal(bench.closed, 1);
    assert_null(keeper.waiting);
    tear_down(state);
  }
}

static void early_frames_before_a_half_close_are_answered(void **state) {
  static const char bytes[] = UPGRADE HI;
  for (size_t cut = 0; cut < sizeof bytes; cut++) {
    set_up(state);
    bench_send_split(&bench, bytes, sizeof bytes - 1, cut);
    fake_client_end(&bench.client);
    answer_now(GATE_OPEN);
    assert_int_equal(bench_status(&bench, 0), 101);
    if (bench.backend.output_len != 2 || memcmp(bench.backend.output, "hi", 2) != 0)
      fail_msg("cut at %zu: %zu bytes", cut, bench.backend.output_len);
    tear_down(state);
  }
}

static void the_stop_ends_the_waiting(void **state) {
  (void)state;
  send_text(UPGRADE HI);
  connection_domain_drain(&bench.connections);
  fake_client_play(&bench.client);
  assert_non_null(keeper.waiting);
  connection_domain_go_away(&bench.connections);
  fake_client_play(&bench.client);
  assert_int_equal(bench_status(&bench, 0), 503);
}

static void the_cut_ends_the_waiting(void **state) {
  (void)state;
  send_text(UPGRADE HI);
  connection_domain_cut(&bench.connections);
  assert_int_equal(bench.client.fate, FAKE_RESET);
}

static void patience_ends(void **state) {
  (void)state;
  send_text(UPGRADE);
  bench_pass_ms(&bench, PATIENCE_MS - 100);
  assert_non_null(keeper.waiting);
  bench_pass_ms(&bench, 200);
  assert_int_equal(bench_status(&bench, 0), 503);
}

static void without_memory_for_the_head_it_is_refused(void **state) {
  (void)state;
  bench.connections.stashes.limit = 0;
  send_text(UPGRADE);
  assert_int_equal(bench_status(&bench, 0), 503);
}

static void counts_are_kept(void **state) {
  (void)state;
  keeper.answers_at_once = true;
  keeper.answer = (struct gate_answer){.outcome = GATE_WRONG, .reason = "no", .delayed = true};
  send_text(PAGE);
  send_text(PAGE);
  assert_int_equal(counter_get(&bench.counters.auth_failures), 2);
  assert_int_equal(counter_get(&bench.counters.auth_delays), 2);
  assert_int_equal(counter_get(&bench.counters.refused_4xx), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_answer_for_upgrades_and_pages_at_once_and_later),
      cmocka_unit_test(who_passes_gets_a_session_at_every_cut_of_the_bytes),
      cmocka_unit_test_setup_teardown(bytes_that_come_while_it_waits_are_not_lost, set_up, tear_down),
      cmocka_unit_test_setup_teardown(pipelined_pages_are_asked_for_one_by_one, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_login_sets_its_cookie_and_is_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(files_are_open_unless_they_are_guarded, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refused_methods_and_heads_ask_nobody, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_client_that_resets_is_given_up, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_client_that_half_closes_gets_its_answer, set_up, tear_down),
      cmocka_unit_test(an_upgrade_that_is_hung_up_is_given_up_at_every_cut),
      cmocka_unit_test(early_frames_before_a_half_close_are_answered),
      cmocka_unit_test_setup_teardown(the_stop_ends_the_waiting, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_cut_ends_the_waiting, set_up, tear_down),
      cmocka_unit_test_setup_teardown(patience_ends, set_up, tear_down),
      cmocka_unit_test_setup_teardown(without_memory_for_the_head_it_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(counts_are_kept, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
