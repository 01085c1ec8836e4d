/* A query's parameter: what Python's parse_qs(query)[name][0] gives, for honest queries and others. */
#include "support.h"

#include "codec/http/query.h"

#define TEXT(literal) (literal), sizeof(literal) - 1

struct row {
  const char *name;
  const char *query;
  size_t query_len;
  enum query_result result;
  const char *value;
  size_t value_len;
};

static const struct row rows[] = {
    {"alone", TEXT("token=abc"), QUERY_FOUND, TEXT("abc")},
    {"first of several", TEXT("token=a&token=b"), QUERY_FOUND, TEXT("a")},
    {"behind others", TEXT("a=1&b&token=x&c=2"), QUERY_FOUND, TEXT("x")},
    {"escapes", TEXT("token=%61%2Fb%20c%3d"), QUERY_FOUND, TEXT("a/b c=")},
    {"encoded separators", TEXT("token=a%26token%3Db"), QUERY_FOUND, TEXT("a&token=b")},
    {"plus is a blank", TEXT("token=a+b%2Bc"), QUERY_FOUND, TEXT("a b+c")},
    {"UTF-8", TEXT("token=%c3%A9"), QUERY_FOUND, TEXT("\xC3\xA9")},
    {"NUL", TEXT("token=a%00b"), QUERY_FOUND, TEXT("a\0b")},
    {"raw NUL", TEXT("token=a\0b"), QUERY_FOUND, TEXT("a\0b")},
    {"decoded once", TEXT("token=%2541"), QUERY_FOUND, TEXT("%41")},
    {"further equal signs", TEXT("token=a=b=="), QUERY_FOUND, TEXT("a=b==")},
    {"encoded name", TEXT("%74oke%6E=x"), QUERY_FOUND, TEXT("x")},
    {"escape without digits", TEXT("token=%zz"), QUERY_FOUND, TEXT("%zz")},
    {"escape of one digit", TEXT("token=%4g"), QUERY_FOUND, TEXT("%4g")},
    {"escape cut at the end", TEXT("token=a%4"), QUERY_FOUND, TEXT("a%4")},
    {"percent at the end", TEXT("token=%"), QUERY_FOUND, TEXT("%")},
    {"escape cut by the separator", TEXT("token=%4&1=2"), QUERY_FOUND, TEXT("%4")},
    {"escape behind a percent", TEXT("token=%%41"), QUERY_FOUND, TEXT("%A")},
    {"empty value passed over", TEXT("token=&token=b"), QUERY_FOUND, TEXT("b")},
    {"name without value passed over", TEXT("token&token=b"), QUERY_FOUND, TEXT("b")},
    {"semicolon separates nothing", TEXT("token=a;token=b"), QUERY_FOUND, TEXT("a;token=b")},
    {"empty fields", TEXT("&&=&=x&token=y&"), QUERY_FOUND, TEXT("y")},
    {"empty", TEXT(""), QUERY_MISSING, TEXT("")},
    {"empty value", TEXT("token="), QUERY_MISSING, TEXT("")},
    {"no value", TEXT("token"), QUERY_MISSING, TEXT("")},
    {"longer name", TEXT("tokens=x"), QUERY_MISSING, TEXT("")},
    {"shorter name", TEXT("toke=x"), QUERY_MISSING, TEXT("")},
    {"name with a NUL behind", TEXT("token%00=x"), QUERY_MISSING, TEXT("")},
    {"another case", TEXT("Token=x"), QUERY_MISSING, TEXT("")},
    {"as a value", TEXT("a=token=x"), QUERY_MISSING, TEXT("")},
    {"only separators", TEXT("&&==&"), QUERY_MISSING, TEXT("")},
};

static void every_query_is_read_as_python_reads_it(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const struct row *row = &rows[i];
    char *query = exact_copy(row->query, row->query_len);
    char *out = exact_alloc(row->query_len);
    size_t len = 0;
    enum query_result result =
        query_parameter((struct wsl_span){query, row->query_len}, "token", out, row->query_len, &len);
    if (result != row->result) fail_msg("%s: result %d", row->name, (int)result);
    if (len != row->value_len || memcmp(out, row->value, len) != 0)
      fail_msg("%s: %.*s", row->name, (int)len, out);
    free(out);
    free(query);
  }
}

static void a_value_fits_exactly_or_not_at_all(void **state) {
  (void)state;
  const char query[] = "token=%61bc";
  for (size_t cap = 0; cap <= 4; cap++) {
    char *out = exact_alloc(cap);
    size_t len = 99;
    enum query_result result = query_parameter(wsl_span_of(query), "token", out, cap, &len);
    assert_int_equal(result, cap < 3 ? QUERY_TOO_LONG : QUERY_FOUND);
    assert_int_equal(len, cap < 3 ? 99 : 3);
    free(out);
  }
}

static void a_query_cut_anywhere_is_read_within_its_bytes(void **state) {
  (void)state;
  const char query[] = "a=%2&tok%65n=%41%4&token=+%";
  for (size_t cut = 0; cut < sizeof(query); cut++) {
    char *copy = exact_copy(query, cut);
    char *out = exact_alloc(cut);
    size_t len = 0;
    enum query_result result = query_parameter((struct wsl_span){copy, cut}, "token", out, cut, &len);
    assert_int_equal(result, cut > strlen("a=%2&tok%65n=") ? QUERY_FOUND : QUERY_MISSING);
    free(out);
    free(copy);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_query_is_read_as_python_reads_it),
      cmocka_unit_test(a_value_fits_exactly_or_not_at_all),
      cmocka_unit_test(a_query_cut_anywhere_is_read_within_its_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
