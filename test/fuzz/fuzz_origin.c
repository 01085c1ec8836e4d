/* fuzz: max_len=512
 *
 * Which pages may open a WebSocket. An input is an Origin, a Host and rules, a line each ("-" for no Origin).
 * What must hold: case of scheme and host says nothing, one more rule never takes away, and whoever is let in
 * by a rule has the rule's own host, found here by looking at the text from its other end.
 */
#include <ctype.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "route/origin.h"

#define RULES_MAX 4u

/* What is left of an authority without its port. */
static struct wsl_span without_port(struct wsl_span text) {
  size_t digits = text.len;
  while (digits > 0 && isdigit((unsigned char)text.at[digits - 1]))
    digits--;
  bool port = digits < text.len && digits > 0 && text.at[digits - 1] == ':';
  return (struct wsl_span){text.at, port ? digits - 1 : text.len};
}

/* What stands between the first "://", if there is one, and the port. */
static struct wsl_span host_of(struct wsl_span origin) {
  for (size_t i = 0; i + 3 <= origin.len; i++) {
    if (memcmp(origin.at + i, "://", 3) == 0)
      return without_port((struct wsl_span){origin.at + i + 3, origin.len - i - 3});
  }
  return without_port(origin);
}

static bool fits_host(struct wsl_span rule, struct wsl_span host) {
  if (rule.len < 2 || memcmp(rule.at, "*.", 2) != 0) return wsl_span_equal_nocase(rule, host);
  size_t len = rule.len - 1;
  return host.len > len && wsl_span_equal_nocase((struct wsl_span){rule.at + 1, len},
                                                 (struct wsl_span){host.at + host.len - len, len});
}

/* What a rule that let this origin in must at least say. */
static void check_let_in(const char *rule, struct wsl_span origin, struct wsl_span host) {
  struct wsl_span text = wsl_span_of(rule);
  if (origin.at == NULL) {
    fuzz_check(wsl_span_equal_nocase(text, wsl_span_of("none")), "\"%s\" lets in what has no origin", rule);
  } else if (wsl_span_equal(origin, wsl_span_of("null"))) {
    fuzz_check(wsl_span_equal_nocase(text, wsl_span_of("null")), "\"%s\" lets in null", rule);
  } else if (wsl_span_equal_nocase(text, wsl_span_of("same"))) {
    fuzz_check(wsl_span_equal_nocase(host_of(origin), without_port(host)), "\"%.*s\" at \"%.*s\"",
               (int)origin.len, origin.at, (int)host.len, host.at);
  } else {
    fuzz_check(fits_host(host_of(text), host_of(origin)), "\"%s\" lets in \"%.*s\"", rule, (int)origin.len,
               origin.at);
  }
}

static char *capitals(struct wsl_span text) {
  char *copy = fuzz_text(text);
  for (size_t i = 0; i < text.len; i++)
    copy[i] = (char)toupper((unsigned char)copy[i]);
  return copy;
}

static void check_case(const char *rule, struct wsl_span origin, struct wsl_span host, bool allowed) {
  char *loud_rule = capitals(wsl_span_of(rule)), *loud_origin = capitals(origin), *loud_host = capitals(host);
  const char *const rules[] = {loud_rule};
  struct wsl_span loud = {origin.at == NULL ? NULL : loud_origin, origin.len};
  bool null = wsl_span_equal(origin, wsl_span_of("null")); /* that one is known in lower case only */
  bool still = origin_allowed(&(struct origin_rules){rules, 1}, null ? origin : loud,
                              (struct wsl_span){loud_host, host.len});
  fuzz_check(still == allowed, "in capitals: %d", still);
  free(loud_rule);
  free(loud_origin);
  free(loud_host);
}

static bool check_rule(const char *rule, struct wsl_span origin, struct wsl_span host) {
  const char *const rules[] = {rule};
  bool allowed = origin_allowed(&(struct origin_rules){rules, 1}, origin, host);
  if (allowed) check_let_in(rule, origin, host);
  check_case(rule, origin, host, allowed);
  return allowed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  struct wsl_span origin = fuzz_piece(&input, '\n'), host = fuzz_piece(&input, '\n');
  if (wsl_span_equal(origin, wsl_span_of("-"))) origin = (struct wsl_span){NULL, 0};
  char *rules[RULES_MAX];
  size_t count = 0;
  bool any = false;
  while (count < RULES_MAX && input.len > 0) {
    const char *why = NULL;
    char *rule = fuzz_text(fuzz_piece(&input, '\n'));
    bool valid = origin_rule_valid(rule, &why);
    fuzz_check(valid == (why == NULL), "a reason for what is bad");
    if (valid) {
      any = check_rule(rule, origin, host) || any;
      rules[count++] = rule;
    } else {
      free(rule);
    }
  }
  bool allowed = origin_allowed(&(struct origin_rules){(const char *const *)rules, count}, origin, host);
  fuzz_check(allowed == (any || count == 0), "%zu rules together let in: %d", count, allowed);
  for (size_t i = 0; i < count; i++)
    free(rules[i]);
  return 0;
}
