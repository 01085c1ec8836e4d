/* The routers: which part of a request is the token, what answers come, and who may leave when. The work is
 * done by hand here, at any moment between the asking and the answer.
 */
#include "folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/error.h"
#include "route/fixed_router.h"
#include "route/token/kinds.h"
#include "route/token/router.h"

/* Jobs wait until the test lets the first one begin, and then end. */
struct hand {
  struct offload offload;
  struct list waiting;
  struct offload_job *begun;
};

static void hand_start(struct offload *offload, struct offload_job *job) {
  struct hand *hand = (struct hand *)(void *)offload;
  list_append(&hand->waiting, &job->node);
}

static bool hand_cancel(struct offload *offload, struct offload_job *job) {
  (void)offload;
  if (job->running != NULL) return false;
  list_remove(&job->node);
  return true;
}

static const struct offload_ops hand_ops = {hand_start, hand_cancel};

static void begin(struct hand *hand) {
  struct list *node = list_take_first(&hand->waiting);
  assert_non_null(node);
  hand->begun = LIST_ENTRY(node, struct offload_job, node);
  hand->begun->running = hand;
  hand->begun->work(hand->begun);
}

static void end(struct hand *hand) {
  hand->begun->running = NULL;
  hand->begun->done(hand->begun);
}

static struct {
  struct hand hand;
  struct token_source *source;
  struct token_router router;
} bench;

struct asker {
  struct route_lookup lookup;
  unsigned answers;
  enum route_outcome outcome;
  char target[64];
};

static void on_answer(struct route_lookup *lookup, enum route_outcome outcome, const struct target *target,
                      void *owned) {
  struct asker *asker = LIST_ENTRY(lookup, struct asker, lookup);
  asker->answers++;
  asker->outcome = outcome;
  assert_null(lookup->work);
  assert_int_equal(target != NULL, outcome == ROUTE_FOUND);
  if (target != NULL) snprintf(asker->target, sizeof(asker->target), "%s", target->text);
  free(owned);
}

static int set_up(void **state) {
  (void)state;
  char why[256];
  folder_open();
  log_keep();
  folder_write("tokens", "a: h:1\nb/ &c: h:2\n[::1]: h:3\n::2: h:4\nexample.com: h:5\n");
  bench.hand = (struct hand){.offload = {&hand_ops}};
  list_init(&bench.hand.waiting);
  struct token_source_options options = {.argument = folder_path("tokens")};
  assert_int_equal(token_source_open(&bench.source, &token_kind_file, &options, why, sizeof(why)), WSL_OK);
  struct token_means means = {.offload = &bench.hand.offload};
  assert_int_equal(token_router_init(&bench.router, &means, bench.source, &token_place_default), WSL_OK);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  assert_true(list_empty(&bench.hand.waiting));
  assert_int_equal(bench.router.under_way, 0);
  assert_int_equal(log_count(""), 0);
  token_source_close(bench.source);
  folder_close();
  return 0;
}

/* The request's bytes are gone when this returns. */
static void ask(struct asker *asker, const char *query, const char *authority) {
  char *query_copy = strdup(query), *authority_copy = strdup(authority);
  struct route_request request = {
      .path = wsl_span_of("/"),
      .query = wsl_span_of(query_copy),
      .authority = wsl_span_of(authority_copy),
  };
  *asker = (struct asker){.answers = 0};
  route_start(&bench.router.router, &asker->lookup, &request, on_answer);
  memset(query_copy, 'x', strlen(query_copy));
  free(query_copy);
  free(authority_copy);
}

struct row {
  const char *name;
  enum token_place_kind place;
  const char *query, *authority;
  enum route_outcome outcome;
  const char *target;
};

static const struct row rows[] = {
    {"query", TOKEN_IN_QUERY, "token=a", "a", ROUTE_FOUND, "h:1"},
    {"query among others", TOKEN_IN_QUERY, "x=1&token=a&token=b", "", ROUTE_FOUND, "h:1"},
    {"query, encoded", TOKEN_IN_QUERY, "token=b%2f+%26c", "", ROUTE_FOUND, "h:2"},
    {"query, line feed behind", TOKEN_IN_QUERY, "token=a%0A%0a", "", ROUTE_FOUND, "h:1"},
    {"query, unknown", TOKEN_IN_QUERY, "token=A", "a", ROUTE_UNKNOWN, ""},
    {"query, NUL behind", TOKEN_IN_QUERY, "token=a%00", "a", ROUTE_UNKNOWN, ""},
    {"query, bare address", TOKEN_IN_QUERY, "token=[::2]", "a", ROUTE_UNKNOWN, ""},
    {"query, empty", TOKEN_IN_QUERY, "", "a", ROUTE_NO_TOKEN, ""},
    {"query, none", TOKEN_IN_QUERY, "tok=a", "a", ROUTE_NO_TOKEN, ""},
    {"query, empty value", TOKEN_IN_QUERY, "token=", "a", ROUTE_NO_TOKEN, ""},
    {"query, only line feeds", TOKEN_IN_QUERY, "token=%0a%0a", "a", ROUTE_NO_TOKEN, ""},
    {"host", TOKEN_IN_HOST, "token=b", "a", ROUTE_FOUND, "h:1"},
    {"host and port", TOKEN_IN_HOST, "", "example.com:6080", ROUTE_FOUND, "h:5"},
    {"host, empty port", TOKEN_IN_HOST, "", "a:", ROUTE_FOUND, "h:1"},
    {"host, IPv6", TOKEN_IN_HOST, "", "[::1]", ROUTE_FOUND, "h:3"},
    {"host, IPv6 and port", TOKEN_IN_HOST, "", "[::1]:6080", ROUTE_FOUND, "h:3"},
    {"host, IPv6, bare in the file", TOKEN_IN_HOST, "", "[::2]:6080", ROUTE_FOUND, "h:4"},
    {"host, IPv6, unknown", TOKEN_IN_HOST, "", "[::3]:6080", ROUTE_UNKNOWN, ""},
    {"host, unknown", TOKEN_IN_HOST, "token=a", "c", ROUTE_UNKNOWN, ""},
    {"host, empty", TOKEN_IN_HOST, "token=a", "", ROUTE_NO_TOKEN, ""},
    {"host, only a port", TOKEN_IN_HOST, "token=a", ":6080", ROUTE_NO_TOKEN, ""},
};

static void every_request_gets_its_answer(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const struct row *row = &rows[i];
    bench.router.place = (struct token_place){.kind = row->place, .name = "token"};
    struct asker asker;
    ask(&asker, row->query, row->authority);
    if (row->outcome != ROUTE_NO_TOKEN) {
      assert_int_equal(asker.answers, 0);
      begin(&bench.hand);
      end(&bench.hand);
    }
    if (asker.answers != 1 || asker.outcome != row->outcome || strcmp(asker.target, row->target) != 0)
      fail_msg("%s: %u answers, outcome %d, target %s", row->name, asker.answers, (int)asker.outcome,
               asker.target);
  }
}

/* At each moment: waiting, begun, answered. */
static void who_asked_may_leave_at_any_moment(void **state) {
  (void)state;
  struct asker asker;
  ask(&asker, "token=a", "");
  route_cancel(&asker.lookup);
  route_cancel(&asker.lookup);
  assert_true(list_empty(&bench.hand.waiting));

  ask(&asker, "token=a", "");
  begin(&bench.hand);
  route_cancel(&asker.lookup);
  assert_int_equal(bench.router.under_way, 1);
  end(&bench.hand); /* the target that was found is freed, or LeakSanitizer tells */
  assert_int_equal(asker.answers, 0);

  ask(&asker, "token=a", "");
  begin(&bench.hand);
  end(&bench.hand);
  route_cancel(&asker.lookup);
  assert_int_equal(asker.answers, 1);

  struct route_lookup never = {.work = NULL};
  route_cancel(&never);
}

static void too_many_lookups_are_refused(void **state) {
  (void)state;
  static struct asker askers[TOKEN_LOOKUPS_MAX + 1];
  for (size_t i = 0; i <= TOKEN_LOOKUPS_MAX; i++)
    ask(&askers[i], "token=a", "");
  assert_int_equal(askers[TOKEN_LOOKUPS_MAX].answers, 1);
  assert_int_equal(askers[TOKEN_LOOKUPS_MAX].outcome, ROUTE_BUSY);
  ask(&askers[TOKEN_LOOKUPS_MAX], "", "");
  assert_int_equal(askers[TOKEN_LOOKUPS_MAX].outcome, ROUTE_NO_TOKEN);
  for (size_t i = 0; i < TOKEN_LOOKUPS_MAX; i++)
    route_cancel(&askers[i].lookup);
}

static void a_fixed_router_has_one_answer(void **state) {
  (void)state;
  static const struct target target = {.host = "h", .port = 1, .text = "h:1"};
  struct fixed_router router;
  fixed_router_init(&router, &target);
  struct asker asker = {.answers = 0};
  struct route_request request = {.query = wsl_span_of("token=b")};
  route_start(&router.router, &asker.lookup, &request, on_answer);
  assert_int_equal(asker.answers, 1);
  assert_string_equal(asker.target, "h:1");
  route_cancel(&asker.lookup);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(every_request_gets_its_answer, set_up, tear_down),
      cmocka_unit_test_setup_teardown(who_asked_may_leave_at_any_moment, set_up, tear_down),
      cmocka_unit_test_setup_teardown(too_many_lookups_are_refused, set_up, tear_down),
      cmocka_unit_test(a_fixed_router_has_one_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
