/* Targets in JSON: the shapes that websockify's lookups have, and what must not pass for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/error.h"
#include "route/token/json.h"

#define TEXT(literal) {(literal), sizeof(literal) - 1}

static const struct {
  struct wsl_span json;
  const char *target; /* NULL: it is refused */
} rows[] = {
    {TEXT("{\"host\": \"h\", \"port\": 1}"), "h:1"},
    {TEXT("{\"port\": \"5900\", \"x\": [{}], \"host\": \"10.0.0.7\"}"), "10.0.0.7:5900"},
    {TEXT("{\"host\": \"h:1\"}"), "h:1"},
    {TEXT("{\"host\": \"[::1]:2\"}"), "[::1]:2"},
    {TEXT("{\"host\": \"::1\", \"port\": 2}"), "::1:2"},
    {TEXT("{\"host\": \"unix_socket\", \"port\": \"/run/x\"}"), "unix:/run/x"},
    {TEXT("{\"host\": \"\\u0068\", \"port\": 1}"), "h:1"},
    {TEXT(" {\"host\": \"h\", \"port\": 1}\r\n"), "h:1"},
    {TEXT("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"), NULL},
    {TEXT("{\"host\": \"h\", \"port\": 1, \"x\": [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}"), NULL},
    {TEXT("{\"host\": \"h\", \"port\": 1, \"x\": \"[[[[[[[[[[[[[[[[[[[[[[\"}"), "h:1"},
    {TEXT("{\"host\": \"h\", \"port\": 1, \"x\": \"\\\"[[[[[[[[[[[[[[[[[[[[[[\"}"), "h:1"},
    {TEXT(""), NULL},
    {TEXT("h:1"), NULL},
    {TEXT("\"h:1\""), NULL},
    {TEXT("{}"), NULL},
    {TEXT("{\"host\": \"h\"}"), NULL},
    {TEXT("{\"port\": 1}"), NULL},
    {TEXT("{\"host\": null, \"port\": 1}"), NULL},
    {TEXT("{\"host\": \"\", \"port\": 1}"), NULL},
    {TEXT("{\"host\": \"h\", \"port\": 0}"), NULL},
    {TEXT("{\"host\": \"h\", \"port\": -1}"), NULL},
    {TEXT("{\"host\": \"h\", \"port\": 65536}"), NULL},
    {TEXT("{\"host\": \"h\", \"port\": 1.0}"), NULL},
    {TEXT("{\"host\": \"h\", \"port\": null}"), NULL},
    {TEXT("{\"host\": \"h\", \"port\": \"1 \", \"x\": 1}"), "h:1"},
    {TEXT("{\"host\": \"h\", \"port\": 18446744073709551617}"), NULL},
    {TEXT("{\"host\": \"a:1\", \"port\": 2}"), NULL},
    {TEXT("{\"host\": \"a b\", \"port\": 2}"), NULL},
    {TEXT("{\"host\": \"a\\nb\", \"port\": 2}"), NULL},
    {TEXT("{\"host\": \"a\\u0000b\", \"port\": 2}"), NULL},
    {TEXT("{\"host\": \"h\", \"port\": 1\0}"), NULL},
    {TEXT("{\"host\": \"h\", \"port\": 1}\0"), NULL},
    {TEXT("{\"host\": \"h\", \"host\": \"h\", \"port\": 1}"), NULL},
    {TEXT("{\"host\": \"h\", \"port\": 1} {}"), NULL},
    {TEXT("{\"host\": \"\xFF\", \"port\": 1}"), NULL},
    {TEXT("\xEF\xBB\xBF{\"host\": \"h\", \"port\": 1}"), "h:1"},
    {TEXT("\xEF\xBB\xBF\xEF\xBB\xBF{\"host\": \"h\", \"port\": 1}"), NULL},
    {TEXT("\xEF\xBB\xBF"), NULL},
};

static void every_answer_is_read(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct target *target = NULL;
    const char *why = NULL;
    char *text = malloc(rows[i].json.len == 0 ? 1 : rows[i].json.len);
    memcpy(text, rows[i].json.at, rows[i].json.len);
    int error = token_json_read((struct wsl_span){text, rows[i].json.len}, TARGET_LOOKED_UP, &target, &why);
    free(text);
    if ((error == 0) != (rows[i].target != NULL)) fail_msg("%s: %s", rows[i].json.at, why == NULL ? "" : why);
    if (error == 0) {
      assert_string_equal(target->text, rows[i].target);
      assert_int_equal(target->origin, TARGET_LOOKED_UP);
    } else {
      assert_int_equal(error, WSL_INVALID);
      assert_non_null(why);
    }
    free(target);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_answer_is_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
