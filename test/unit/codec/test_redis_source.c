/* Where a Redis server is: the forms that websockify 0.13 takes, ours, and what is refused. */
#include "support.h"

#include "codec/text/redis_source.h"

/* ---- fields ---- */

struct split_row {
  const char *text;
  size_t count;
  const char *fields[REDIS_FIELDS_MAX];
};

/* The first fourteen are websockify's own (its tests of the function that splits). */
static const struct split_row split_rows[] = {
    {"", 1, {""}},
    {":", 2, {"", ""}},
    {"::", 3, {"", "", ""}},
    {"\"", 1, {"\""}},
    {"\"\"", 1, {"\"\""}},
    {"\"\"\"", 1, {"\"\"\""}},
    {"\"localhost\"", 1, {"localhost"}},
    {"\"localhost\":", 2, {"localhost", ""}},
    {"\"localhost\"::", 3, {"localhost", "", ""}},
    {"\"local:host\"", 1, {"local:host"}},
    {"\"local:host:\"pass\"", 3, {"\"local", "host", "pass"}},
    {"\"local\":\"host\"", 2, {"local", "host"}},
    {"\"local\":host\"", 2, {"local", "host\""}},
    {"localhost:6379:1:pass\"word:\"my-app-namespace:dev\"",
     5,
     {"localhost", "6379", "1", "pass\"word", "my-app-namespace:dev"}},
    {"[::1]:6379", 2, {"[::1]", "6379"}},
    {"[::1", 3, {"[", "", "1"}},
    {"a:b:c:d:e", 5, {"a", "b", "c", "d", "e"}},
};

static void fields_are_split(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(split_rows); i++) {
    const struct split_row *row = &split_rows[i];
    struct wsl_span fields[REDIS_FIELDS_MAX];
    char *copy = exact_copy(row->text, strlen(row->text));
    size_t count = redis_source_split((struct wsl_span){copy, strlen(row->text)}, fields);
    if (count != row->count) fail_msg("%s: %zu fields", row->text, count);
    for (size_t k = 0; k < count; k++) {
      if (!wsl_span_equal(fields[k], wsl_span_of(row->fields[k])))
        fail_msg("%s: field %zu is \"%.*s\"", row->text, k, (int)fields[k].len, fields[k].at);
    }
    free(copy);
  }
}

/* ---- sources ---- */

struct source_row {
  const char *text;
  const char *host;
  bool is_unix;
  uint16_t port;
  uint32_t db;
  const char *password, *name_space;
};

static const struct source_row source_rows[] = {
    {"127.0.0.1", "127.0.0.1", false, 6379, 0, "", ""},
    {"127.0.0.1:1234", "127.0.0.1", false, 1234, 0, "", ""},
    {"127.0.0.1:1234:2", "127.0.0.1", false, 1234, 2, "", ""},
    {"127.0.0.1:1234:2:verysecret", "127.0.0.1", false, 1234, 2, "verysecret", ""},
    {"127.0.0.1:1234:2:verysecret:namespace", "127.0.0.1", false, 1234, 2, "verysecret", "namespace"},
    {"127.0.0.1:1234:::namespace", "127.0.0.1", false, 1234, 0, "", "namespace"},
    {"127.0.0.1:::verysecret", "127.0.0.1", false, 6379, 0, "verysecret", ""},
    {"127.0.0.1::::", "127.0.0.1", false, 6379, 0, "", ""},
    {"127.0.0.1:::", "127.0.0.1", false, 6379, 0, "", ""},
    {"127.0.0.1::", "127.0.0.1", false, 6379, 0, "", ""},
    {"127.0.0.1:", "127.0.0.1", false, 6379, 0, "", ""},
    {"127.0.0.1::::namespace", "127.0.0.1", false, 6379, 0, "", "namespace"},
    {"127.0.0.1::::\"ns1:ns2\"", "127.0.0.1", false, 6379, 0, "", "ns1:ns2"},
    {"127.0.0.1::2", "127.0.0.1", false, 6379, 2, "", ""},
    {"127.0.0.1:1234::verysecret", "127.0.0.1", false, 1234, 0, "verysecret", ""},
    {"127.0.0.1::2:verysecret", "127.0.0.1", false, 6379, 2, "verysecret", ""},
    {"127.0.0.1::2:", "127.0.0.1", false, 6379, 2, "", ""},
    {"redis.example:65535:0:\"a:b\"", "redis.example", false, 65535, 0, "a:b", ""},
    {"\"::1\":1", "::1", false, 1, 0, "", ""},
    {"[fe80::1%eth0]:1", "fe80::1%eth0", false, 1, 0, "", ""},
    {"/run/redis.sock", "/run/redis.sock", true, 6379, 0, "", ""},
    {"/run/redis.sock::3:pw:n", "/run/redis.sock", true, 6379, 3, "pw", "n"},
    {"\"/run/a:b\"", "/run/a:b", true, 6379, 0, "", ""},
};

static void check_span(const char *text, struct wsl_span span, const char *wanted) {
  if (!wsl_span_equal(span, wsl_span_of(wanted)))
    fail_msg("%s: \"%.*s\", not \"%s\"", text, (int)span.len, span.at, wanted);
}

static void sources_are_read(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(source_rows); i++) {
    const struct source_row *row = &source_rows[i];
    struct redis_source source;
    const char *why = redis_source_read(wsl_span_of(row->text), &source);
    if (why != NULL) fail_msg("%s: %s", row->text, why);
    check_span(row->text, source.host, row->host);
    check_span(row->text, source.password, row->password);
    check_span(row->text, source.name_space, row->name_space);
    if (source.port != row->port || source.db != row->db || source.is_unix != row->is_unix)
      fail_msg("%s: port %u, database %u", row->text, source.port, source.db);
  }
}

static void what_is_wrong_is_said(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } rows[] = {
      {"", "name or address"},
      {":6379", "name or address"},
      {"a b", "name or address"},
      {"\xff", "name or address"},
      {"a\n", "name or address"},
      {"h:0", "port"},
      {"h:65536", "port"},
      {"h:x", "port"},
      {"h:-1", "port"},
      {"h:1 ", "port"},
      {"h:99999999999999999999", "port"},
      {"h::x", "database"},
      {"h::-1", "database"},
      {"h::2147483648", "database"},
      {"::1:6379", "name or address"},
      {"h:1:2:secret:n:more", "more"},
      {"/s:6379", "no port"},
      {"h:::secret:a:b", "more"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct redis_source source;
    const char *why = redis_source_read(wsl_span_of(rows[i].text), &source);
    if (why == NULL) fail_msg("%s: taken", rows[i].text);
    if (strstr(why, rows[i].says) == NULL || strstr(why, "secret") != NULL)
      fail_msg("%s: %s", rows[i].text, why);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fields_are_split),
      cmocka_unit_test(sources_are_read),
      cmocka_unit_test(what_is_wrong_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
