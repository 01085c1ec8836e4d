/* The resolver: what it answers by itself, at once; what the library says; and queries given up. */
#include "loopback.h"

#include "core/error.h"
#include "core/list.h"
#include "net/resolver.h"
#include "net/resolver_library.h"

struct question {
  struct resolver_query query;
  uv_loop_t loop;
  struct resolver *resolver;
  bool answered;
  int error;
  size_t count;
  struct address addresses[RESOLVER_ADDRESSES_MAX];
};

static void on_answered(struct resolver_query *query, int error, const struct address *addresses,
                        size_t count) {
  struct question *q = LIST_ENTRY(query, struct question, query);
  assert_false(q->answered); /* exactly once */
  assert_null(query->request);
  q->answered = true;
  q->error = error;
  q->count = count;
  if (count > 0) memcpy(q->addresses, addresses, count * sizeof *addresses);
}

static int open_question(void **state) {
  struct question *q = calloc(1, sizeof *q);
  assert_int_equal(uv_loop_init(&q->loop), 0);
  q->resolver = resolver_open(&q->loop);
  assert_non_null(q->resolver);
  *state = q;
  return 0;
}

static int close_question(void **state) {
  struct question *q = *state;
  resolver_close(q->resolver);
  close_loop(&q->loop);
  free(q);
  return 0;
}

static void ask(struct question *q, const char *host) {
  q->answered = false;
  resolver_ask(q->resolver, &q->query, host, 5900, on_answered);
}

/* Before the call returns: so no library, and no dead name server, can have had a part in it. */
static void literals_are_answered_at_once(void **state) {
  struct question *q = *state;
  const struct {
    const char *host, *text;
  } rows[] = {
      {"127.0.0.1", "127.0.0.1:5900"},     {"::1", "[::1]:5900"},
      {"fe80::1%lo", "[fe80::1%lo]:5900"}, {"127.1", "127.0.0.1:5900"},
      {"0x7f000001", "127.0.0.1:5900"},    {"2130706433", "127.0.0.1:5900"},
      {"0177.0.0.1", "127.0.0.1:5900"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[ADDRESS_TEXT_MAX];
    ask(q, rows[i].host);
    if (!q->answered) fail_msg("%s went to the library", rows[i].host);
    assert_int_equal(q->error, WSL_OK);
    assert_int_equal(q->count, 1);
    assert_string_equal(address_format(&q->addresses[0], text), rows[i].text);
  }
}

static void no_names_are_refused_at_once(void **state) {
  struct question *q = *state;
  char endless[300];
  memset(endless, 'a', sizeof endless - 1);
  endless[sizeof endless - 1] = '\0';
  const char *rows[] = {"", endless};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ask(q, rows[i]);
    assert_true(q->answered);
    assert_int_equal(q->error, WSL_NAME_UNKNOWN);
    assert_int_equal(q->count, 0);
  }
}

static bool is_loopback(const struct address *address) {
  char text[ADDRESS_TEXT_MAX];
  address_format(address, text);
  return strncmp(text, "127.", 4) == 0 || strcmp(text, "[::1]:5900") == 0;
}

static void loopback_names_have_addresses_everywhere(void **state) {
  struct question *q = *state;
  const char *rows[] = {"localhost", "LocalHost", "localhost.", "wsluice.localhost", "a.b.localhost."};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ask(q, rows[i]);
    if (!q->answered) turn_until(&q->loop, &q->answered);
    if (q->error != WSL_OK) fail_msg("%s: %s", rows[i], error_name(q->error));
    assert_true(q->count >= 1);
    for (size_t k = 0; k < q->count; k++)
      assert_true(is_loopback(&q->addresses[k]));
  }
}

/* Without a network the library can't know, which is an error of its own. */
static void an_unknown_name_is_an_error(void **state) {
  struct question *q = *state;
  const char *rows[] = {"no-such-host.invalid.", "notlocalhost.invalid.", "white space.invalid."};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ask(q, rows[i]);
    if (!q->answered) turn_until(&q->loop, &q->answered);
    assert_true(q->error == WSL_NAME_UNKNOWN || q->error == WSL_NAME_FAILED);
    assert_int_equal(q->count, 0);
  }
}

static void cancelled_queries_stay_silent(void **state) {
  struct question *q = *state;
  ask(q, "no-such-host.invalid.");
  resolver_cancel(&q->query);
  resolver_cancel(&q->query); /* harmless */
  assert_null(q->query.request);
  memset(&q->query, 0xff, sizeof q->query); /* it may be gone by now */
  bool answered_before = q->answered;
  turn_for(&q->loop, 20);
  assert_int_equal(q->answered, answered_before);
  ask(q, "localhost"); /* and the resolver goes on */
  if (!q->answered) turn_until(&q->loop, &q->answered);
  assert_int_equal(q->error, WSL_OK);
}

/* Closed with a cancelled question still under way: the teardown, under the sanitizer, is the test. */
static void closing_drops_what_is_under_way(void **state) {
  struct question *q = *state;
  for (int i = 0; i < 4; i++) {
    ask(q, "no-such-host.invalid.");
    resolver_cancel(&q->query);
  }
}

/* Drives the common part with an answer of our own making. */
static void answer(struct question *q, int error, struct resolver_found *found, bool loopback_name) {
  struct resolver_request *request = calloc(1, sizeof *request);
  q->answered = false;
  q->query = (struct resolver_query){.done = on_answered, .port = 5900, .request = request};
  request->query = &q->query;
  request->loopback_name = loopback_name;
  resolver_answer(request, error, found);
  assert_true(q->answered);
}

static void found(struct resolver_found *found, const char *host) {
  struct address address;
  assert_true(address_parse_literal(host, 1, &address));
  resolver_found_add(found, (struct sockaddr *)&address.storage, address.len);
}

static void families_take_turns(void **state) {
  struct question *q = *state;
  struct resolver_found list = {.count = {0, 0}};
  const char *given[] = {"::1", "::2", "::3", "10.0.0.1", "10.0.0.2"};
  const char *expected[] = {"[::1]:5900", "10.0.0.1:5900", "[::2]:5900", "10.0.0.2:5900", "[::3]:5900"};
  for (size_t i = 0; i < 5; i++)
    found(&list, given[i]);
  struct sockaddr other = {.sa_family = AF_UNIX};
  resolver_found_add(&list, &other, sizeof other);
  answer(q, WSL_OK, &list, false);
  assert_int_equal(q->count, 5);
  for (size_t i = 0; i < 5; i++) {
    char text[ADDRESS_TEXT_MAX];
    assert_string_equal(address_format(&q->addresses[i], text), expected[i]);
  }
}

static void many_of_one_family_leave_room_for_the_other(void **state) {
  struct question *q = *state;
  struct resolver_found list = {.count = {0, 0}};
  for (int i = 0; i < 40; i++)
    found(&list, "10.0.0.1");
  found(&list, "::1");
  answer(q, WSL_OK, &list, false);
  assert_int_equal(q->count, RESOLVER_ADDRESSES_MAX);
  assert_int_equal(q->addresses[1].storage.ss_family, AF_INET6);
}

static void a_loopback_name_survives_a_failing_library(void **state) {
  struct question *q = *state;
  struct resolver_found none = {.count = {0, 0}};
  answer(q, WSL_NAME_FAILED, &none, true);
  assert_int_equal(q->error, WSL_OK);
  assert_int_equal(q->count, 2);
  assert_true(is_loopback(&q->addresses[0]) && is_loopback(&q->addresses[1]));
  answer(q, WSL_NAME_FAILED, NULL, false);
  assert_int_equal(q->error, WSL_NAME_FAILED);
  answer(q, WSL_OK, &none, false); /* a name with no address that we can use */
  assert_int_equal(q->error, WSL_NAME_UNKNOWN);
}

#define QUESTION_TEST(test) cmocka_unit_test_setup_teardown(test, open_question, close_question)

int main(void) {
  const struct CMUnitTest tests[] = {
      QUESTION_TEST(literals_are_answered_at_once),
      QUESTION_TEST(no_names_are_refused_at_once),
      QUESTION_TEST(loopback_names_have_addresses_everywhere),
      QUESTION_TEST(an_unknown_name_is_an_error),
      QUESTION_TEST(cancelled_queries_stay_silent),
      QUESTION_TEST(closing_drops_what_is_under_way),
      QUESTION_TEST(families_take_turns),
      QUESTION_TEST(many_of_one_family_leave_room_for_the_other),
      QUESTION_TEST(a_loopback_name_survives_a_failing_library),
  };
  return cmocka_run_group_tests_name("net/resolver", tests, NULL, NULL);
}
