/* fuzz: max_len=256
 *
 * One pattern of --allow-target, a host and an address: names against a matcher that tries everything,
 * networks bit by bit, and loopback in each guise only ever by a pattern as narrow.
 */
#include <netinet/in.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "net/target_rules.h"

/* What a matcher that tries everything can be asked. */
#define REFERENCE_MAX 12u

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool matches(const char *pattern, size_t pattern_len, const char *text, size_t len) {
  if (pattern_len == 0) return len == 0;
  if (*pattern == '*')
    return matches(pattern + 1, pattern_len - 1, text, len) ||
           (len > 0 && matches(pattern, pattern_len, text + 1, len - 1));
  if (len == 0 || (*pattern != '?' && lower(*pattern) != lower(*text))) return false;
  return matches(pattern + 1, pattern_len - 1, text + 1, len - 1);
}

/* Some are: odd ones. */
static bool is_own(const struct bare_address *address) {
  return (address->bytes[address->family == AF_INET ? 3 : 15] & 1) != 0;
}

static void check_name(const struct target_pattern *pattern, const struct target *target) {
  char why[TARGET_REASON_MAX];
  struct address literal;
  struct target_rules rules = {pattern, 1, is_own};
  size_t len = strlen(target->host);
  enum target_verdict verdict = target_judge(&rules, target, why);
  if (address_parse_literal(target->host, target->port, &literal)) return;
  if (pattern->kind == PATTERN_NETWORK || pattern->ports_count > 0 || len > REFERENCE_MAX) return;
  if (address_kinds_of_name(wsl_span_of(target->host)) != 0) return;
  if (len > 0 && target->host[len - 1] == '.') len--;
  bool expected = pattern->kind == PATTERN_NAME && pattern->text.len <= REFERENCE_MAX &&
                  matches(pattern->text.at, pattern->text.len, target->host, len);
  if (pattern->text.len > REFERENCE_MAX) return;
  fuzz_check((verdict == TARGET_UNDECIDED) == expected, "\"%.*s\" and \"%s\": %d", (int)pattern->text.len,
             pattern->text.at, target->host, (int)verdict);
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits) {
  for (unsigned bit = 0; bit < bits; bit++) {
    if (((a[bit / 8] ^ b[bit / 8]) & (0x80u >> bit % 8)) != 0) return false;
  }
  return true;
}

static struct address address_of(const uint8_t bytes[16], bool is_v4) {
  struct address address;
  fuzz_check(address_parse_literal(is_v4 ? "0.0.0.0" : "::", 0, &address), "a literal");
  struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&address.storage;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&address.storage;
  if (is_v4)
    memcpy(&v4->sin_addr, bytes, sizeof v4->sin_addr);
  else
    memcpy(&v6->sin6_addr, bytes, sizeof v6->sin6_addr);
  return address;
}

static void check_address(const struct target_pattern *pattern, const struct target *target,
                          const struct address *address) {
  char why[TARGET_REASON_MAX];
  struct target_rules rules = {pattern, 1, is_own};
  struct bare_address bare = address_bare(address);
  bool allowed = target_judge_address(&rules, target, address, why) == TARGET_ALLOWED;
  if (pattern->kind == PATTERN_UNIX) fuzz_check(!allowed, "by a path");
  if (!allowed || pattern->kind != PATTERN_NETWORK) return;
  fuzz_check(bare.family == pattern->network.first.family, "of another family");
  fuzz_check(same_bits(bare.bytes, pattern->network.first.bytes, pattern->network.bits), "not within");
  bool loopback = bare.family == AF_INET && bare.bytes[0] == 127;
  fuzz_check(!loopback || pattern->network.bits >= 8, "loopback by a network of %u bits",
             pattern->network.bits);
  fuzz_check(!is_own(&bare) || pattern->network.bits > 0 || target->origin == TARGET_FROM_FILE,
             "its own by any");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  uint8_t bytes[16];
  bool is_v4 = (fuzz_choice(&input) & 1) != 0;
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = fuzz_choice(&input);
  char *text = fuzz_text(fuzz_piece(&input, '\n'));
  char *host = fuzz_text((struct wsl_span){(const char *)input.at, input.len});
  struct target target = {.host = host, .port = 80, .text = host, .origin = TARGET_LOOKED_UP};
  struct target_pattern pattern;
  const char *why = NULL;
  struct address address = address_of(bytes, is_v4);
  if (target_pattern_parse(text, &pattern, &why)) {
    check_name(&pattern, &target);
    check_address(&pattern, &target, &address);
  } else {
    fuzz_check(why != NULL, "no reason");
  }
  free(host);
  free(text);
  return 0;
}
