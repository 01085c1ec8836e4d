/* URLs of HTTP: taken apart, refused with a reason, resolved against one another, and filled with tokens. */
#include "support.h"

#include "codec/http/percent.h"
#include "codec/http/url_template.h"

static const struct {
  const char *text;
  const char *why; /* NULL: it is a URL */
  enum url_scheme scheme;
  const char *host;
  uint16_t port;
  const char *authority, *target, *userinfo;
} rows[] = {
    {"http://h", NULL, URL_HTTP, "h", 80, "h", "", NULL},
    {"https://h/", NULL, URL_HTTPS, "h", 443, "h", "/", NULL},
    {"HTTPS://h:8443/a/b?c=d#e", NULL, URL_HTTPS, "h", 8443, "h:8443", "/a/b?c=d", NULL},
    {"http://h?x", NULL, URL_HTTP, "h", 80, "h", "?x", NULL},
    {"http://h:/x", NULL, URL_HTTP, "h", 80, "h:", "/x", NULL},
    {"http://[2001:db8::1]:81/x", NULL, URL_HTTP, "2001:db8::1", 81, "[2001:db8::1]:81", "/x", NULL},
    {"http://[::1]", NULL, URL_HTTP, "::1", 80, "[::1]", "", NULL},
    {"http://u:p%40@h/x@y", NULL, URL_HTTP, "h", 80, "h", "/x@y", "u:p%40"},
    {"http://u@v@h/", NULL, URL_HTTP, "h", 80, "h", "/", "u@v"},
    {"http://@h/", NULL, URL_HTTP, "h", 80, "h", "/", ""},
    {"", "http://", 0, "", 0, "", "", NULL},
    {"h/x", "http://", 0, "", 0, "", "", NULL},
    {"ftp://h/", "http://", 0, "", 0, "", "", NULL},
    {"http:/h", "http://", 0, "", 0, "", "", NULL},
    {"http://", "host is missing", 0, "", 0, "", "", NULL},
    {"http:///x", "host is missing", 0, "", 0, "", "", NULL},
    {"http://u@/x", "host is missing", 0, "", 0, "", "", NULL},
    {"http://:80/", "host", 0, "", 0, "", "", NULL},
    {"http://h:0/", "port", 0, "", 0, "", "", NULL},
    {"http://h:65536/", "port", 0, "", 0, "", "", NULL},
    {"http://h:8x/", "port", 0, "", 0, "", "", NULL},
    {"http://::1/", "brackets", 0, "", 0, "", "", NULL},
    {"http://[::1/", "bracket", 0, "", 0, "", "", NULL},
    {"http://[::1]x/", "bracket", 0, "", 0, "", "", NULL},
    {"http://[h]/", "", 0, "", 0, "", "", NULL},
    {"http://h/a b", "percent-encoded", 0, "", 0, "", "", NULL},
    {"http://h/\xC3\xA9", "percent-encoded", 0, "", 0, "", "", NULL},
    {"http://h/\r\nX: y", "percent-encoded", 0, "", 0, "", "", NULL},
    {"http://a b/", "percent-encoded", 0, "", 0, "", "", NULL},
};

static void check_span(const char *text, struct wsl_span span, const char *wanted) {
  if (!wsl_span_equal(span, wsl_span_of(wanted))) fail_msg("%s: %.*s", text, (int)span.len, span.at);
}

static void every_url_is_taken_apart(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    size_t len = strlen(rows[i].text);
    char *text = exact_copy(rows[i].text, len);
    struct url url;
    const char *why = url_read((struct wsl_span){text, len}, &url);
    if ((why == NULL) != (rows[i].why == NULL) || (why != NULL && strstr(why, rows[i].why) == NULL))
      fail_msg("%s: %s", rows[i].text, why == NULL ? "taken" : why);
    if (why == NULL) {
      assert_int_equal(url.scheme, rows[i].scheme);
      assert_string_equal(url.host, rows[i].host);
      assert_int_equal(url.port, rows[i].port);
      check_span(rows[i].text, url.authority, rows[i].authority);
      check_span(rows[i].text, url.target, rows[i].target);
      assert_int_equal(url.userinfo.at != NULL, rows[i].userinfo != NULL);
      if (rows[i].userinfo != NULL) check_span(rows[i].text, url.userinfo, rows[i].userinfo);
    }
    free(text);
  }
}

static void a_url_cut_anywhere_is_read_within_its_bytes(void **state) {
  (void)state;
  static const char text[] = "https://user:pass@[2001:db8::1]:8443/a/b?c#d";
  for (size_t cut = 0; cut < sizeof(text); cut++) {
    char *copy = exact_copy(text, cut);
    struct url url;
    const char *why = url_read((struct wsl_span){copy, cut}, &url);
    if (cut >= sizeof("https://user:pass@[2001:db8::1]:8443/") - 1) assert_null(why);
    free(copy);
  }
}

static void references_are_resolved(void **state) {
  (void)state;
  static const struct {
    const char *base, *reference, *url;
  } resolutions[] = {
      {"http://h/a/b?c", "http://x/y", "http://x/y"},
      {"http://h/a/b?c", "HTTPS://x", "HTTPS://x"},
      {"https://h:1/a/b?c", "//x/y", "https://x/y"},
      {"http://u:p@h:1/a/b?c", "/y?z", "http://h:1/y?z"},
      {"http://h/a/b?c/d", "y", "http://h/a/y"},
      {"http://h/a/", "y", "http://h/a/y"},
      {"http://h", "y", "http://h/y"},
      {"http://h?c", "y", "http://h/y"},
      {"http://h/a/b?c", "?z", "http://h/a/b?z"},
      {"http://h/a", "y:1/z", "y:1/z"},
      {"http://h/a", "./y:1", "http://h/./y:1"},
      {"http://h/a", "", "http://h/"},
  };
  for (size_t i = 0; i < sizeof(resolutions) / sizeof(resolutions[0]); i++) {
    struct url base;
    assert_null(url_read(wsl_span_of(resolutions[i].base), &base));
    struct wsl_span reference = wsl_span_of(resolutions[i].reference);
    size_t cap = strlen(resolutions[i].base) + reference.len + 9;
    char *out = exact_alloc(cap);
    size_t len = url_resolve(&base, reference, out, cap);
    check_span(resolutions[i].reference, (struct wsl_span){out, len}, resolutions[i].url);
    free(out);
    for (size_t less = 0; less <= len; less++) {
      out = exact_alloc(less);
      assert_int_equal(url_resolve(&base, reference, out, less), 0);
      free(out);
    }
  }
}

static void a_template_has_one_place_for_its_token(void **state) {
  (void)state;
  static const struct {
    const char *source, *url; /* NULL: it is refused */
  } templates[] = {
      {"http://h/%s", "http://h/a%2Fb"},
      {"http://h/x/%s/y?z=%%41&%2F", "http://h/x/a%2Fb/y?z=%41&%2F"},
      {"http://h?t=%s", "http://h?t=a%2Fb"},
      {"http://h/%%s%s", "http://h/%sa%2Fb"},
      {"http://h/", NULL},
      {"http://h/%s%s", NULL},
      {"http://h/%%s", NULL},
      {"http://h%s/", NULL},
      {"http://%s@h/", NULL},
      {"http%s://h/", NULL},
      {"http://h/#%s", NULL},
      {"http://h:%s/", NULL},
      {"http://h/%", NULL},
      {"", NULL},
  };
  for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
    char *text = exact_alloc(strlen(templates[i].source) + 1);
    struct url_template template;
    const char *why = url_template_read(templates[i].source, text, &template);
    if ((why == NULL) != (templates[i].url != NULL)) fail_msg("%s: %s", templates[i].source, why);
    if (why == NULL) {
      struct wsl_span token = wsl_span_of("a/b");
      char *out = exact_alloc(url_template_room(&template, token.len));
      size_t len = url_template_fill(&template, token, out);
      check_span(templates[i].source, (struct wsl_span){out, len}, templates[i].url);
      free(out);
    }
    free(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_url_is_taken_apart),
      cmocka_unit_test(a_url_cut_anywhere_is_read_within_its_bytes),
      cmocka_unit_test(references_are_resolved),
      cmocka_unit_test(a_template_has_one_place_for_its_token),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
