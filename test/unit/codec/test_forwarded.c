/* Forwarded and X-Forwarded-For, element by element; and what a client may write in front of what a proxy has
 * appended. */
#include "support.h"

#include "codec/http/forwarded.h"

typedef bool (*next_fn)(struct wsl_span *rest, struct forwarded_element *element);

/* All elements as "host:port scheme|...", "-" for a host that says nothing. */
static const char *read_all(next_fn next, const char *value) {
  static char out[512];
  static const char *const schemes[] = {"", " http", " https"};
  struct wsl_span rest = wsl_span_of(value);
  struct forwarded_element element;
  size_t len = 0;
  out[0] = '\0';
  while (next(&rest, &element)) {
    const char *host = element.host.len > 0 ? element.host.at : "-";
    int host_len = element.host.len > 0 ? (int)element.host.len : 1;
    len += (size_t)snprintf(out + len, sizeof out - len, "%s%.*s", len > 0 ? "|" : "", host_len, host);
    if (element.port != 0) len += (size_t)snprintf(out + len, sizeof out - len, ":%u", element.port);
    len += (size_t)snprintf(out + len, sizeof out - len, "%s", schemes[element.scheme]);
  }
  return out;
}

struct row {
  const char *value, *wanted;
};

static void check(next_fn next, const struct row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const char *got = read_all(next, rows[i].value);
    if (strcmp(got, rows[i].wanted) != 0)
      fail_msg("%s: \"%s\", not \"%s\"", rows[i].value, got, rows[i].wanted);
  }
}
#define CHECK(next, rows) check(next, rows, sizeof(rows) / sizeof(rows)[0])

static void elements_of_forwarded(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"for=192.0.2.43", "192.0.2.43"},
      {"for=192.0.2.43, for=198.51.100.17", "192.0.2.43|198.51.100.17"},
      {"For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17:4711"},
      {"for=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17"},
      {"for=[2001:db8::1]", "2001:db8::1"},
      {"for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60 http"},
      {"proto=https ; for=\"192.0.2.60:8080\"", "192.0.2.60:8080 https"},
      {"for=192.0.2.43:47011", "192.0.2.43:47011"},
      {"for=\"192.0.2.43:_port\"", "192.0.2.43"},
      {"for=\"192.0.2.43:99999\"", "192.0.2.43"},
      {"for=_gazonk", "-"},
      {"for=unknown", "-"},
      {"FOR=UNKNOWN", "-"},
      {"by=203.0.113.43", "-"},
      {"", ""},
      {" , ,", ""},
      {",for=1.2.3.4,,for=5.6.7.8,", "1.2.3.4|5.6.7.8"},
      {"for=1.2.3.4 , for=5.6.7.8", "1.2.3.4|5.6.7.8"},
      {"for=1.2.3.4;ext=\"a,b;c\", for=5.6.7.8", "1.2.3.4|5.6.7.8"},
  };
  CHECK(forwarded_next, rows);
}

static void what_can_not_be_read_says_nothing(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"for", "-"},
      {"for=", "-"},
      {"=1.2.3.4", "-"},
      {"for=1.2.3.4;", "-"},
      {"for=1.2.3.4;;by=x", "-"},
      {"for=1.2.3.4 by=x", "-"},
      {"for =1.2.3.4", "-"},
      {"for=1.2.3.4;for=5.6.7.8", "-"},
      {"for=\"1.2.3.4", "-"},
      {"for=\"1.2.3.4\"x", "-"},
      {"for=\"1\\.2.3.4\"", "-"},
      {"for=[2001:db8::1", "-"},
      {"for=\"[2001:db8::1]4711\"", "-"},
      {"1.2.3.4", "-"},
      {"1.2.3.4, for=5.6.7.8", "-|5.6.7.8"},
  };
  CHECK(forwarded_next, rows);
}

/* Left of the comma is the client's, right of it the proxy's. */
static void an_invented_element_takes_none_of_the_proxys_with_it(void **state) {
  (void)state;
  static const char *const invented[] = {
      "for=\"",
      "for=9.9.9.9;x=\"",
      "for=9.9.9.9;x=\"\\",
      "for=\"[",
      ";",
      "for=9.9.9.9;",
      "\"",
      "for=9.9.9.9;x=",
      "=",
      "for=9.9.9.9;x=\"a, for=8.8.8.8",
      "for=9.9.9.9;by=\"x\"y\"",
  };
  static const struct row proxys[] = {
      {"for=1.2.3.4", "1.2.3.4"},
      {"for=\"1.2.3.4\"", "1.2.3.4"},
      {"for=\"[2001:db8::1]:80\"", "2001:db8::1:80"},
      {"for=1.2.3.4;proto=https", "1.2.3.4 https"},
      {"by=\"_x\";for=\"1.2.3.4\";proto=\"https\"", "1.2.3.4 https"},
  };
  for (size_t i = 0; i < sizeof invented / sizeof invented[0]; i++) {
    for (size_t j = 0; j < sizeof proxys / sizeof proxys[0]; j++) {
      char value[256];
      snprintf(value, sizeof value, "%s, %s", invented[i], proxys[j].value);
      const char *got = read_all(forwarded_next, value);
      const char *last = strrchr(got, '|');
      if (last == NULL || strcmp(last + 1, proxys[j].wanted) != 0) fail_msg("%s: \"%s\"", value, got);
    }
  }
}

static void elements_of_x_forwarded_for(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"203.0.113.5", "203.0.113.5"},
      {"203.0.113.5, 198.51.100.1", "203.0.113.5|198.51.100.1"},
      {"203.0.113.5,198.51.100.1 ,  10.0.0.1", "203.0.113.5|198.51.100.1|10.0.0.1"},
      {"2001:db8::7", "2001:db8::7"},
      {"::1", "::1"},
      {"[2001:db8::7]", "2001:db8::7"},
      {"[2001:db8::7]:443", "2001:db8::7:443"},
      {"203.0.113.5:50000", "203.0.113.5:50000"},
      {"unknown, 203.0.113.5", "-|203.0.113.5"},
      {"", ""},
      {",", "-"},
      {"203.0.113.5, ", "203.0.113.5|-"},
      {"[::1", "-"},
  };
  CHECK(x_forwarded_for_next, rows);
}

static void the_last_scheme_counts(void **state) {
  (void)state;
  assert_int_equal(x_forwarded_proto(wsl_span_of("https")), FORWARDED_HTTPS);
  assert_int_equal(x_forwarded_proto(wsl_span_of("HTTPS")), FORWARDED_HTTPS);
  assert_int_equal(x_forwarded_proto(wsl_span_of("wss")), FORWARDED_HTTPS);
  assert_int_equal(x_forwarded_proto(wsl_span_of("http, https ")), FORWARDED_HTTPS);
  assert_int_equal(x_forwarded_proto(wsl_span_of("https, http")), FORWARDED_HTTP);
  assert_int_equal(x_forwarded_proto(wsl_span_of("")), FORWARDED_SCHEME_UNSAID);
  assert_int_equal(x_forwarded_proto(wsl_span_of("https,")), FORWARDED_SCHEME_UNSAID);
  assert_int_equal(x_forwarded_proto(wsl_span_of("httpsx")), FORWARDED_SCHEME_UNSAID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(elements_of_forwarded),
      cmocka_unit_test(what_can_not_be_read_says_nothing),
      cmocka_unit_test(an_invented_element_takes_none_of_the_proxys_with_it),
      cmocka_unit_test(elements_of_x_forwarded_for),
      cmocka_unit_test(the_last_scheme_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
