/* Strict reading of what people write on a command line: numbers, sizes, durations, endpoints.
 *
 * A text is taken whole or refused: no signs, no blanks, nothing behind the value, nothing out of
 * range. On refusal (WSL_INVALID) `*why` is a static sentence in plain words without a full stop, made
 * to stand behind the option's name ("--workers: not a whole number"), and the outputs are not
 * touched. On success `*why` is not touched. Independent of the locale. Texts are NUL-terminated.
 */
#ifndef CORE_PARSE_H
#define CORE_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

/* A whole number in decimal digits, at most `max`. Leading zeros are fine, and decimal. */
WSL_MUST_CHECK int parse_unsigned(const char *text, uint64_t max, uint64_t *value, const char **why);

/* The same of text[0..len), for texts that are no command line's: false where it is none, and no reason. */
WSL_MUST_CHECK bool parse_digits(struct wsl_span text, uint64_t max, uint64_t *value);

/* What a hexadecimal digit counts, or -1. */
static inline int parse_hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

/* A number of bytes, at most `max`, with K, M or G (or k, m, g) behind it for 2^10, 2^20, 2^30. */
WSL_MUST_CHECK int parse_size(const char *text, uint64_t max, uint64_t *bytes, const char **why);

/* A duration of at most `max_ms`: "30", "0.25", "1.5m", "500ms", "2h". Seconds without a unit; digits
 * on both sides of a point, at most nine behind it. Rounded up to a whole millisecond, so that a very
 * short time is never read as 0, which means "off" or "never" in most options. */
WSL_MUST_CHECK int parse_duration(const char *text, uint64_t max_ms, uint64_t *duration_ms, const char **why);

enum parse_host {
  PARSE_HOST_OPTIONAL, /* where to listen: "[host:]port"; an empty host means all addresses, and port
                          0 any free port                                                           */
  PARSE_HOST_REQUIRED, /* where to connect to: "host:port", ports from 1                            */
  PARSE_HOST_LOCAL     /* likewise, but ":port" is localhost's, as websockify reads a target        */
};

/* Splits an endpoint at its last colon, as websockify does, into host[0..host_cap) and port. Brackets
 * round an IPv6 address are taken off; without them "::1:80" is host ::1, port 80. A host with a colon
 * or brackets must be an IPv6 address (a %zone may follow it); any other is taken as it is, as a name
 * or an IPv4 address, if it is printable ASCII without blanks, brackets and slashes. */
WSL_MUST_CHECK int parse_endpoint(const char *text, enum parse_host host_rule, char *host, size_t host_cap,
                                  uint16_t *port, const char **why);

#endif
