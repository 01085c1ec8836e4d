/* core/parse: what is taken and what is refused, by tables. A refusal must leave the outputs alone
 * and say why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/error.h"
#include "core/parse.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define UNTOUCHED    UINT64_C(424242)

typedef int (*number_parser)(const char *text, uint64_t max, uint64_t *value, const char **why);

struct number_row {
  const char *text;
  uint64_t max;
  uint64_t value;
  const char *why; /* NULL: taken */
};

static void check_numbers(number_parser parse, const struct number_row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const char *why = NULL;
    uint64_t value = UNTOUCHED;
    int error = parse(rows[i].text, rows[i].max, &value, &why);
    uint64_t expected = rows[i].why ? UNTOUCHED : rows[i].value;
    if (error != (rows[i].why ? WSL_INVALID : WSL_OK) || value != expected) {
      fail_msg("\"%s\": error %d, value %llu", rows[i].text, error, (unsigned long long)value);
    }
    if (rows[i].why) {
      if (!why || !strstr(why, rows[i].why)) fail_msg("\"%s\": why is \"%s\"", rows[i].text, why);
    } else if (why) {
      fail_msg("\"%s\": taken, but why is \"%s\"", rows[i].text, why);
    }
  }
}

static void digits_of_a_span(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t len;
    uint64_t max, value; /* UNTOUCHED: refused */
  } rows[] = {
      {"0", 1, 0, 0},
      {"65535", 5, UINT16_MAX, 65535},
      {"65536", 5, UINT16_MAX, UNTOUCHED},
      {"007", 3, 7, 7},
      {"12x", 2, 99, 12},
      {"12x", 3, 99, UNTOUCHED},
      {"", 0, 99, UNTOUCHED},
      {"-1", 2, 99, UNTOUCHED},
      {" 1", 2, 99, UNTOUCHED},
      {NULL, 0, 9, UNTOUCHED},
      {"18446744073709551615", 20, UINT64_MAX, UINT64_MAX},
      {"18446744073709551616", 20, UINT64_MAX, UNTOUCHED},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    uint64_t value = UNTOUCHED;
    bool taken = parse_digits((struct wsl_span){rows[i].text, rows[i].len}, rows[i].max, &value);
    assert_int_equal(taken, rows[i].value != UNTOUCHED);
    assert_true(value == rows[i].value);
  }
}

static void whole_numbers(void **state) {
  (void)state;
  static const struct number_row rows[] = {
      {"0", 10, 0, NULL},
      {"10", 10, 10, NULL},
      {"007", 10, 7, NULL},
      {"18446744073709551615", UINT64_MAX, UINT64_MAX, NULL},
      {"11", 10, 0, "too large"},
      {"18446744073709551616", UINT64_MAX, 0, "too large"},
      {"99999999999999999999999999", UINT64_MAX, 0, "too large"},
      {"", 10, 0, "whole number"},
      {"-1", 10, 0, "whole number"},
      {"+1", 10, 0, "whole number"},
      {" 1", 10, 0, "whole number"},
      {"1 ", 10, 0, "whole number"},
      {"1\n", 10, 0, "whole number"},
      {"1.0", 10, 0, "whole number"},
      {"0x1", 10, 0, "whole number"},
      {"1e1", 10, 0, "whole number"},
      {"\xd9\xa1", 10, 0, "whole number"}, /* a digit, but an Arabic one */
  };
  check_numbers(parse_unsigned, rows, COUNT(rows));
}

static void sizes(void **state) {
  (void)state;
  static const struct number_row rows[] = {
      {"0", 100, 0, NULL},
      {"65536", UINT64_MAX, 65536, NULL},
      {"64K", UINT64_MAX, 65536, NULL},
      {"64k", 65536, 65536, NULL},
      {"3M", UINT64_MAX, 3u << 20, NULL},
      {"2g", UINT64_MAX, UINT64_C(2) << 30, NULL},
      {"64K", 65535, 0, "too large"},
      {"17179869183G", UINT64_MAX, UINT64_C(17179869183) << 30, NULL},
      {"17179869184G", UINT64_MAX, 0, "too large"},
      {"99999999999999999999K", UINT64_MAX, 0, "too large"},
      {"", 100, 0, "not a size"},
      {"K", 100, 0, "not a size"},
      {"1KB", 100000, 0, "not a size"},
      {"1KiB", 100000, 0, "not a size"},
      {"1 K", 100000, 0, "not a size"},
      {"1T", UINT64_MAX, 0, "not a size"},
      {"1.5K", 100000, 0, "not a size"},
      {"-1", 100, 0, "not a size"},
  };
  check_numbers(parse_size, rows, COUNT(rows));
}

static void durations(void **state) {
  (void)state;
  static const struct number_row rows[] = {
      {"0", 1000, 0, NULL},
      {"30", UINT64_MAX, 30000, NULL},
      {"30s", UINT64_MAX, 30000, NULL},
      {"500ms", UINT64_MAX, 500, NULL},
      {"2m", UINT64_MAX, 120000, NULL},
      {"2h", UINT64_MAX, 7200000, NULL},
      {"0.25", UINT64_MAX, 250, NULL},
      {"1.5m", UINT64_MAX, 90000, NULL},
      {"1.50h", UINT64_MAX, 5400000, NULL},
      {"0.0001", UINT64_MAX, 1, NULL}, /* never down to 0 */
      {"0.5ms", UINT64_MAX, 1, NULL},
      {"1.0000", UINT64_MAX, 1000, NULL},
      {"0.999999999h", UINT64_MAX, 3600000, NULL},
      {"1", 1000, 1000, NULL},
      {"1.001", 1000, 0, "too large"},
      {"0.5", 499, 0, "too large"},
      {"2", 1999, 0, "too large"},
      {"18446744073709551615ms", UINT64_MAX, UINT64_MAX, NULL},
      {"18446744073709551615.1ms", UINT64_MAX, 0, "too large"},
      {"18446744073709552", UINT64_MAX, 0, "too large"},
      {"99999999999999999999", UINT64_MAX, 0, "too large"},
      {"", 1000, 0, "not a duration"},
      {"s", 1000, 0, "not a duration"},
      {".5", 1000, 0, "not a duration"},
      {"5.", 10000, 0, "not a duration"},
      {"5.s", 10000, 0, "not a duration"},
      {"1.2.3", 10000, 0, "not a duration"},
      {"1,5", 10000, 0, "not a duration"},
      {"1.0123456789", 10000, 0, "not a duration"},
      {"-1", 1000, 0, "not a duration"},
      {"1 s", 10000, 0, "not a duration"},
      {"1S", 10000, 0, "not a duration"},
      {"1sec", 10000, 0, "not a duration"},
      {"1d", UINT64_MAX, 0, "not a duration"},
      {"inf", UINT64_MAX, 0, "not a duration"},
  };
  check_numbers(parse_duration, rows, COUNT(rows));
}

struct endpoint_row {
  const char *text;
  const char *host;
  uint16_t port;
  const char *why; /* NULL: taken */
};

static void check_endpoints(enum parse_host rule, const struct endpoint_row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    char host[32] = "untouched";
    uint16_t port = 4242;
    const char *why = NULL;
    int error = parse_endpoint(rows[i].text, rule, host, sizeof host, &port, &why);
    const char *expected_host = rows[i].why ? "untouched" : rows[i].host;
    uint16_t expected_port = rows[i].why ? 4242 : rows[i].port;
    if (error != (rows[i].why ? WSL_INVALID : WSL_OK) || strcmp(host, expected_host) != 0 ||
        port != expected_port) {
      fail_msg("\"%s\": error %d, host \"%s\", port %d", rows[i].text, error, host, port);
    }
    if (rows[i].why && (!why || !strstr(why, rows[i].why)))
      fail_msg("\"%s\": why is \"%s\"", rows[i].text, why);
  }
}

static void targets(void **state) {
  (void)state;
  static const struct endpoint_row rows[] = {
      {"localhost:5900", "localhost", 5900, NULL},
      {"10.0.0.1:1", "10.0.0.1", 1, NULL},
      {"h:65535", "h", 65535, NULL},
      {"[::1]:80", "::1", 80, NULL},
      {"[fe80::1%eth0]:80", "fe80::1%eth0", 80, NULL},
      {"::1:80", "::1", 80, NULL},
      {"2001:db8::2:5900", "2001:db8::2", 5900, NULL},
      {"::ffff:10.0.0.1:80", "::ffff:10.0.0.1", 80, NULL},
      {"_srv.example-1.org:80", "_srv.example-1.org", 80, NULL},
      {"a-name-of-just-thirty-one-bytes:80", "a-name-of-just-thirty-one-bytes", 80, NULL},
      {"a-name-of-just-thirty-two-bytes-:80", NULL, 0, "too long"},
      {"", NULL, 0, "form host:port"},
      {"80", NULL, 0, "form host:port"},
      {"host", NULL, 0, "form host:port"},
      {"host:", NULL, 0, "port must be"},
      {":80", NULL, 0, "host is missing"},
      {":", NULL, 0, "host is missing"},
      {"[::1]", NULL, 0, "port is missing"},
      {"[::1", NULL, 0, "bracket"},
      {"[::1:80", NULL, 0, "bracket"},
      {"::1]:80", NULL, 0, "bracket"},
      {"[]:80", NULL, 0, "IPv6"},
      {"[:80", NULL, 0, "bracket"},
      {"]:80", NULL, 0, "bracket"},
      {"[[::1]]:80", NULL, 0, "character"},
      {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]:80", NULL, 0, "IPv6"},
      {"[::1]x:80", NULL, 0, "bracket"},
      {"[host]:80", NULL, 0, "IPv6"},
      {"[fe80::1%]:80", NULL, 0, "IPv6"},
      {"[%eth0]:80", NULL, 0, "IPv6"},
      {"::1", NULL, 0, "IPv6"}, /* host ":", port 1 */
      {"a:b:80", NULL, 0, "IPv6"},
      {"1:2:3:4:5:6:7:8:9:80", NULL, 0, "IPv6"},
      {"host:0", NULL, 0, "from 1 to 65535"},
      {"host:65536", NULL, 0, "from 1 to 65535"},
      {"host:70000", NULL, 0, "from 1 to 65535"},
      {"host:99999999999999999999", NULL, 0, "from 1 to 65535"},
      {"host:80x", NULL, 0, "port must be"},
      {"host:-80", NULL, 0, "port must be"},
      {"host:+80", NULL, 0, "port must be"},
      {"host: 80", NULL, 0, "port must be"},
      {"host:80 ", NULL, 0, "port must be"},
      {"ho st:80", NULL, 0, "character"},
      {" host:80", NULL, 0, "character"},
      {"host\n:80", NULL, 0, "character"},
      {"host\x7f:80", NULL, 0, "character"},
      {"h\xc3\xb6st:80", NULL, 0, "character"},
      {"http://host:80", NULL, 0, "character"},
  };
  check_endpoints(PARSE_HOST_REQUIRED, rows, COUNT(rows));
}

static void where_to_connect_on_this_machine(void **state) {
  (void)state;
  static const struct endpoint_row rows[] = {
      {":80", "localhost", 80, NULL},     {"host:80", "host", 80, NULL},  {"[::1]:80", "::1", 80, NULL},
      {":0", NULL, 0, "from 1 to 65535"}, {":", NULL, 0, "port must be"}, {"", NULL, 0, "form host:port"},
      {"80", NULL, 0, "form host:port"},  {"[]:80", NULL, 0, "IPv6"},
  };
  check_endpoints(PARSE_HOST_LOCAL, rows, COUNT(rows));
}

static void where_to_listen(void **state) {
  (void)state;
  static const struct endpoint_row rows[] = {
      {"6080", "", 6080, NULL},
      {"0", "", 0, NULL},
      {":6080", "", 6080, NULL},
      {"localhost:0", "localhost", 0, NULL},
      {"0.0.0.0:6080", "0.0.0.0", 6080, NULL},
      {"[::]:6080", "::", 6080, NULL},
      {":::6080", "::", 6080, NULL},
      {"", NULL, 0, "port must be"},
      {":", NULL, 0, "port must be"},
      {"localhost", NULL, 0, "port must be"},
      {"localhost:", NULL, 0, "port must be"},
      {"6080x", NULL, 0, "port must be"},
      {"70000", NULL, 0, "from 0 to 65535"},
      {"-1", NULL, 0, "port must be"},
      {"[]:6080", NULL, 0, "IPv6"},
      {"[::1]", NULL, 0, "port is missing"},
      {"[::1", NULL, 0, "bracket"},
      {"::6080", NULL, 0, "IPv6"}, /* host ":" */
  };
  check_endpoints(PARSE_HOST_OPTIONAL, rows, COUNT(rows));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(digits_of_a_span),
      cmocka_unit_test(whole_numbers),
      cmocka_unit_test(sizes),
      cmocka_unit_test(durations),
      cmocka_unit_test(targets),
      cmocka_unit_test(where_to_listen),
      cmocka_unit_test(where_to_connect_on_this_machine),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
