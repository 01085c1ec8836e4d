/* What heads mean: hosts, targets, bodies, connections; lists and tokens. */
#include "request_support.h"

static const struct wsl_subprotocols no_subprotocols = {NULL, 0};

/* ---- targets and hosts ----------------------------------------------------------------------- */

struct target_row {
  const char *name;
  const char *head; /* without the final empty line */
  const char *path, *query, *authority;
};

static const struct target_row target_rows[] = {
    {"path", "GET /a/b HTTP/1.1\r\nHost: h\r\n", "/a/b", "", "h"},
    {"query", "GET /a?b=c?d HTTP/1.1\r\nHost: h:80\r\n", "/a", "b=c?d", "h:80"},
    {"empty query", "GET /? HTTP/1.1\r\nHost: h\r\n", "/", "", "h"},
    {"escapes stay", "GET /%2e%2E/%00?%20 HTTP/1.1\r\nHost: h\r\n", "/%2e%2E/%00", "%20", "h"},
    {"two slashes", "GET //x/y HTTP/1.1\r\nHost: h\r\n", "//x/y", "", "h"},
    {"absolute http", "GET http://o/p?q HTTP/1.1\r\nHost: h\r\n", "/p", "q", "o"},
    {"absolute https, capitals", "GET HTTPS://O:443/ HTTP/1.1\r\nHost: h\r\n", "/", "", "O:443"},
    {"absolute ws", "GET ws://o/p HTTP/1.1\r\nHost: h\r\n", "/p", "", "o"},
    {"absolute wss without a path", "GET wss://o HTTP/1.1\r\nHost: h\r\n", "/", "", "o"},
    {"absolute, query only", "GET http://o?q HTTP/1.1\r\nHost: h\r\n", "/", "q", "o"},
    {"absolute in HTTP/1.0", "GET http://o/p HTTP/1.0\r\n", "/p", "", "o"},
    {"asterisk", "OPTIONS * HTTP/1.1\r\nHost: h\r\n", "*", "", "h"},
    {"OPTIONS of a path", "OPTIONS /x HTTP/1.1\r\nHost: h\r\n", "/x", "", "h"},
    {"CONNECT has no path", "CONNECT o:443 HTTP/1.1\r\nHost: o:443\r\n", "", "", "o:443"},
    {"other methods pass", "BREW /pot HTTP/1.1\r\nHost: h\r\n", "/pot", "", "h"},
    {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n", "/", "", ""},
    {"HTTP/1.0 with an empty Host", "GET / HTTP/1.0\r\nHost:\r\n", "/", "", ""},
    {"IPv4", "GET / HTTP/1.1\r\nhost: 127.0.0.1:6080\r\n", "/", "", "127.0.0.1:6080"},
    {"IPv6", "GET / HTTP/1.1\r\nHOST: [::1]:6080\r\n", "/", "", "[::1]:6080"},
    {"IPv6 without a port", "GET / HTTP/1.1\r\nHost: [fe80::1]\r\n", "/", "", "[fe80::1]"},
    {"empty port", "GET / HTTP/1.1\r\nHost: h:\r\n", "/", "", "h:"},
    {"odd but allowed name", "GET / HTTP/1.1\r\nHost: a_b-c.~!$&'()*+,;=%C3%A9\r\n", "/", "",
     "a_b-c.~!$&'()*+,;=%C3%A9"},
};

static void targets_and_hosts(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(target_rows); i++) {
    const struct target_row *row = &target_rows[i];
    char text[400];
    snprintf(text, sizeof(text), "%s\r\n", row->head);
    struct parsed p = request_from(text, &no_subprotocols);
    bool fits = p.request.kind == WSL_REQUEST_PLAIN && span_is(p.request.path, row->path) &&
                span_is(p.request.query, row->query) && span_is(p.request.authority, row->authority);
    if (!fits) {
      fail_msg("%s: kind %d, path \"%.*s\" (%s)", row->name, (int)p.request.kind, (int)p.request.path.len,
               p.request.path.at, p.request.reason ? p.request.reason : "no reason");
    }
    free(p.text);
  }
}

/* ---- refusals -------------------------------------------------------------------------------- */

struct refusal_row {
  const char *name;
  const char *head;
  uint16_t status;
  const char *reason_names; /* a word that the reason must hold */
};

static const struct refusal_row refusal_rows[] = {
    {"no Host", "GET / HTTP/1.1\r\n", 400, "Host"},
    {"no Host with an absolute target", "GET http://h/ HTTP/1.1\r\n", 400, "Host"},
    {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n", 400, "Host"},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400, "Host"},
    {"two equal Hosts", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n", 400, "Host"},
    {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n", 400, "Host"},
    {"bad Host in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a/b\r\n", 400, "Host"},
    {"Host with a slash", "GET / HTTP/1.1\r\nHost: a/b\r\n", 400, "Host"},
    {"Host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n", 400, "Host"},
    {"Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n", 400, "Host"},
    {"Host list", "GET / HTTP/1.1\r\nHost: a, b\r\n", 400, "Host"},
    {"Host with a word for a port", "GET / HTTP/1.1\r\nHost: a:http\r\n", 400, "Host"},
    {"Host with two ports", "GET / HTTP/1.1\r\nHost: a:1:2\r\n", 400, "Host"},
    {"Host of a port only", "GET / HTTP/1.1\r\nHost: :80\r\n", 400, "Host"},
    {"Host with bare IPv6", "GET / HTTP/1.1\r\nHost: ::1\r\n", 400, "Host"},
    {"Host with an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n", 400, "Host"},
    {"Host with empty brackets", "GET / HTTP/1.1\r\nHost: []\r\n", 400, "Host"},
    {"Host with text behind brackets", "GET / HTTP/1.1\r\nHost: [::1]x\r\n", 400, "Host"},
    {"Host with text inside brackets", "GET / HTTP/1.1\r\nHost: [::1@x]\r\n", 400, "Host"},
    {"Host with a bad escape", "GET / HTTP/1.1\r\nHost: a%2\r\n", 400, "Host"},
    {"Host with half an escape", "GET / HTTP/1.1\r\nHost: a%2gb\r\n", 400, "Host"},
    {"Host with the other half", "GET / HTTP/1.1\r\nHost: a%g2b\r\n", 400, "Host"},
    {"Host with bytes over 7F", "GET / HTTP/1.1\r\nHost: \xC3\xA9\r\n", 400, "Host"},
    {"relative target", "GET a/b HTTP/1.1\r\nHost: h\r\n", 400, "target"},
    {"query alone", "GET ?q HTTP/1.1\r\nHost: h\r\n", 400, "target"},
    {"asterisk with GET", "GET * HTTP/1.1\r\nHost: h\r\n", 400, "target"},
    {"authority with GET", "GET h:80 HTTP/1.1\r\nHost: h\r\n", 400, "target"},
    {"path with CONNECT", "CONNECT / HTTP/1.1\r\nHost: h\r\n", 400, "target"},
    {"unknown scheme", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n", 400, "target"},
    {"scheme without authority", "GET http:///p HTTP/1.1\r\nHost: h\r\n", 400, "target"},
    {"scheme and nothing", "GET http:// HTTP/1.1\r\nHost: h\r\n", 400, "target"},
    {"scheme cut short", "GET http:/ HTTP/1.1\r\nHost: h\r\n", 400, "target"},
    {"user in a target", "GET http://u:p@h/ HTTP/1.1\r\nHost: h\r\n", 400, "target"},
    {"length not a number", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n", 400, "Content-Length"},
    {"length not a number, of the whole server", "OPTIONS * HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n",
     400, "Content-Length"},
    {"length not a number, of an absolute target",
     "GET http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n", 400, "Content-Length"},
    {"length with a sign", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n", 400, "Content-Length"},
    {"negative length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n", 400, "Content-Length"},
    {"length in hex", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n", 400, "Content-Length"},
    {"length with a space in it", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5 5\r\n", 400,
     "Content-Length"},
    {"empty length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n", 400, "Content-Length"},
    {"length of a comma", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5,\r\n", 400, "Content-Length"},
    {"length over 64 bits", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551616\r\n", 400,
     "Content-Length"},
    {"two lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n", 400,
     "Content-Length"},
    {"two lengths in a list", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 6\r\n", 400,
     "Content-Length"},
    {"0 and a length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 6\r\n", 400,
     "Content-Length"},
    {"length and coding", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
     400, "Transfer-Encoding"},
    {"length 0 and coding",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400,
     "Transfer-Encoding"},
    {"coding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n", 400,
     "Transfer-Encoding"},
    {"coding not chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n", 400,
     "Transfer-Encoding"},
    {"chunked not last", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, gzip\r\n", 400,
     "Transfer-Encoding"},
    {"empty coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n", 400, "Transfer-Encoding"},
    {"near to chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n", 400,
     "Transfer-Encoding"},
    {"unknown coding, then chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n",
     501, "Transfer-Encoding"},
    {"chunked twice",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 501,
     "Transfer-Encoding"},
};

static void refusals(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(refusal_rows); i++) {
    const struct refusal_row *row = &refusal_rows[i];
    char text[400];
    snprintf(text, sizeof(text), "%s\r\n", row->head);
    struct parsed p = request_from(text, &no_subprotocols);
    if (p.request.kind != WSL_REQUEST_REFUSED || p.request.status != row->status) {
      fail_msg("%s: kind %d, status %u", row->name, (int)p.request.kind, p.request.status);
    }
    if (!strstr(p.request.reason, row->reason_names)) fail_msg("%s: \"%s\"", row->name, p.request.reason);
    assert_false(p.request.keep_alive);
    assert_false(p.request.offer_version);
    free(p.text);
  }
}

/* ---- connections ----------------------------------------------------------------------------- */

struct connection_row {
  const char *name;
  const char *version;
  const char *fields;
  bool keep_alive;
};

static const struct connection_row connection_rows[] = {
    {"1.1", "1.1", "", true},
    {"1.1 with close", "1.1", "Connection: close\r\n", false},
    {"1.1 with Close in a list", "1.1", "Connection: foo, Close\r\n", false},
    {"1.1 with close on the second line", "1.1", "Connection: foo\r\nConnection: close\r\n", false},
    {"1.1 with keep-alive and close", "1.1", "Connection: keep-alive, close\r\n", false},
    {"1.1 with another word", "1.1", "Connection: closed\r\n", true},
    {"1.0", "1.0", "", false},
    {"1.0 with keep-alive", "1.0", "Connection: Keep-Alive\r\n", true},
    {"1.0 with both", "1.0", "Connection: keep-alive, close\r\n", false},
    {"body of no bytes", "1.1", "Content-Length: 0\r\n", true},
    {"body of no bytes, said twice", "1.1", "Content-Length: 0\r\nContent-Length: 0\r\n", true},
    {"body", "1.1", "Content-Length: 5\r\n", false},
    {"the longest body", "1.1", "Content-Length: 18446744073709551615\r\n", false},
    {"body, said twice", "1.1", "Content-Length: 5, 5\r\n", false},
    {"body, spelled in two ways", "1.1", "Content-Length: 5\r\nContent-Length: 05\r\n", false},
    {"chunked body", "1.1", "Transfer-Encoding: Chunked\r\n", false},
};

static void connections(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(connection_rows); i++) {
    const struct connection_row *row = &connection_rows[i];
    char text[400];
    snprintf(text, sizeof(text), "GET / HTTP/%s\r\nHost: h\r\n%s\r\n", row->version, row->fields);
    struct parsed p = request_from(text, &no_subprotocols);
    if (p.request.kind != WSL_REQUEST_PLAIN) fail_msg("%s: %s", row->name, p.request.reason);
    if (p.request.keep_alive != row->keep_alive) fail_msg("%s: wrong", row->name);
    free(p.text);
  }
}

static void what_follows_a_connect_is_no_request(void **state) {
  (void)state;
  struct parsed p = request_from("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", &no_subprotocols);
  assert_int_equal(p.request.kind, WSL_REQUEST_PLAIN);
  assert_false(p.request.keep_alive);
  free(p.text);
}

static void origin_and_user_agent(void **state) {
  (void)state;
  struct parsed p = request_from("GET / HTTP/1.1\r\nHost: h\r\nOrigin: http://a\r\nUser-Agent: b c\r\n\r\n",
                                 &no_subprotocols);
  assert_true(span_is(p.request.method, "GET"));
  assert_true(span_is(p.request.origin, "http://a"));
  assert_true(span_is(p.request.user_agent, "b c"));
  free(p.text);
  p = request_from("GET / HTTP/1.1\r\nHost: h\r\nOrigin:\r\n\r\n", &no_subprotocols);
  assert_non_null(p.request.origin.at); /* empty is not absent */
  assert_int_equal(p.request.origin.len, 0);
  free(p.text);
  p = request_from("GET / HTTP/1.1\r\nHost: h\r\n\r\n", &no_subprotocols);
  assert_null(p.request.origin.at);
  free(p.text);
}

/* ---- tokens and lists ------------------------------------------------------------------------ */

static void tokens(void **state) {
  (void)state;
  static const char also[] = "!#$%&'*+-.^_`|~";
  assert_false(wsl_token_valid(wsl_span_of("")));
  assert_true(wsl_token_valid(wsl_span_of("v1.bin-ary_~")));
  assert_false(wsl_token_valid(wsl_span_of("a b")));
  for (unsigned byte = 0; byte < 256; byte++) {
    char text[2] = {'a', (char)byte};
    bool allowed = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                   (byte >= 'A' && byte <= 'Z') || (byte != 0 && strchr(also, (int)byte));
    if (wsl_token_valid((struct wsl_span){text, 2}) != allowed) fail_msg("byte %02x judged wrongly", byte);
  }
}

struct list_row {
  const char *text;
  const char *elements; /* each in brackets */
};

static const struct list_row list_rows[] = {
    {"", ""},
    {" \t", ""},
    {",", ""},
    {", ,\t,", ""},
    {"a", "[a]"},
    {" a ", "[a]"},
    {"a,b", "[a][b]"},
    {"a ,\t b", "[a][b]"},
    {",a,,b,", "[a][b]"},
    {"a b, c", "[a b][c]"},
};

static void lists(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(list_rows); i++) {
    char shown[64] = "";
    size_t len = strlen(list_rows[i].text);
    char *text = exact_copy(list_rows[i].text, len);
    struct wsl_span rest = {text, len}, element;
    while (wsl_list_next(&rest, &element)) {
      snprintf(shown + strlen(shown), sizeof(shown) - strlen(shown), "[%.*s]", (int)element.len, element.at);
    }
    assert_string_equal(shown, list_rows[i].elements);
    free(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(targets_and_hosts),
      cmocka_unit_test(refusals),
      cmocka_unit_test(connections),
      cmocka_unit_test(what_follows_a_connect_is_no_request),
      cmocka_unit_test(origin_and_user_agent),
      cmocka_unit_test(tokens),
      cmocka_unit_test(lists),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
