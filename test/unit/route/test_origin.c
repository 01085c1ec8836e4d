/* Origin rules: a table of rule, origin, host and verdict, and the rules that the command line refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "route/origin.h"

#define NO_ORIGIN NULL

struct row {
  const char *name, *rule, *origin, *host;
  bool allowed;
};

static const struct row rows[] = {
    {"exact", "https://example.com", "https://example.com", "x", true},
    {"case of scheme and host", "HTTPS://Example.com", "https://eXample.COM", "x", true},
    {"scheme differs", "https://example.com", "http://example.com", "x", false},
    {"port not named", "https://example.com", "https://example.com:8443", "x", false},
    {"port named", "https://example.com:8443", "https://example.com:8443", "x", true},
    {"default port written in rule", "https://example.com:443", "https://example.com", "x", true},
    {"default port written in origin", "http://example.com", "http://example.com:80", "x", true},
    {"longer host", "https://example.com", "https://example.com.evil.org", "x", false},
    {"prefix host", "https://example.com", "https://evilexample.com", "x", false},
    {"wildcard, one label", "https://*.example.com", "https://a.example.com", "x", true},
    {"wildcard, two labels", "https://*.example.com", "https://a.b.example.com", "x", true},
    {"wildcard, not itself", "https://*.example.com", "https://example.com", "x", false},
    {"wildcard, not a neighbour", "https://*.example.com", "https://evilexample.com", "x", false},
    {"wildcard, empty label", "https://*.example.com", "https://.example.com", "x", false},
    {"bare host, http", "example.com", "http://example.com", "x", true},
    {"bare host, https and port", "example.com", "https://example.com:9", "x", true},
    {"bare host, foreign scheme", "example.com", "chrome-extension://example.com", "x", false},
    {"bare wildcard", "*.example.com", "http://a.example.com:1", "x", true},
    {"foreign scheme by name", "moz-extension://abc", "moz-extension://abc", "x", true},
    {"same", "same", "http://a:6080", "a:6080", true},
    {"same, case", "SAME", "http://A:6080", "a:6080", true},
    {"same, default ports", "same", "https://a", "a", true},
    {"same, default port written in Host", "same", "https://a", "a:443", true},
    {"same, other port", "same", "http://a:6080", "a:6081", false},
    {"same, other host", "same", "http://b:6080", "a:6080", false},
    {"same, IPv6", "same", "http://[::1]:6080", "[::1]:6080", true},
    {"same, no Host", "same", "http://a", "", false},
    {"null", "null", "null", "x", true},
    {"null is not same", "same", "null", "null", false},
    {"null is no host", "nil", "null", "x", false},
    {"none", "none", NO_ORIGIN, "x", true},
    {"no origin without none", "https://example.com", NO_ORIGIN, "x", false},
    {"an empty origin is not none", "none", "", "x", false},
    {"garbage", "example.com", "example.com", "x", false},
    {"path behind", "https://example.com", "https://example.com/x", "x", false},
    {"two origins in one", "https://example.com", "https://example.com https://b", "x", false},
    {"port out of range", "example.com", "https://example.com:65536", "x", false},
    {"port empty", "example.com", "https://example.com:", "x", false},
    {"user before the host", "example.com", "https://u@example.com", "x", false},
    {"IPv6 literal", "http://[::1]:80", "http://[::1]", "x", true},
    {"bracket open", "http://[::1]", "http://[::1", "x", false},
};

static void judges_every_row(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const struct row *r = &rows[i];
    struct origin_rules rules = {&r->rule, 1};
    struct wsl_span origin = {NULL, 0};
    if (r->origin != NO_ORIGIN) origin = wsl_span_of(r->origin);
    if (origin_allowed(&rules, origin, wsl_span_of(r->host)) != r->allowed)
      fail_msg("%s: expected %s", r->name, r->allowed ? "allowed" : "refused");
  }
}

static void any_rule_of_several_is_enough(void **state) {
  (void)state;
  const char *const names[] = {"none", "same", "b.example"};
  struct origin_rules rules = {names, 3};
  assert_true(origin_allowed(&rules, wsl_span_of("http://b.example"), wsl_span_of("a")));
  assert_true(origin_allowed(&rules, (struct wsl_span){NULL, 0}, wsl_span_of("a")));
  assert_false(origin_allowed(&rules, wsl_span_of("http://c.example"), wsl_span_of("a")));
}

static void without_rules_everybody_may(void **state) {
  (void)state;
  struct origin_rules rules = {NULL, 0};
  assert_true(origin_allowed(&rules, wsl_span_of("gar bage"), wsl_span_of("")));
  assert_true(origin_allowed(&rules, (struct wsl_span){NULL, 0}, wsl_span_of("")));
}

static void the_command_line_refuses_malformed_rules(void **state) {
  (void)state;
  static const char *const good[] = {"https://example.com",
                                     "https://*.example.com:1",
                                     "example.com",
                                     "*.example.com",
                                     "same",
                                     "null",
                                     "none",
                                     "http://[::1]:8080",
                                     "[::1]"};
  static const char *const bad[] = {"",
                                    "https://",
                                    "https://example.com/",
                                    "example.com:80",
                                    "ex*mple.com",
                                    "https://a.*.com",
                                    "https://a:0",
                                    "a b",
                                    "*",
                                    "*.",
                                    "://a"};
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    const char *why = NULL;
    if (!origin_rule_valid(good[i], &why)) fail_msg("\"%s\" was refused: %s", good[i], why);
  }
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    const char *why = NULL;
    if (origin_rule_valid(bad[i], &why)) fail_msg("\"%s\" was taken", bad[i]);
    assert_non_null(why);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(judges_every_row),
      cmocka_unit_test(any_rule_of_several_is_enough),
      cmocka_unit_test(without_rules_everybody_may),
      cmocka_unit_test(the_command_line_refuses_malformed_rules),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
