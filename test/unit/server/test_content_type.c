/* Types by ending, and which files a browser must ask for anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/files/content_type.h"

static void endings_decide(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"index.html", "text/html; charset=utf-8"},
      {"a/b.HTM", "text/html; charset=utf-8"},
      {"app.min.js", "text/javascript; charset=utf-8"},
      {"core/rfb.mjs", "text/javascript; charset=utf-8"},
      {"a.css", "text/css; charset=utf-8"},
      {"a.wasm", "application/wasm"},
      {"a.svg", "image/svg+xml; charset=utf-8"},
      {"a.woff2", "font/woff2"},
      {"bell.oga", "audio/ogg"},
      {"a.tar.gz", "application/gzip"},
      {"README", "application/octet-stream"},
      {"html", "application/octet-stream"},
      {"a.html/file", "application/octet-stream"},
      {"a.", "application/octet-stream"},
      {"a.htmlx", "application/octet-stream"},
      {"", "application/octet-stream"},
      {".css", "text/css; charset=utf-8"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    assert_string_equal(content_type_of(rows[i][0]), rows[i][1]);
}

static void pages_and_scripts_are_not_cached(void **state) {
  (void)state;
  assert_string_equal(content_type_cache_control(content_type_of("a.html")), "no-cache");
  assert_string_equal(content_type_cache_control(content_type_of("a.js")), "no-cache");
  assert_null(content_type_cache_control(content_type_of("a.png")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(endings_decide),
      cmocka_unit_test(pages_and_scripts_are_not_cached),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
