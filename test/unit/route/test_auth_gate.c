/* ctest: wrap=crypt_r */
/* The gate over passwords, cookies, origins and names: which requests it opens for, at once or later, what it
 * asks of the thread pool, and that nothing is left of those who give up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <crypt.h>
#include <stdio.h>
#include <string.h>

#include <wsluice/base64.h>

#include "core/error.h"
#include "route/auth/gate.h"
#include "route/folder.h"

#define ALICE      "alice:$2y$05$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG/CL0Q0Xjgok.U2U3RRq..\n" /* secret */
#define FIELDS_MAX 16

/* ---- a pool that runs what it was given when the test says so ---- */

static struct pool {
  struct offload offload;
  struct offload_job *job; /* one at most: the gate gives no more */
  bool runs;               /* it can't be called back any more */
  unsigned jobs;
} pool;

static void pool_start(struct offload *offload, struct offload_job *job) {
  (void)offload;
  assert_null(pool.job);
  pool.job = job;
  pool.runs = false;
  pool.jobs++;
}

static bool pool_cancel(struct offload *offload, struct offload_job *job) {
  (void)offload;
  assert_ptr_equal(job, pool.job);
  if (pool.runs) return false;
  pool.job = NULL;
  return true;
}

static const struct offload_ops pool_ops = {pool_start, pool_cancel};

static void pool_run(void) {
  struct offload_job *job = pool.job;
  assert_non_null(job);
  job->work(job);
  pool.job = NULL;
  job->done(job);
}

static void pool_run_all(void) {
  while (pool.job != NULL)
    pool_run();
}

/* ---- who asks ---- */

struct asker {
  struct gate_check check;
  bool answered;
  struct gate_answer answer;
  char user[64], cookie[AUTH_COOKIE_MAX];
};

static void on_answer(struct gate_check *check, const struct gate_answer *answer) {
  struct asker *asker = (struct asker *)(void *)check; /* its first member */
  assert_false(asker->answered);
  assert_null(check->work);
  asker->answered = true;
  asker->answer = *answer;
  snprintf(asker->user, sizeof asker->user, "%s", answer->user == NULL ? "" : answer->user);
  snprintf(asker->cookie, sizeof asker->cookie, "%s", answer->cookie == NULL ? "" : answer->cookie);
}

static struct timers timers;
static struct auth_settings settings;
static struct origin_rules rules;
static struct auth *auth;
static struct auth_gate gate;

/* What the file becomes in the middle of the next hash; NULL: it stays. */
static const char *under_a_hash;

char *__real_crypt_r(const char *phrase, const char *setting, struct crypt_data *data);
char *__wrap_crypt_r(const char *phrase, const char *setting, struct crypt_data *data);

char *__wrap_crypt_r(const char *phrase, const char *setting, struct crypt_data *data) {
  if (under_a_hash != NULL) {
    folder_write("htpasswd", under_a_hash);
    auth_reload(auth);
    under_a_hash = NULL;
  }
  return __real_crypt_r(phrase, setting, data);
}

struct question {
  enum gate_purpose purpose;
  const char *login;  /* user:password, or NULL */
  const char *header; /* a whole line, or NULL */
  const char *origin, *name;
  const char *from;
};

static void ask(struct asker *asker, struct question question) {
  static char head_text[2048];
  struct wsl_head head;
  struct wsl_head_field fields[FIELDS_MAX];
  struct wsl_head_limits limits = {1024, 4096, FIELDS_MAX};
  struct address client;
  char encoded[256] = "";
  if (question.login != NULL)
    wsl_base64_encode((uint8_t *)encoded, (const uint8_t *)question.login, strlen(question.login));
  snprintf(head_text, sizeof head_text, "GET / HTTP/1.1\r\nHost: h:80\r\n%s%s%s%s%s\r\n",
           question.login != NULL ? "Authorization: Basic " : "", encoded,
           question.login != NULL ? "\r\n" : "", question.header != NULL ? question.header : "",
           question.header != NULL ? "\r\n" : "");
  wsl_head_init(&head, &limits, fields);
  assert_int_equal(wsl_head_feed(&head, head_text, strlen(head_text)), WSL_HEAD_DONE);
  assert_true(address_parse_literal(question.from != NULL ? question.from : "192.0.2.1", 1, &client));
  struct wsl_span none = {NULL, 0};
  struct gate_request request = {
      .purpose = question.purpose,
      .head = &head,
      .origin = question.origin != NULL ? wsl_span_of(question.origin) : none,
      .authority = wsl_span_of("h:80"),
      .certificate_name = question.name != NULL ? wsl_span_of(question.name) : none,
      .client = &client,
  };
  memset(asker, 0, sizeof *asker);
  gate_start(&gate.gate, &asker->check, &request, on_answer);
  memset(head_text, '#', sizeof head_text); /* nothing may be looked at later */
}

static void expect(const struct asker *asker, enum gate_outcome outcome) {
  assert_true(asker->answered);
  assert_int_equal(asker->answer.outcome, outcome);
}

/* The answer, which may take a hash. */
static enum gate_outcome outcome_of(struct question question) {
  struct asker asker;
  ask(&asker, question);
  if (!asker.answered) pool_run_all();
  assert_true(asker.answered);
  return asker.answer.outcome;
}

static void open_gate(enum auth_plugin plugin, const char *source) {
  char why[256] = "";
  settings = (struct auth_settings){.plugin = plugin, .source = source, .cookie_time_ms = 3600000};
  if (plugin == AUTH_BASIC && source == NULL) settings.htpasswd = folder_path("htpasswd");
  rules = (struct origin_rules){NULL, 0};
  if (auth_open(&auth, &settings, &rules, why, sizeof why) != WSL_OK) fail_msg("%s", why);
  auth_gate_init(&gate, auth, &pool.offload, &timers);
}

static void close_gate(void) {
  auth_gate_destroy(&gate);
  auth_close(auth);
}

static int set_up(void **state) {
  (void)state;
  folder_open();
  folder_write("htpasswd", ALICE);
  timers_init(&timers, 1000000);
  pool = (struct pool){.offload = {&pool_ops}};
  log_keep();
  open_gate(AUTH_BASIC, NULL);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  close_gate();
  assert_null(timers.root);
  folder_close();
  assert_int_equal(log_count("secret"), 0);
  return 0;
}

/* ---- passwords ---- */

static void a_right_password_costs_one_hash_and_then_none(void **state) {
  (void)state;
  struct asker asker;
  ask(&asker, (struct question){.login = "alice:secret"});
  assert_false(asker.answered);
  pool_run();
  expect(&asker, GATE_OPEN);
  assert_string_equal(asker.user, "alice");
  for (int i = 0; i < 60; i++)
    assert_int_equal(outcome_of((struct question){.login = "alice:secret"}), GATE_OPEN);
  assert_int_equal(pool.jobs, 1);
  timers_set_now(&timers, timers.now_ms + CREDENTIALS_MEMORY_MS);
  assert_int_equal(outcome_of((struct question){.login = "alice:secret"}), GATE_OPEN);
  assert_int_equal(pool.jobs, 2);
}

static void wrong_ones_cost_a_hash_each(void **state) {
  (void)state;
  static const char *const logins[] = {"alice:wrong", "nobody:secret", "nobody:wrong"};
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(outcome_of((struct question){.login = logins[i]}), GATE_WRONG);
    assert_int_equal(pool.jobs, i + 1);
  }
}

static void what_needs_no_hash(void **state) {
  (void)state;
  assert_int_equal(outcome_of((struct question){.login = NULL}), GATE_UNKNOWN);
  assert_int_equal(outcome_of((struct question){.header = "Authorization: Bearer x"}), GATE_MALFORMED);
  assert_int_equal(outcome_of((struct question){.header = "Authorization: Basic !"}), GATE_MALFORMED);
  assert_int_equal(
      outcome_of((struct question){.login = "alice:secret", .header = "authorization: Basic YTpi"}),
      GATE_MALFORMED);
  assert_int_equal(pool.jobs, 0);
}

static void one_login_at_a_time_and_the_same_only_once(void **state) {
  (void)state;
  struct asker askers[6];
  for (int i = 0; i < 6; i++)
    ask(&askers[i], (struct question){.login = "alice:secret"});
  assert_int_equal(pool.jobs, 1);
  pool_run();
  for (int i = 0; i < 6; i++)
    expect(&askers[i], GATE_OPEN);
  assert_int_equal(pool.jobs, 1);
}

static void the_queue_is_bounded(void **state) {
  (void)state;
  static struct asker askers[AUTH_QUEUE_MAX + 2];
  char from[32];
  for (unsigned i = 0; i < AUTH_QUEUE_MAX + 2; i++) {
    snprintf(from, sizeof from, "10.0.0.%u", i + 1);
    ask(&askers[i], (struct question){.login = "alice:wrong", .from = from});
  }
  expect(&askers[AUTH_QUEUE_MAX + 1], GATE_BUSY);
  assert_true(askers[AUTH_QUEUE_MAX + 1].answer.retry_after_s > 0);
  pool_run_all();
  for (unsigned i = 0; i <= AUTH_QUEUE_MAX; i++)
    expect(&askers[i], GATE_WRONG);
}

/* As many as all workers may make: this one waits, and looks again. */
static void other_workers_hashes_count(void **state) {
  (void)state;
  struct asker asker;
  for (unsigned i = 0; i < AUTH_HASHES_MAX; i++)
    assert_true(auth_take_turn(auth));
  assert_false(auth_take_turn(auth));
  ask(&asker, (struct question){.login = "alice:secret"});
  for (int i = 0; i < 10; i++)
    timers_run(&timers, timers.now_ms + AUTH_RETRY_MS);
  assert_null(pool.job);
  auth_give_turn(auth);
  timers_run(&timers, timers.now_ms + AUTH_RETRY_MS);
  pool_run();
  expect(&asker, GATE_OPEN);
  auth_give_turn(auth);
  ask(&asker, (struct question){.login = "alice:wrong"});
  gate_cancel(&asker.check); /* gives its turn back */
  for (unsigned i = 0; i < AUTH_HASHES_MAX; i++)
    assert_true(auth_take_turn(auth));
  ask(&asker, (struct question){.login = "alice:wrong"});
  gate_cancel(&asker.check); /* with the timer armed */
}

static void a_changed_file_is_forgotten_for(void **state) {
  (void)state;
  assert_int_equal(outcome_of((struct question){.login = "alice:secret"}), GATE_OPEN);
  folder_write("htpasswd", "alice:{SHA}2PRZAyDhNDqRW2OUFwZQqPNdaSY=\n"); /* sha */
  auth_reload(auth);
  assert_int_equal(outcome_of((struct question){.login = "alice:secret"}), GATE_WRONG);
  assert_int_equal(outcome_of((struct question){.login = "alice:sha"}), GATE_OPEN);
}

/* A change while an old password is hashed: it opens once and is not remembered. */
static void a_change_under_a_hash(void **state) {
  (void)state;
  under_a_hash = "bob:{SHA}2PRZAyDhNDqRW2OUFwZQqPNdaSY=\n";
  assert_int_equal(outcome_of((struct question){.login = "alice:secret"}), GATE_OPEN);
  assert_null(under_a_hash);
  assert_int_equal(outcome_of((struct question){.login = "alice:secret"}), GATE_WRONG);
}

/* ---- pauses ---- */

static void fail_often(void) {
  for (unsigned i = 0; i < AUTH_FREE_FAILURES; i++)
    assert_int_equal(outcome_of((struct question){.login = "alice:wrong"}), GATE_WRONG);
}

static void a_guess_waits_before_it_is_hashed(void **state) {
  (void)state;
  struct asker asker, hurried;
  fail_often();
  ask(&asker, (struct question){.login = "alice:secret"});
  timers_run(&timers, timers.now_ms + 900);
  assert_int_equal(pool.jobs, AUTH_FREE_FAILURES);
  timers_run(&timers, timers.now_ms + 110);
  assert_int_equal(pool.jobs, AUTH_FREE_FAILURES + 1);
  pool_run();
  expect(&asker, GATE_OPEN);
  assert_true(asker.answer.delayed);
  struct asker waiting[AUTH_WAITING_EACH];
  for (unsigned i = 0; i < AUTH_WAITING_EACH; i++)
    ask(&waiting[i], (struct question){.login = "alice:wrong"});
  ask(&hurried, (struct question){.login = "alice:wrong"});
  expect(&hurried, GATE_HURRIED);
  assert_true(hurried.answer.retry_after_s > 0);
  assert_int_equal(outcome_of((struct question){.login = "alice:secret"}), GATE_OPEN); /* right lately */
  assert_int_equal(outcome_of((struct question){.login = "alice:wrong", .from = "192.0.2.2"}), GATE_WRONG);
  for (unsigned i = 0; i < AUTH_WAITING_EACH; i++)
    gate_cancel(&waiting[i].check);
}

/* ---- giving up ---- */

static void who_gives_up_leaves_nothing(void **state) {
  (void)state;
  struct asker hashing, queued, waiting, next;
  ask(&hashing, (struct question){.login = "alice:wrong"});
  ask(&queued, (struct question){.login = "alice:wrong"});
  gate_cancel(&queued.check);
  gate_cancel(&hashing.check);
  assert_null(pool.job);
  fail_often();
  for (unsigned i = 0; i <= AUTH_WAITING_EACH; i++) { /* each gives his place back */
    ask(&waiting, (struct question){.login = "alice:wrong"});
    assert_false(waiting.answered);
    gate_cancel(&waiting.check);
    assert_null(timers.root);
  }
  ask(&hashing, (struct question){.login = "alice:wrong", .from = "192.0.2.3"});
  ask(&next, (struct question){.login = "bob:wrong", .from = "192.0.2.4"});
  gate_cancel(&hashing.check); /* the next one's turn */
  pool_run();
  expect(&next, GATE_WRONG);
  assert_false(hashing.answered || queued.answered || waiting.answered);
}

/* Guessing is not free for those who hang up while they are looked at. */
static void a_guess_counts_though_its_asker_has_gone(void **state) {
  (void)state;
  struct asker asker;
  for (unsigned i = 0; i < AUTH_FREE_FAILURES; i++) {
    ask(&asker, (struct question){.login = "alice:wrong"});
    pool.runs = true;
    gate_cancel(&asker.check);
    pool_run();
    assert_false(asker.answered);
  }
  ask(&asker, (struct question){.login = "alice:wrong"});
  assert_null(pool.job);
  gate_cancel(&asker.check);
}

/* ---- cookies ---- */

static const char *cookie_header(const struct asker *asker) {
  static char line[AUTH_COOKIE_MAX + 16];
  snprintf(line, sizeof line, "Cookie: %.*s", (int)strcspn(asker->cookie, ";"), asker->cookie);
  return line;
}

static void log_in(struct asker *asker) {
  ask(asker, (struct question){.purpose = GATE_FILE, .login = "alice:secret"});
  pool_run_all();
  expect(asker, GATE_OPEN);
}

static void a_page_brings_a_cookie_for_upgrades(void **state) {
  (void)state;
  struct asker page, upgrade;
  log_in(&page);
  assert_non_null(strstr(page.cookie, "; HttpOnly; SameSite=Strict"));
  ask(&upgrade, (struct question){.header = cookie_header(&page)});
  expect(&upgrade, GATE_OPEN);
  assert_string_equal(upgrade.user, "alice");
  assert_string_equal(upgrade.cookie, "");
  assert_int_equal(outcome_of((struct question){.purpose = GATE_FILE, .header = cookie_header(&page)}),
                   GATE_UNKNOWN);
  ask(&upgrade, (struct question){.login = "alice:secret"});
  assert_string_equal(upgrade.cookie, "");
}

static void whose_page_may_use_a_cookie(void **state) {
  (void)state;
  static const char *const others[] = {"http://h:81", "http://evil", "https://h", "null", ""};
  static const char *const allowed[] = {"http://evil"};
  struct asker page;
  log_in(&page);
  assert_int_equal(outcome_of((struct question){.header = cookie_header(&page), .origin = "http://h"}),
                   GATE_OPEN);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    enum gate_outcome outcome =
        outcome_of((struct question){.header = cookie_header(&page), .origin = others[i]});
    if (outcome != GATE_CLOSED) fail_msg("%s", others[i]);
  }
  rules = (struct origin_rules){allowed, 1}; /* then --origin has judged already */
  assert_int_equal(outcome_of((struct question){.header = cookie_header(&page), .origin = "http://evil"}),
                   GATE_OPEN);
}

static void a_cookie_ends_with_its_user_and_its_password(void **state) {
  (void)state;
  struct asker page;
  log_in(&page);
  folder_write("htpasswd", ALICE "bob:{SHA}2PRZAyDhNDqRW2OUFwZQqPNdaSY=\n");
  auth_reload(auth);
  assert_int_equal(outcome_of((struct question){.header = cookie_header(&page)}), GATE_OPEN);
  folder_write("htpasswd", "alice:{SHA}2PRZAyDhNDqRW2OUFwZQqPNdaSY=\n");
  auth_reload(auth);
  assert_int_equal(outcome_of((struct question){.header = cookie_header(&page)}), GATE_UNKNOWN);
}

static void a_cookie_that_was_touched_anywhere_is_none(void **state) {
  (void)state;
  struct asker page;
  char line[AUTH_COOKIE_MAX + 16];
  log_in(&page);
  strcpy(line, cookie_header(&page));
  for (size_t at = strcspn(line, "=") + 1; line[at] != '\0'; at++) {
    char digit = line[at];
    line[at] = digit == 'f' ? 'e' : 'f';
    if (outcome_of((struct question){.header = line}) != GATE_UNKNOWN) fail_msg("at %zu", at);
    line[at] = digit;
  }
  assert_int_equal(outcome_of((struct question){.header = line}), GATE_OPEN);
}

/* Made by hand, with times of its own: the clock is the system's. */
static void times_of_cookies(void **state) {
  (void)state;
  uint8_t tag[PASSWORD_TAG_SIZE] = {1}, found[PASSWORD_TAG_SIZE];
  struct auth_cookies cookies;
  char made[AUTH_COOKIE_MAX], text[AUTH_COOKIE_MAX + 64];
  struct wsl_head head;
  struct wsl_head_field fields[FIELDS_MAX];
  struct wsl_head_limits limits = {1024, 4096, FIELDS_MAX};
  static const uint8_t key[SHA256_SIZE] = {7};
  uint64_t left_s = 0;
  assert_int_equal(auth_cookies_init(&cookies, key, 100), WSL_OK);
  assert_int_equal(auth_cookie_make(&cookies, GATE_OVER_TLS, tag, 1000, made), WSL_OK);
  assert_non_null(strstr(made, "; Path=/; Max-Age=100; HttpOnly; SameSite=Strict; Secure"));
  snprintf(text, sizeof text, "GET / HTTP/1.1\r\nCookie: a=b; %.*s\r\n\r\n", (int)strcspn(made, ";"), made);
  wsl_head_init(&head, &limits, fields);
  assert_int_equal(wsl_head_feed(&head, text, strlen(text)), WSL_HEAD_DONE);
  static const struct {
    uint64_t now_s, left_s; /* 0: it is not good then */
  } rows[] = {{1000, 100}, {1099, 1}, {1100, 0}, {5000, 0}, {999, 0}, {0, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bool good = auth_cookie_read(&cookies, GATE_OVER_TLS, &head, rows[i].now_s, found, &left_s);
    assert_int_equal(good, rows[i].left_s > 0);
    if (good) assert_int_equal(left_s, rows[i].left_s);
  }
  assert_memory_equal(found, tag, sizeof tag);
  assert_false(auth_cookie_read(&cookies, GATE_OVER_PLAIN, &head, 1000, found, &left_s));
  static const uint8_t other_key[SHA256_SIZE] = {8};
  struct auth_cookies others;
  assert_int_equal(auth_cookies_init(&others, other_key, 100), WSL_OK);
  memcpy(others.name, cookies.name, sizeof others.name); /* the signature alone decides */
  assert_false(auth_cookie_read(&others, GATE_OVER_TLS, &head, 1000, found, &left_s));
}

/* ---- the other plugins ---- */

static void origins_and_names_to_the_letter(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool allowed;
  } rows[] = {{"one", true},     {"two", true}, {"http://three", true}, {"One", false}, {"on", false},
              {"onetwo", false}, {"", false},   {"one two", false},     {"\t", false},  {NULL, false}};
  close_gate();
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    enum gate_outcome wanted = rows[i].allowed ? GATE_OPEN : GATE_CLOSED;
    open_gate(AUTH_ORIGIN, "\n one\t two  http://three ");
    assert_int_equal(outcome_of((struct question){.origin = rows[i].text, .name = "one"}), wanted);
    close_gate();
    open_gate(AUTH_CERTIFICATE, "\n one\t two  http://three ");
    assert_int_equal(outcome_of((struct question){.name = rows[i].text, .origin = "one"}), wanted);
    close_gate();
  }
  open_gate(AUTH_ORIGIN, " ");
  assert_int_equal(outcome_of((struct question){.origin = ""}), GATE_CLOSED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_right_password_costs_one_hash_and_then_none, set_up, tear_down),
      cmocka_unit_test_setup_teardown(wrong_ones_cost_a_hash_each, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_needs_no_hash, set_up, tear_down),
      cmocka_unit_test_setup_teardown(one_login_at_a_time_and_the_same_only_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_queue_is_bounded, set_up, tear_down),
      cmocka_unit_test_setup_teardown(other_workers_hashes_count, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_changed_file_is_forgotten_for, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_change_under_a_hash, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_guess_waits_before_it_is_hashed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(who_gives_up_leaves_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_guess_counts_though_its_asker_has_gone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_page_brings_a_cookie_for_upgrades, set_up, tear_down),
      cmocka_unit_test_setup_teardown(whose_page_may_use_a_cookie, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_cookie_ends_with_its_user_and_its_password, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_cookie_that_was_touched_anywhere_is_none, set_up, tear_down),
      cmocka_unit_test(times_of_cookies),
      cmocka_unit_test_setup_teardown(origins_and_names_to_the_letter, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
