/* The HTTP side of a connection: every request gets the same answer however its bytes are cut, and
 * every way to say nothing, too little or too late has its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/connection_bench.h"

#define UPGRADE                                   \
  "GET /x HTTP/1.1\r\nHost: h\r\n"                \
  "Upgrade: websocket\r\nConnection: Upgrade\r\n" \
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
/* "hi" in a masked binary frame, and an empty masked Close. */
#define HI    "\x82\x82\x01\x02\x03\x04\x69\x6b"
#define CLOSE "\x88\x80\x01\x02\x03\x04"

struct request_case {
  const char *name;
  enum static_kind files;
  const char *request;
  int status;           /* of the first answer */
  const char *contains; /* in the answer, or NULL */
  enum { THEN_OPEN, THEN_CLOSING, THEN_SESSION } then;
};

static const struct request_case cases[] = {
    {"page", STATIC_ASSETS, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 200, "<p>hello", THEN_OPEN},
    {"bare line feeds", STATIC_ASSETS, "GET / HTTP/1.1\nHost: h\n\n", 200, "<p>hello", THEN_OPEN},
    {"empty line first", STATIC_ASSETS, "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 200, "<p>hello", THEN_OPEN},
    {"two empty lines first", STATIC_ASSETS, "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL,
     THEN_CLOSING},
    {"absolute form", STATIC_ASSETS, "GET http://h/a.js HTTP/1.1\r\nHost: h\r\n\r\n", 200, "1;", THEN_OPEN},
    {"asked to close", STATIC_ASSETS, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 200,
     "Connection: close\r\n", THEN_CLOSING},
    {"HTTP/1.0", STATIC_ASSETS, "GET / HTTP/1.0\r\n\r\n", 200, "<p>hello", THEN_CLOSING},
    {"missing file", STATIC_ASSETS, "GET /no HTTP/1.1\r\nHost: h\r\n\r\n", 404, NULL, THEN_OPEN},
    {"outside", STATIC_ASSETS, "GET /%2e%2e/a.js HTTP/1.1\r\nHost: h\r\n\r\n", 404, NULL, THEN_OPEN},
    {"encoded NUL", STATIC_ASSETS, "GET /a%00.js HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL, THEN_OPEN},
    {"method", STATIC_ASSETS, "POST / HTTP/1.1\r\nHost: h\r\n\r\n", 405, "Allow: GET, HEAD\r\n",
     THEN_CLOSING},
    {"another state wanted", STATIC_ASSETS, "GET / HTTP/1.1\r\nHost: h\r\nIf-Match: \"a\"\r\n\r\n", 412,
     "\r\n\r\nPrecondition Failed\n", THEN_OPEN},
    {"only its absence wanted", STATIC_ASSETS, "GET / HTTP/1.1\r\nHost: h\r\nIf-None-Match: *\r\n\r\n", 304,
     "nosniff\r\n\r\n", THEN_OPEN},
    {"another state of nothing", STATIC_ASSETS, "GET /no HTTP/1.1\r\nHost: h\r\nIf-Match: \"a\"\r\n\r\n", 404,
     "\r\n\r\nNot Found\n", THEN_OPEN},
    {"no files here", STATIC_NONE, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 405, "This is a WebSocket port",
     THEN_CLOSING},
    {"no Host", STATIC_ASSETS, "GET / HTTP/1.1\r\n\r\n", 400, "Host", THEN_CLOSING},
    {"space before colon", STATIC_ASSETS, "GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400, NULL, THEN_CLOSING},
    {"upgrade", STATIC_NONE, UPGRADE, 101, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
     THEN_SESSION},
    {"upgrade beside files", STATIC_ASSETS, UPGRADE, 101, "Upgrade: websocket\r\n", THEN_SESSION},
    {"old version", STATIC_NONE,
     "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
     "8\r\n\r\n",
     426, "Sec-WebSocket-Version: 13\r\n", THEN_CLOSING},
};

static void check_case(const struct request_case *c, const struct bench *bench, size_t cut) {
  if (bench_status(bench, 0) != c->status)
    fail_msg("%s, cut at %zu: answered %s", c->name, cut, bench->client.output);
  if (c->contains != NULL && strstr(bench->client.output, c->contains) == NULL)
    fail_msg("%s, cut at %zu: no \"%s\" in %s", c->name, cut, c->contains, bench->client.output);
  if (bench->client.finished != (c->then == THEN_CLOSING))
    fail_msg("%s, cut at %zu: FIN or none", c->name, cut);
  if ((bench->sessions.count == 1) != (c->then == THEN_SESSION))
    fail_msg("%s, cut at %zu: session", c->name, cut);
}

static void a_request_is_answered_the_same_however_it_is_cut(void **state) {
  (void)state;
  static struct bench bench;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    size_t len = strlen(cases[i].request);
    for (size_t cut = 0; cut <= len + 1; cut++) {
      bench_open(&bench, cases[i].files);
      if (cut <= len) {
        bench_send_split(&bench, cases[i].request, len, cut);
      } else {
        bench_send_bytewise(&bench, cases[i].request, len);
      }
      check_case(&cases[i], &bench, cut);
      bench_close(&bench);
    }
  }
}

static void pipelined_requests_are_answered_in_order(void **state) {
  (void)state;
  static const char three[] =
      "GET /a.js HTTP/1.1\r\nHost: h\r\n\r\n"
      "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"
      "GET /no HTTP/1.1\r\nHost: h\r\n\r\n" UPGRADE;
  static struct bench bench;
  for (size_t cut = 0; cut < sizeof three; cut++) {
    bench_open(&bench, STATIC_ASSETS);
    bench_send_split(&bench, three, sizeof three - 1, cut);
    assert_int_equal(bench_status(&bench, 0), 200);
    assert_int_equal(bench_status(&bench, 1), 200);
    assert_int_equal(bench_status(&bench, 2), 404);
    assert_int_equal(bench_status(&bench, 3), 101);
    assert_null(strstr(bench.client.output, "<p>hello")); /* HEAD has no body */
    bench_close(&bench);
  }
}

/* RFC 9110 9.3.2: whatever is wrong with it, and wherever that showed. */
static void no_answer_to_head_has_content(void **state) {
  (void)state;
  static const struct {
    const char *request;
    int status;
  } rows[] = {
      {"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", 405},
      {"HEAD / HTTP/1.1\r\n\r\n", 400},
      {"HEAD / HTTP/1.1\r\nHost : h\r\n", 400},
      {"HEAD /\x01", 400},
      {"HEAD / HTTP/2.0", 505},
      {"HEAD / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n", 405},
  };
  static struct bench bench;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    size_t len = strlen(rows[i].request);
    for (size_t cut = 0; cut <= len; cut++) {
      bench_open(&bench, STATIC_NONE);
      bench_send_split(&bench, rows[i].request, len, cut);
      assert_int_equal(bench_status(&bench, 0), rows[i].status);
      const char *head_end = strstr(bench.client.output, "\r\n\r\n");
      assert_non_null(head_end);
      assert_string_equal(head_end, "\r\n\r\n");
      bench_close(&bench);
    }
  }
}

static void frames_behind_the_head_reach_the_backend(void **state) {
  (void)state;
  static const char text[] = UPGRADE HI HI CLOSE;
  static struct bench bench;
  for (size_t cut = 0; cut < sizeof text; cut++) {
    bench_open(&bench, STATIC_NONE);
    bench_send_split(&bench, text, sizeof text - 1, cut);
    assert_int_equal(bench_status(&bench, 0), 101);
    assert_string_equal(bench.backend.output, "hihi");
    assert_true(bench.backend.finished);
    assert_memory_equal(bench.client.output + bench.client.output_len - 2, "\x88\x00", 2);
    bench_close(&bench);
  }
}

static void frames_wait_for_a_slow_dial_and_a_slow_answer(void **state) {
  (void)state;
  static struct bench bench;
  bench_open(&bench, STATIC_NONE);
  bench.dial = BENCH_DIAL_WAITS;
  bench.client.write_room = 7; /* the 101 leaves in pieces */
  bench_send(&bench, UPGRADE HI, sizeof(UPGRADE HI) - 1);
  assert_int_equal(bench.sessions.count, 0);
  while (bench.sessions.count == 0)
    fake_client_take(&bench.client, 10);
  fake_client_init(&bench.backend);
  struct dial *dial = bench.waiting;
  dial->attempt = NULL;
  dial->done(dial, WSL_OK, &bench.backend.transport);
  assert_string_equal(bench.backend.output, "hi");
  bench_close(&bench);
}

static void a_body_leaves_as_the_client_takes_it(void **state) {
  (void)state;
  static const char get[] = "GET /a.js HTTP/1.1\r\nHost: h\r\n\r\n";
  static struct bench bench;
  bench_open(&bench, STATIC_ASSETS);
  bench.client.write_room = 0;
  bench_send(&bench, get, sizeof get - 1);
  while (strstr(bench.client.output, "\r\n\r\n1;") == NULL)
    fake_client_take(&bench.client, 1);
  assert_false(bench.client.finished);
  bench_close(&bench);
}

static void a_client_that_takes_nothing_is_dropped_after_the_transfer_time(void **state) {
  (void)state;
  static const char get[] = "GET /big.bin HTTP/1.1\r\nHost: h\r\n\r\n";
  static struct bench bench;
  bench_open(&bench, STATIC_ASSETS);
  bench.client.write_room = 1000;
  bench_send(&bench, get, sizeof get - 1);
  bench_pass_ms(&bench, 59000);
  fake_client_take(&bench.client, 1000); /* it moves: another minute */
  bench_pass_ms(&bench, 59000);
  assert_int_equal(bench.client.fate, FAKE_ALIVE);
  bench_pass_ms(&bench, 2000);
  assert_int_equal(bench.client.fate, FAKE_RESET);
  bench_close(&bench);
}

/* ---- too little, too late ---- */

static void silence_is_closed_without_a_word(void **state) {
  (void)state;
  static struct bench bench;
  bench_open(&bench, STATIC_ASSETS);
  bench_pass_ms(&bench, 9900);
  assert_int_equal(bench.client.fate, FAKE_ALIVE);
  bench_pass_ms(&bench, 200);
  assert_int_equal(bench.client.fate, FAKE_CLOSED);
  assert_int_equal(bench.client.output_len, 0);
  bench_close(&bench);
}

static void trickling_does_not_extend_the_time(void **state) {
  (void)state;
  static const char head[] = "GET / HTTP/1.1\r\nHost: h\r\nX: 123456789012345678901234567890\r\n\r\n";
  static struct bench bench;
  bench_open(&bench, STATIC_ASSETS);
  for (size_t i = 0; i < 21; i++) {
    bench_send(&bench, head + i, 1);
    bench_pass_ms(&bench, 500);
  }
  assert_int_equal(bench_status(&bench, 0), 408);
  assert_true(bench.client.finished);
  bench_close(&bench);
}

static void a_kept_connection_has_its_time_from_the_first_byte(void **state) {
  (void)state;
  static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  static struct bench bench;
  bench_open(&bench, STATIC_ASSETS);
  bench_send(&bench, get, sizeof get - 1);
  bench_pass_ms(&bench, 9000); /* idle */
  bench_send(&bench, get, 5);
  bench_pass_ms(&bench, 9000); /* 18 s after the answer, 9 s after the first byte */
  bench_send(&bench, get + 5, sizeof get - 1 - 5);
  assert_int_equal(bench_status(&bench, 1), 200);
  bench_pass_ms(&bench, 10100);
  assert_int_equal(bench.client.fate, FAKE_CLOSED);
  assert_int_equal(bench_status(&bench, 2), 0);
  bench_close(&bench);
}

static void an_end_inside_a_head_is_a_bad_request(void **state) {
  (void)state;
  static struct bench bench;
  bench_open(&bench, STATIC_ASSETS);
  bench_send(&bench, "GET / HT", 8);
  fake_client_end(&bench.client);
  assert_int_equal(bench_status(&bench, 0), 400);
  assert_int_equal(bench.client.fate, FAKE_CLOSED);
  bench_close(&bench);
}

static void an_end_before_the_first_byte_is_nothing(void **state) {
  (void)state;
  static struct bench bench;
  bench_open(&bench, STATIC_ASSETS);
  fake_client_end(&bench.client);
  assert_int_equal(bench.client.fate, FAKE_CLOSED);
  assert_int_equal(bench.client.output_len, 0);
  bench_close(&bench);
}

static void an_end_behind_a_request_still_gets_its_answer(void **state) {
  (void)state;
  static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  static struct bench bench;
  bench_open(&bench, STATIC_ASSETS);
  memcpy(bench.client.input, get, sizeof get - 1);
  bench.client.input_len = sizeof get - 1;
  fake_client_end(&bench.client);
  assert_int_equal(bench_status(&bench, 0), 200);
  assert_int_equal(bench.client.fate, FAKE_CLOSED);
  bench_close(&bench);
}

static void a_tls_hello_is_closed_at_once(void **state) {
  (void)state;
  static struct bench bench;
  bench_open(&bench, STATIC_ASSETS);
  bench_send(&bench, "\x16", 1);
  assert_int_equal(bench.client.fate, FAKE_CLOSED);
  assert_int_equal(bench.client.output_len, 0);
  bench_close(&bench);
}

static void a_byte_that_cannot_stand_there_is_refused_at_once(void **state) {
  (void)state;
  static const char *const beginnings[] = {"{", "GET\t", "GET / HTTP/1.1\r\nHost\x01",
                                           "GET / HTTP/1.1\r\nA: b\r\n "};
  static struct bench bench;
  for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
    bench_open(&bench, STATIC_ASSETS);
    bench_send(&bench, beginnings[i], strlen(beginnings[i]));
    assert_int_equal(bench_status(&bench, 0), 400);
    assert_true(bench.client.finished);
    bench_close(&bench);
  }
}

static void heads_beyond_a_limit_are_refused(void **state) {
  (void)state;
  static struct bench bench;
  static char line[20000];
  memset(line, 'a', sizeof line);
  bench_open(&bench, STATIC_ASSETS);
  bench_send(&bench, "GET /", 5);
  bench_send(&bench, line, 17000);
  assert_int_equal(bench_status(&bench, 0), 414);
  bench_close(&bench);

  bench_open(&bench, STATIC_ASSETS);
  bench_send(&bench, "GET / HTTP/1.1\r\nHost: h\r\nCookie: ", 32);
  for (int i = 0; i < 5 && bench_status(&bench, 0) == 0; i++)
    bench_send(&bench, line, 15000);
  assert_int_equal(bench_status(&bench, 0), 431);
  bench_close(&bench);

  bench_open(&bench, STATIC_ASSETS);
  bench_send(&bench, "GET / HTTP/1.1\r\n", 16);
  for (int i = 0; i < 101 && bench_status(&bench, 0) == 0; i++)
    bench_send(&bench, "a: b\r\n", 6);
  assert_int_equal(bench_status(&bench, 0), 431);
  bench_close(&bench);
}

static void incomplete_heads_share_a_ceiling(void **state) {
  (void)state;
  static struct bench bench;
  bench_open(&bench, STATIC_ASSETS);
  bench.connections.stashes.limit = 100;
  bench_send(&bench, "GET / HTTP/1.1\r\n", 16);
  assert_int_equal(bench_status(&bench, 0), 503);
  bench_close(&bench);
}

/* ---- at the ceiling of the pool ---- */

/* All that is lent for either way; by whom is the test's. */
struct hoard {
  struct buffer *lent[8];
  size_t count;
};

static struct hoard take_all(struct buffer_pool *pool) {
  struct hoard hoard = {.count = 0};
  struct buffer *buffer;
  while ((buffer = buffer_borrow(pool, BUFFER_UP)) != NULL ||
         (buffer = buffer_borrow(pool, BUFFER_DOWN)) != NULL)
    hoard.lent[hoard.count++] = buffer;
  return hoard;
}

static void give_back(struct buffer_pool *pool, struct hoard *hoard) {
  while (hoard->count > 0)
    buffer_return(pool, hoard->lent[--hoard->count]);
}

static void no_buffer_is_needed_for_an_answer(void **state) {
  (void)state;
  static struct bench bench;
  static const char text[] = "GET /a.js HTTP/1.1\r\nHost: x\r\n\r\n" UPGRADE;
  bench_open(&bench, STATIC_ASSETS);
  struct hoard hoard = take_all(&bench.buffers);
  bench_send(&bench, text, sizeof text - 1);
  assert_int_equal(bench_status(&bench, 0), 200);
  assert_int_equal(bench_status(&bench, 1), 101);
  assert_int_equal(bench.sessions.count, 1);
  give_back(&bench.buffers, &hoard);
  bench_close(&bench);
}

static void frames_behind_the_head_wait_for_a_buffer(void **state) {
  (void)state;
  static struct bench bench;
  bench_open(&bench, STATIC_NONE);
  struct hoard hoard = take_all(&bench.buffers);
  bench_send(&bench, UPGRADE HI HI, sizeof(UPGRADE HI HI) - 1);
  assert_int_equal(bench_status(&bench, 0), 101);
  assert_int_equal(bench.sessions.count, 0);
  give_back(&bench.buffers, &hoard);
  bench_pass_ms(&bench, 10);
  assert_string_equal(bench.backend.output, "hihi");
  bench_close(&bench);
}

/* Without memory for them the upgrade is refused, since a stream without its first bytes is no stream. */
static void frames_behind_the_head_that_have_no_room_are_refused(void **state) {
  (void)state;
  static struct bench bench;
  bench_open(&bench, STATIC_NONE);
  struct hoard hoard = take_all(&bench.buffers);
  bench.connections.stashes.limit = 1;
  bench_send(&bench, UPGRADE HI, sizeof(UPGRADE HI) - 1);
  assert_int_equal(bench_status(&bench, 0), 503);
  assert_int_equal(bench.sessions.count, 0);
  give_back(&bench.buffers, &hoard);
  bench_close(&bench);
}

static void upgrades_are_refused_while_memory_is_short(void **state) {
  (void)state;
  static struct bench bench;
  bench_open(&bench, STATIC_NONE);
  bench.sessions.shortage.is_short = true;
  bench_send(&bench, UPGRADE, sizeof(UPGRADE) - 1);
  assert_int_equal(bench_status(&bench, 0), 503);
  assert_non_null(strstr(bench.client.output, "Retry-After: 1\r\n"));
  assert_non_null(strstr(bench.client.output, "memory for streams is short"));
  assert_int_equal(counter_get(&bench.counters.refused_5xx), 1);
  bench_close(&bench);
}

/* ---- dialling first ---- */

static void a_failed_dial_has_a_status(void **state) {
  (void)state;
  static const struct {
    int error, status;
  } rows[] = {{WSL_REFUSED, 502},       {WSL_NAME_UNKNOWN, 502}, {WSL_TIMED_OUT, 504},
              {WSL_NO_DESCRIPTOR, 503}, {WSL_NO_PORT, 503},      {WSL_UNREACHABLE, 502}};
  static struct bench bench;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bench_open(&bench, STATIC_NONE);
    bench.settings.dial_order = DIAL_BEFORE_UPGRADE;
    bench.dial = BENCH_DIAL_FAILS;
    bench.dial_error = rows[i].error;
    bench_send(&bench, UPGRADE, sizeof UPGRADE - 1);
    assert_int_equal(bench_status(&bench, 0), rows[i].status);
    assert_int_equal(bench.sessions.count, 0);
    bench_close(&bench);
  }
}

static void a_client_that_leaves_while_dialling_cancels_it(void **state) {
  (void)state;
  static struct bench bench;
  bench_open(&bench, STATIC_NONE);
  bench.settings.dial_order = DIAL_BEFORE_UPGRADE;
  bench.dial = BENCH_DIAL_WAITS;
  bench_send(&bench, UPGRADE, sizeof UPGRADE - 1);
  assert_non_null(bench.waiting);
  fake_client_end(&bench.client);
  assert_null(bench.waiting);
  assert_int_equal(bench.connections.count, 0);
  bench_close(&bench);
}

/* ---- origins, stopping ---- */

static void a_foreign_page_gets_403(void **state) {
  (void)state;
  static const char *const rules[] = {"same"};
  static const char foreign[] =
      "GET /x HTTP/1.1\r\nHost: h\r\nOrigin: https://evil.example\r\n"
      "Upgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  static struct bench bench;
  bench_open(&bench, STATIC_NONE);
  bench.settings.origins = (struct origin_rules){rules, 1};
  bench_send(&bench, foreign, sizeof foreign - 1);
  assert_int_equal(bench_status(&bench, 0), 403);
  assert_null(strstr(bench.client.output, "evil"));
  bench_close(&bench);
}

static void draining_closes_kept_connections_and_then_refuses(void **state) {
  (void)state;
  static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  static struct bench bench;
  bench_open(&bench, STATIC_ASSETS);
  bench_send(&bench, get, sizeof get - 1);
  connection_domain_drain(&bench.connections);
  fake_client_play(&bench.client);
  assert_int_equal(bench.client.fate, FAKE_CLOSED);

  bench_connect(&bench); /* taken from the kernel's queue */
  bench_send(&bench, get, sizeof get - 1);
  assert_non_null(strstr(bench.client.output, "Connection: close\r\n"));
  fake_client_end(&bench.client);
  assert_int_equal(bench.client.fate, FAKE_CLOSED);

  bench_connect(&bench);
  connection_domain_go_away(&bench.connections);
  if (bench.client.fate == FAKE_ALIVE) {
    bench_send(&bench, UPGRADE, sizeof UPGRADE - 1);
    assert_int_equal(bench_status(&bench, 0), 503);
  }
  bench_close(&bench);
}

/* The request is the kernel's already, its event still to come. */
static void a_request_that_comes_with_the_stop_is_answered(void **state) {
  (void)state;
  static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  static struct bench bench;
  bench_open(&bench, STATIC_ASSETS);
  bench_send(&bench, get, sizeof get - 1);
  memcpy(bench.client.input, get, sizeof get - 1);
  bench.client.input_at = 0;
  bench.client.input_len = sizeof get - 1;
  connection_domain_drain(&bench.connections);
  fake_client_play(&bench.client);
  assert_int_equal(bench_status(&bench, 1), 200);
  fake_client_end(&bench.client);

  bench_connect(&bench);
  fake_client_event(&bench.client, TRANSPORT_WRITABLE);
  memcpy(bench.client.input, UPGRADE, sizeof UPGRADE - 1);
  bench.client.input_len = sizeof UPGRADE - 1;
  connection_domain_go_away(&bench.connections);
  fake_client_play(&bench.client);
  assert_int_equal(bench_status(&bench, 0), 503);
  fake_client_end(&bench.client);

  bench_connect(&bench);
  fake_client_event(&bench.client, TRANSPORT_WRITABLE);
  connection_domain_go_away(&bench.connections);
  fake_client_play(&bench.client);
  assert_int_equal(bench.client.fate, FAKE_CLOSED);
  bench_close(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_is_answered_the_same_however_it_is_cut),
      cmocka_unit_test(pipelined_requests_are_answered_in_order),
      cmocka_unit_test(no_answer_to_head_has_content),
      cmocka_unit_test(frames_behind_the_head_reach_the_backend),
      cmocka_unit_test(frames_wait_for_a_slow_dial_and_a_slow_answer),
      cmocka_unit_test(a_body_leaves_as_the_client_takes_it),
      cmocka_unit_test(a_client_that_takes_nothing_is_dropped_after_the_transfer_time),
      cmocka_unit_test(silence_is_closed_without_a_word),
      cmocka_unit_test(trickling_does_not_extend_the_time),
      cmocka_unit_test(a_kept_connection_has_its_time_from_the_first_byte),
      cmocka_unit_test(an_end_inside_a_head_is_a_bad_request),
      cmocka_unit_test(an_end_before_the_first_byte_is_nothing),
      cmocka_unit_test(an_end_behind_a_request_still_gets_its_answer),
      cmocka_unit_test(a_tls_hello_is_closed_at_once),
      cmocka_unit_test(a_byte_that_cannot_stand_there_is_refused_at_once),
      cmocka_unit_test(heads_beyond_a_limit_are_refused),
      cmocka_unit_test(incomplete_heads_share_a_ceiling),
      cmocka_unit_test(no_buffer_is_needed_for_an_answer),
      cmocka_unit_test(frames_behind_the_head_wait_for_a_buffer),
      cmocka_unit_test(frames_behind_the_head_that_have_no_room_are_refused),
      cmocka_unit_test(upgrades_are_refused_while_memory_is_short),
      cmocka_unit_test(a_failed_dial_has_a_status),
      cmocka_unit_test(a_client_that_leaves_while_dialling_cancels_it),
      cmocka_unit_test(a_foreign_page_gets_403),
      cmocka_unit_test(draining_closes_kept_connections_and_then_refuses),
      cmocka_unit_test(a_request_that_comes_with_the_stop_is_answered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
