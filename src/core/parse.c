/* The bodies of core/parse.h. One digit reader serves all; every sum is checked before it is made.
 */
#include "core/parse.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>

#include "core/error.h"

#define PORT_MAX            65535u
#define FRACTION_DIGITS_MAX 9
#define SECOND_MS           UINT64_C(1000)

static const char not_a_number[] = "not a whole number";
static const char not_a_size[] = "not a size such as 65536, 64K or 1M";
static const char not_a_duration[] = "not a duration such as 30, 1.5, 500ms or 2m";
static const char too_large[] = "too large";
static const char bad_port[] = "the port must be a number from 1 to 65535";
static const char local_host[] = "localhost"; /* what websockify makes of a target without a host */
static const char bad_listen_port[] = "the port must be a number from 0 to 65535";

static int refuse(const char **why, const char *sentence) {
  *why = sentence;
  return WSL_INVALID;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* The length of the run of digits at text. */
static size_t digits_len(const char *text) {
  size_t len = 0;
  while (is_digit(text[len]))
    len++;
  return len;
}

/* Reads digits[0..len), all of them digits; false when the value does not fit. */
static bool read_digits(const char *digits, size_t len, uint64_t *value) {
  uint64_t sum = 0;
  for (size_t i = 0; i < len; i++) {
    uint64_t digit = (uint64_t)(digits[i] - '0');
    if (sum > (UINT64_MAX - digit) / 10) return false;
    sum = sum * 10 + digit;
  }
  *value = sum;
  return true;
}

bool parse_digits(struct wsl_span text, uint64_t max, uint64_t *value) {
  uint64_t number;
  for (size_t i = 0; i < text.len; i++) {
    if (!is_digit(text.at[i])) return false;
  }
  if (text.len == 0 || !read_digits(text.at, text.len, &number) || number > max) return false;
  *value = number;
  return true;
}

int parse_unsigned(const char *text, uint64_t max, uint64_t *value, const char **why) {
  size_t len = digits_len(text);
  if (len == 0 || text[len]) return refuse(why, not_a_number);
  uint64_t number;
  if (!read_digits(text, len, &number) || number > max) return refuse(why, too_large);
  *value = number;
  return WSL_OK;
}

/* How far a size's suffix shifts it to the left, or -1 when it is none. */
static int size_shift(const char *suffix) {
  if (suffix[0] == '\0') return 0;
  if (suffix[1] != '\0') return -1;
  switch (suffix[0]) {
    case 'k':
    case 'K':
      return 10;
    case 'm':
    case 'M':
      return 20;
    case 'g':
    case 'G':
      return 30;
    default:
      return -1;
  }
}

int parse_size(const char *text, uint64_t max, uint64_t *bytes, const char **why) {
  size_t len = digits_len(text);
  int shift = size_shift(text + len);
  if (len == 0 || shift < 0) return refuse(why, not_a_size);
  uint64_t number;
  if (!read_digits(text, len, &number) || number > max >> shift) return refuse(why, too_large);
  *bytes = number << shift;
  return WSL_OK;
}

/* A duration's unit in milliseconds, or 0 when it is none. */
static uint64_t unit_ms(const char *suffix) {
  static const struct {
    const char *suffix;
    uint64_t ms;
  } units[] = {{"", SECOND_MS}, {"ms", 1}, {"s", SECOND_MS}, {"m", 60 * SECOND_MS}, {"h", 3600 * SECOND_MS}};
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    if (strcmp(suffix, units[i].suffix) == 0) return units[i].ms;
  }
  return 0;
}

/* What the digits behind a point are worth in `unit`, rounded up to a millisecond. Nine digits times
 * the milliseconds of an hour are below 2^52, so nothing here can overflow. */
static uint64_t fraction_ms(const char *digits, size_t len, uint64_t unit) {
  uint64_t numerator = 0, denominator = 1;
  for (size_t i = 0; i < len; i++) {
    numerator = numerator * 10 + (uint64_t)(digits[i] - '0');
    denominator *= 10;
  }
  return (numerator * unit + denominator - 1) / denominator;
}

int parse_duration(const char *text, uint64_t max_ms, uint64_t *duration_ms, const char **why) {
  size_t whole_len = digits_len(text);
  const char *fraction = text + whole_len;
  size_t fraction_len = 0;
  if (*fraction == '.') fraction_len = digits_len(++fraction);
  bool empty_fraction = fraction > text + whole_len && fraction_len == 0;

  uint64_t unit = unit_ms(fraction + fraction_len);
  if (whole_len == 0 || empty_fraction || fraction_len > FRACTION_DIGITS_MAX || unit == 0) {
    return refuse(why, not_a_duration);
  }
  uint64_t whole;
  uint64_t part_ms = fraction_ms(fraction, fraction_len, unit);
  if (!read_digits(text, whole_len, &whole)) return refuse(why, too_large);
  if (part_ms > max_ms || whole > (max_ms - part_ms) / unit) return refuse(why, too_large);
  *duration_ms = whole * unit + part_ms;
  return WSL_OK;
}

/* Whether host is an IPv6 address, with or without a zone ("fe80::1%eth0"). */
static bool is_ipv6(struct wsl_span host) {
  const char *zone = host.len ? memchr(host.at, '%', host.len) : NULL;
  size_t len = zone ? (size_t)(zone - host.at) : host.len;
  if (zone && len + 1 == host.len) return false; /* a '%' and nothing behind it */

  char address[INET6_ADDRSTRLEN];
  struct in6_addr ignored;
  if (len >= sizeof address) return false;
  memcpy(address, host.at, len);
  address[len] = '\0';
  return inet_pton(AF_INET6, address, &ignored) == 1;
}

/* Whether all bytes may stand in a host at all; anything odd here is a typing error, and it would end
 * up in log lines. */
static bool is_plain(struct wsl_span host) {
  for (size_t i = 0; i < host.len; i++) {
    char c = host.at[i];
    if (c <= ' ' || c >= 0x7f || strchr("[]/\\\"'", c)) return false;
  }
  return true;
}

/* Takes the brackets off and checks what is left; NULL when `host` is good, else why it is not. */
static const char *check_host(struct wsl_span *host) {
  bool opened = host->len > 0 && host->at[0] == '[';
  bool closed = host->len > 0 && host->at[host->len - 1] == ']';
  if (opened != closed) return "a bracket around the IPv6 address is missing";
  if (opened) {
    host->at++;
    host->len -= 2;
  }
  if (!is_plain(*host)) return "the host has a character that is not allowed there";
  bool must_be_ipv6 = opened || (host->len > 0 && memchr(host->at, ':', host->len));
  if (must_be_ipv6 && !is_ipv6(*host)) return "the host is not a valid IPv6 address";
  return NULL;
}

int parse_endpoint(const char *text, enum parse_host host_rule, char *host, size_t host_cap, uint16_t *port,
                   const char **why) {
  assert(host_cap > 0);
  bool listening = host_rule == PARSE_HOST_OPTIONAL;
  const char *colon = strrchr(text, ':');
  const char *closing = strrchr(text, ']');
  if (colon && closing > colon) return refuse(why, "the port is missing behind the brackets");
  if (!colon && !listening) return refuse(why, "not of the form host:port");

  struct wsl_span name = {text, colon ? (size_t)(colon - text) : 0};
  const char *host_fault = check_host(&name);
  if (host_fault) return refuse(why, host_fault);
  if (name.len == 0 && host_rule == PARSE_HOST_REQUIRED)
    return refuse(why, "the host is missing before the port");
  if (name.len == 0 && host_rule == PARSE_HOST_LOCAL)
    name = (struct wsl_span){local_host, sizeof local_host - 1};
  if (name.len >= host_cap) return refuse(why, "the host is too long");

  uint64_t number;
  const char *ignored;
  bool is_port = parse_unsigned(colon ? colon + 1 : text, PORT_MAX, &number, &ignored) == WSL_OK;
  if (!is_port || (number == 0 && !listening)) return refuse(why, listening ? bad_listen_port : bad_port);

  if (name.len > 0) memcpy(host, name.at, name.len);
  host[name.len] = '\0';
  *port = (uint16_t)number;
  return WSL_OK;
}
