/* fuzz: max_len=300
 *
 * Single words of an operator's: endpoints, addresses, numbers, sizes, durations, lists of cipher suites,
 * names of things. What is taken is written anew and taken as the same; what is refused is refused with a
 * sentence.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/log.h"
#include "core/parse.h"
#include "fuzz/fuzz.h"
#include "net/address.h"
#include "net/tls/suites.h"
#include "ops/log.h"
#include "route/token/kinds.h"
#include "server/cgroup_quota.h"
#include "server/files/content_type.h"

#define TEXT_MAX 400u

static void check_line(const char *why) {
  fuzz_check(why != NULL && why[0] != '\0', "a line");
  for (const char *at = why; *at != '\0'; at++)
    fuzz_check(*at >= ' ' && *at <= '~', "printable: %s", why);
}

/* A static sentence stands behind an option's name: no full stop. */
static void check_sentence(const char *why) {
  check_line(why);
  fuzz_check(why[strlen(why) - 1] != '.', "no full stop: %s", why);
}

/* ---- numbers ------------------------------------------------------------------------------------------- */

__extension__ typedef unsigned __int128 wide_number; /* ISO C has none */

/* Digits only, as 128 bits, capped. */
static bool plain_number(const char *text, size_t len, wide_number *value) {
  *value = 0;
  for (size_t i = 0; i < len; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    if (*value < (wide_number)1 << 100) *value = *value * 10 + (unsigned)(text[i] - '0');
  }
  return len > 0;
}

static void check_numbers(const char *text, uint64_t max) {
  const char *why = NULL;
  uint64_t value = 0;
  size_t len = strlen(text);
  wide_number wanted;
  bool good = plain_number(text, len, &wanted) && wanted <= max;
  int error = parse_unsigned(text, max, &value, &why);
  fuzz_check(good == (error == 0) && (!good || value == wanted), "\"%s\" as a number", text);
  if (error != 0) check_sentence(why);
  const char *unit = len > 0 ? strchr("kKmMgG", text[len - 1]) : NULL;
  unsigned shift = unit == NULL || *unit == '\0' ? 0 : 10 * (1 + (unsigned)(unit - "kKmMgG") / 2);
  good = plain_number(text, shift > 0 ? len - 1 : len, &wanted) && wanted << shift <= max;
  error = parse_size(text, max, &value, &why);
  fuzz_check(good == (error == 0) && (!good || value == wanted << shift), "\"%s\" as a size", text);
}

static void check_duration(const char *text, uint64_t max) {
  const char *why = NULL;
  uint64_t value = 0, again = 0;
  if (parse_duration(text, max, &value, &why) != 0) {
    check_sentence(why);
    return;
  }
  char written[TEXT_MAX];
  fuzz_check(value <= max, "\"%s\" within its limit", text);
  bool has_digit = strpbrk(text, "123456789") != NULL;
  fuzz_check((value != 0) == has_digit, "\"%s\" is %llu ms", text, (unsigned long long)value);
  (void)snprintf(written, sizeof written, "%llums", (unsigned long long)value);
  fuzz_check(parse_duration(written, max, &again, &why) == 0 && again == value, "%s is the same", written);
}

/* ---- places ---------------------------------------------------------------------------------------------
 */

static void check_literal(const char *host, uint16_t port) {
  struct address address, again;
  char text[ADDRESS_TEXT_MAX];
  if (!address_parse_literal(host, port, &address)) return;
  fuzz_check(address_port(&address) == port, "port %u", port);
  fuzz_check(address_format(&address, text) == text && strlen(text) < ADDRESS_TEXT_MAX, "a text");
  bool many_colons = strchr(text, ':') != strrchr(text, ':');
  fuzz_check(!many_colons || text[0] == '[', "%s in brackets", text);
  char plain[TEXT_MAX];
  uint16_t plain_port;
  const char *why = NULL;
  fuzz_check(parse_endpoint(text, PARSE_HOST_OPTIONAL, plain, sizeof plain, &plain_port, &why) == 0, "%s: %s",
             text, why);
  fuzz_check(address_parse_literal(plain, plain_port, &again), "%s is an address", plain);
  char text_again[ADDRESS_TEXT_MAX];
  fuzz_check(strcmp(text, address_format(&again, text_again)) == 0, "%s and %s", text, text_again);
}

static void check_endpoint(const char *text, enum parse_host rule, size_t cap) {
  char *host = fuzz_memory(cap), *again = fuzz_memory(cap), written[TEXT_MAX * 2];
  uint16_t port = 0, port_again = 0;
  const char *why = NULL;
  if (parse_endpoint(text, rule, host, cap, &port, &why) != 0) {
    check_sentence(why);
  } else {
    fuzz_check(memchr(host, '\0', cap) != NULL && strpbrk(host, "[] /") == NULL, "host \"%s\"", host);
    fuzz_check(rule == PARSE_HOST_OPTIONAL || (host[0] != '\0' && port > 0), "host and port");
    bool brackets = strchr(host, ':') != NULL;
    (void)snprintf(written, sizeof written, "%s%s%s:%u", brackets ? "[" : "", host, brackets ? "]" : "",
                   port);
    fuzz_check(parse_endpoint(written, rule, again, cap, &port_again, &why) == 0, "%s: %s", written, why);
    fuzz_check(strcmp(host, again) == 0 && port == port_again, "%s is the same", written);
    check_literal(host, port);
  }
  free(host);
  free(again);
}

/* ---- TLS -------------------------------------------------------------------------------------------------
 */

static bool equal_suites(const struct tls_suites *a, const struct tls_suites *b) {
  size_t i = 0;
  while (a->ids[i] != 0 && a->ids[i] == b->ids[i])
    i++;
  return a->ids[i] == b->ids[i];
}

static void check_known(const struct tls_suites *suites) {
  struct tls_suites all;
  tls_suites_default(&all);
  for (size_t i = 0; suites->ids[i] != 0; i++) {
    fuzz_check(i < TLS_SUITES_MAX, "a list that ends");
    bool known = false;
    for (size_t k = 0; all.ids[k] != 0; k++)
      known = known || all.ids[k] == suites->ids[i];
    fuzz_check(known, "suite %x", (unsigned)suites->ids[i]);
    for (size_t k = 0; k < i; k++)
      fuzz_check(suites->ids[k] != suites->ids[i], "suite %x twice", (unsigned)suites->ids[i]);
  }
}

/* The list in another spelling: separators, "-" and "_", and case say nothing. */
static void respell(char *list) {
  bool in_word = false; /* signs in front of a word mean something */
  for (; *list != '\0'; list++) {
    bool separates = strchr(":,; \t\r\n", *list) != NULL;
    if (separates) {
      *list = ',';
    } else if (in_word && *list == '-') {
      *list = '_';
    } else if (*list >= 'a' && *list <= 'z') {
      *list = (char)(*list - 'a' + 'A');
    }
    in_word = !separates;
  }
}

static void check_suites(const char *list, size_t cap) {
  struct tls_suites suites, again;
  char *unknown = fuzz_memory(cap), why[TEXT_MAX] = "";
  int error = tls_suites_parse(list, &suites, unknown, cap, why, sizeof why);
  fuzz_check(memchr(unknown, '\0', cap) != NULL, "unknown words end");
  if (error == 0) {
    check_known(&suites);
    tls_suites_default(&again);
    fuzz_check(strcmp(list, "ALL") != 0 || equal_suites(&suites, &again), "all of them");
  } else {
    fuzz_check(strcmp(list, "ALL") != 0, "all of them: %s", why);
    fuzz_check(error == WSL_INVALID && memchr(why, '\0', sizeof why) != NULL, "error %d", error);
    check_line(why); /* what it quotes may be cut */
  }
  char *other = fuzz_copy(list, strlen(list) + 1);
  respell(other);
  int error_again = tls_suites_parse(other, &again, unknown, cap, why, sizeof why);
  fuzz_check(error == error_again, "\"%s\" and \"%s\": %d and %d", list, other, error, error_again);
  fuzz_check(error != 0 || equal_suites(&suites, &again), "\"%s\" and \"%s\" are the same", list, other);
  free(other);
  free(unknown);
}

/* ---- names -----------------------------------------------------------------------------------------------
 */

static void check_names(const char *text) {
  const char *why = NULL;
  enum tls_version version;
  const struct token_kind *kind;
  enum log_level level;
  enum log_format format;
  int error = tls_version_parse(text, &version, &why);
  fuzz_check(error == 0 || error == WSL_INVALID || error == WSL_UNSUPPORTED, "version: %d", error);
  if (error != 0) check_sentence(why);
  error = token_kind_parse(text, &kind, &why);
  fuzz_check(error == 0 || error == WSL_INVALID || error == WSL_UNSUPPORTED, "plugin: %d", error);
  if (error != 0) check_sentence(why);
  fuzz_check(!log_level_parse(text, &level) || strcmp(log_level_name(level), text) == 0, "level");
  (void)log_format_parse(text, &format);
  const char *type = content_type_of(text);
  fuzz_check(type != NULL && strchr(type, '/') != NULL, "type of \"%s\"", text);
  (void)content_type_cache_control(type);
  unsigned processors = processors_of_quota(text);
  fuzz_check(processors <= UINT16_MAX, "%u processors", processors);
  struct address address;
  char formatted[ADDRESS_TEXT_MAX];
  if (address_unix(text, &address) == 0) {
    (void)address_format(&address, formatted);
    fuzz_check(strcmp(formatted + strlen("unix:"), text) == 0, "%s is unix:%s", formatted, text);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const uint64_t limits[] = {UINT64_MAX, 0, 65535, UINT64_C(1) << 40, 86400000};
  struct fuzz_input input = {data, size};
  uint64_t max = limits[fuzz_choice(&input) % (sizeof limits / sizeof limits[0])];
  size_t cap = 1 + fuzz_choice(&input);
  char *text = fuzz_text((struct wsl_span){(const char *)input.at, input.len});
  check_numbers(text, max);
  check_duration(text, max);
  check_endpoint(text, PARSE_HOST_OPTIONAL, cap);
  check_endpoint(text, PARSE_HOST_REQUIRED, cap);
  check_endpoint(text, PARSE_HOST_LOCAL, cap);
  check_suites(text, cap);
  check_names(text);
  free(text);
  return 0;
}
