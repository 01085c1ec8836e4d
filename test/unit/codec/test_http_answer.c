/* Answers of HTTP servers: every framing at every split, what caches may make of them, and all that is none.
 */
#include "support.h"

#include "codec/http/answer.h"

#define OK "HTTP/1.1 200 OK\r\n"

struct row {
  const char *name, *text;
  const char *body; /* NULL: it is BAD */
  const char *why;  /* of BAD */
  uint16_t status;  /* else */
  uint32_t fresh_s;
  const char *location;
  bool by_end; /* the end of the stream is its end */
};

static const struct row rows[] = {
    {"length", OK "Content-Length: 3\r\n\r\nh:1", "h:1", NULL, 200, 0, "", false},
    {"no body", OK "content-length:0\r\n\r\n", "", NULL, 200, 0, "", false},
    {"until the end", OK "\r\nh:1", "h:1", NULL, 200, 0, "", true},
    {"HTTP/1.0", "HTTP/1.0 200\r\n\r\nh:1", "h:1", NULL, 200, 0, "", true},
    {"chunks", OK "Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n2;x=\"y\"\r\n:1\r\n0\r\n\r\n", "h:1", NULL,
     200, 0, "", false},
    {"a trailer", OK "transfer-encoding:Chunked\r\n\r\n003 \r\nh:1\r\n0\r\nX: y\r\nZ\r\n\r\n", "h:1", NULL,
     200, 0, "", false},
    {"bare line feeds", "HTTP/1.1 200 \nContent-Length: 3\n\nh:1", "h:1", NULL, 200, 0, "", false},
    {"interim",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nContent-Length: 9\r\n\r\n" OK
     "Content-Length: 1\r\n\r\nx",
     "x", NULL, 200, 0, "", false},
    {"no content", "HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n", "", NULL, 204, 0, "", false},
    {"not modified", "HTTP/1.1 304 No\r\n\r\n", "", NULL, 304, 0, "", false},
    {"not found", "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx", "x", NULL, 404, 0, "", false},
    {"a redirect", "HTTP/1.1 302\r\nLocation: /x y\t\r\nContent-Length: 0\r\n\r\n", "", NULL, 302, 0, "/x y",
     false},
    {"the same length twice", OK "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", "x", NULL, 200, 0, "",
     false},
    {"bytes behind it", OK "Content-Length: 1\r\n\r\nxHTTP/1.1 500", "x", NULL, 200, 0, "", false},
    {"fresh", OK "Cache-Control: public, max-age=30\r\nContent-Length: 0\r\n\r\n", "", NULL, 200, 30, "",
     false},
    {"fresh, but old", OK "Age: 10\r\nCACHE-CONTROL: MAX-AGE=30\r\nContent-Length: 0\r\n\r\n", "", NULL, 200,
     20, "", false},
    {"stale", OK "Age: 31\r\nCache-Control: max-age=30\r\nContent-Length: 0\r\n\r\n", "", NULL, 200, 0, "",
     false},
    {"the shorter time", OK "Cache-Control: s-maxage=9,max-age=30\r\nContent-Length: 0\r\n\r\n", "", NULL,
     200, 9, "", false},
    {"not to be stored",
     OK "Cache-Control: max-age=30\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n", "", NULL, 200, 0,
     "", false},
    {"private", OK "Cache-Control: private=\"x\", max-age=30\r\nContent-Length: 0\r\n\r\n", "", NULL, 200, 0,
     "", false},
    {"an age that is none", OK "Cache-Control: max-age=-1\r\nContent-Length: 0\r\n\r\n", "", NULL, 200, 0, "",
     false},
    {"for ever", OK "Cache-Control: max-age=99999999999\r\nContent-Length: 0\r\n\r\n", "", NULL, 200,
     2147483648u, "", false},
    {"nothing", "", NULL, "without an answer", 0, 0, "", true},
    {"another protocol", "SSH-2.0-OpenSSH\r\n", NULL, "not an answer of HTTP/1", 0, 0, "", false},
    {"HTTP/2", "HTTP/2.0 200 OK\r\n", NULL, "not an answer of HTTP/1", 0, 0, "", false},
    {"an empty line first", "\r\n" OK, NULL, "not an answer of HTTP/1", 0, 0, "", false},
    {"a short status", "HTTP/1.1 20\r\n", NULL, "not an answer", 0, 0, "", false},
    {"a long status", "HTTP/1.1 2000\r\n", NULL, "status", 0, 0, "", false},
    {"status 099", "HTTP/1.1 099 x\r\n", NULL, "status", 0, 0, "", false},
    {"status 101", "HTTP/1.1 101 x\r\n", NULL, "another protocol", 0, 0, "", false},
    {"half a head", OK "Content-Len", NULL, "inside the answer", 0, 0, "", true},
    {"half a body", OK "Content-Length: 2\r\n\r\nx", NULL, "inside the answer", 0, 0, "", true},
    {"half a chunk", OK "Transfer-Encoding: chunked\r\n\r\n2\r\nx", NULL, "inside the answer", 0, 0, "",
     true},
    {"no last chunk", OK "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", NULL, "inside the answer", 0, 0, "",
     true},
    {"no trailer's end", OK "Transfer-Encoding: chunked\r\n\r\n0\r\n", NULL, "inside the answer", 0, 0, "",
     true},
    {"a longer chunk", OK "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", NULL, "longer than its size", 0, 0,
     "", false},
    {"no chunk size", OK "Transfer-Encoding: chunked\r\n\r\n\r\n", NULL, "without its size", 0, 0, "", false},
    {"a chunk size that is none", OK "Transfer-Encoding: chunked\r\n\r\n1x\r\n", NULL, "without its size", 0,
     0, "", false},
    {"a huge chunk", OK "Transfer-Encoding: chunked\r\n\r\n10001\r\n", NULL, "too long", 0, 0, "", false},
    {"a chunk beyond numbers", OK "Transfer-Encoding: chunked\r\n\r\n1000000000000000\r\n", NULL, "too long",
     0, 0, "", false},
    {"gzip in chunks", OK "Transfer-Encoding: gzip, chunked\r\n\r\n", NULL, "Transfer-Encoding", 0, 0, "",
     false},
    {"chunked twice", OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", NULL,
     "Transfer-Encoding", 0, 0, "", false},
    {"both framings", OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", NULL, "both", 0, 0, "",
     false},
    {"two lengths", OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", NULL, "two Content-Lengths", 0, 0,
     "", false},
    {"a list of lengths", OK "Content-Length: 1, 1\r\n\r\n", NULL, "invalid Content-Length", 0, 0, "", false},
    {"a signed length", OK "Content-Length: +1\r\n\r\n", NULL, "invalid Content-Length", 0, 0, "", false},
    {"a length beyond numbers", OK "Content-Length: 18446744073709551617\r\n\r\n", NULL,
     "invalid Content-Length", 0, 0, "", false},
    {"a huge length", OK "Content-Length: 65537\r\n\r\n", NULL, "too long", 0, 0, "", false},
    {"compressed", OK "Content-Encoding: br\r\n\r\n", NULL, "compressed", 0, 0, "", false},
    {"two Locations", OK "Location: a\r\nLocation: b\r\n\r\n", NULL, "two Locations", 0, 0, "", false},
    {"a folded line", OK "X: y\r\n z\r\n\r\n", NULL, "folded", 0, 0, "", false},
    {"no field", OK "Content-Length 1\r\n\r\n", NULL, "malformed header line", 0, 0, "", false},
    {"a blank before the colon", OK "Content-Length : 1\r\n\r\n", NULL, "malformed header line", 0, 0, "",
     false},
    {"a carriage return inside", OK "X: a\rContent-Length: 1\r\n\r\n", NULL, "carriage return", 0, 0, "",
     false},
    {"a control character", OK "X: \x01\r\n\r\n", NULL, "control character", 0, 0, "", false},
};

/* Feeds text[0..len) in pieces that end at `first` and then every `step` bytes. */
static enum http_answer_event feed(struct http_answer *a, const char *text, size_t len, size_t first,
                                   size_t step, char *body, size_t *body_len) {
  http_answer_init(a);
  *body_len = 0;
  for (size_t at = 0, end = first < len ? first : len; at < len; end = end + step < len ? end + step : len) {
    char *piece_text = exact_copy(text + at, end - at);
    size_t piece_len = end - at, taken = 0;
    while (taken < piece_len) {
      struct http_answer_piece piece = http_answer_feed(a, piece_text + taken, piece_len - taken);
      assert_in_range(piece.consumed, piece.event == HTTP_ANSWER_MORE ? 1 : 0, piece_len - taken);
      if (piece.body.len > 0) memcpy(body + *body_len, piece.body.at, piece.body.len);
      *body_len += piece.body.len;
      taken += piece.consumed;
      if (piece.event == HTTP_ANSWER_MORE) continue;
      free(piece_text);
      return piece.event;
    }
    free(piece_text);
    at = end;
  }
  return http_answer_end(a);
}

static void check(const struct row *row, size_t first, size_t step) {
  static struct http_answer a;
  char body[256];
  size_t body_len = 0;
  enum http_answer_event event = feed(&a, row->text, strlen(row->text), first, step, body, &body_len);
  if (event != (row->body == NULL ? HTTP_ANSWER_BAD : HTTP_ANSWER_DONE))
    fail_msg("%s at %zu, %zu: event %d, %s", row->name, first, step, (int)event, a.why == NULL ? "" : a.why);
  if (row->body == NULL) {
    if (strstr(a.why, row->why) == NULL) fail_msg("%s: %s", row->name, a.why);
    return;
  }
  if (body_len != strlen(row->body) || memcmp(body, row->body, body_len) != 0)
    fail_msg("%s at %zu: body %.*s", row->name, first, (int)body_len, body);
  assert_int_equal(a.status, row->status);
  if (a.fresh_s != row->fresh_s) fail_msg("%s: fresh for %u", row->name, (unsigned)a.fresh_s);
  assert_int_equal(a.location_len, strlen(row->location));
  assert_memory_equal(a.location, row->location, a.location_len);
}

static void every_answer_at_every_split(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    size_t len = strlen(rows[i].text);
    for (size_t first = 1; first <= len + 1; first++)
      check(&rows[i], first, len + 1);
    check(&rows[i], 1, 1);
    check(&rows[i], 2, 3);
  }
}

/* The end of the stream ends a body without a length, and nothing else. */
static void an_end_inside_is_told(void **state) {
  (void)state;
  static struct http_answer a;
  char body[256];
  size_t body_len;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    if (rows[i].body == NULL) continue;
    const char *body_at = strstr(rows[i].text, "\r\n\r\n");
    for (size_t cut = 0; cut < strlen(rows[i].text); cut++) {
      enum http_answer_event event = feed(&a, rows[i].text, cut, cut, 1, body, &body_len);
      bool ends_here = rows[i].by_end && body_at != NULL && cut >= (size_t)(body_at - rows[i].text) + 4;
      if (ends_here) assert_int_equal(event, HTTP_ANSWER_DONE);
      if (rows[i].by_end && !ends_here) assert_int_equal(event, HTTP_ANSWER_BAD);
    }
  }
}

static char *repeat(const char *front, const char *unit, size_t count, const char *end) {
  size_t len = strlen(unit);
  char *text = malloc(strlen(front) + count * len + strlen(end) + 1);
  strcpy(text, front);
  char *at = text + strlen(front);
  for (size_t i = 0; i < count; i++, at += len)
    memcpy(at, unit, len);
  strcpy(at, end);
  return text;
}

static enum http_answer_event feed_all(struct http_answer *a, char *text) {
  static char body[HTTP_ANSWER_BODY_MAX + 1];
  size_t body_len;
  enum http_answer_event event = feed(a, text, strlen(text), 1000, 1000, body, &body_len);
  free(text);
  return event;
}

static void limits_are_exact(void **state) {
  (void)state;
  static struct http_answer a;
  assert_int_equal(feed_all(&a, repeat(OK "\r\n", "x", HTTP_ANSWER_BODY_MAX, "")), HTTP_ANSWER_DONE);
  assert_int_equal(feed_all(&a, repeat(OK "\r\n", "x", HTTP_ANSWER_BODY_MAX + 1, "")), HTTP_ANSWER_BAD);
  size_t frame = strlen(OK "X: \r\n\r\n");
  assert_int_equal(feed_all(&a, repeat(OK "X: ", "x", HTTP_ANSWER_HEAD_MAX - frame, "\r\n\r\n")),
                   HTTP_ANSWER_DONE);
  assert_int_equal(feed_all(&a, repeat(OK "X: ", "x", HTTP_ANSWER_HEAD_MAX - frame + 1, "\r\n\r\n")),
                   HTTP_ANSWER_BAD);
  assert_non_null(strstr(a.why, "head that is too long"));
  assert_int_equal(feed_all(&a, repeat("", "HTTP/1.1 100 x\r\n\r\n", 2000, "")), HTTP_ANSWER_BAD);
  assert_int_equal(
      feed_all(&a, repeat(OK "Transfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n", 5000, "\r\n")),
      HTTP_ANSWER_BAD);
  assert_int_equal(
      feed_all(&a, repeat("HTTP/1.1 302 x\r\nLocation: ", "x", HTTP_ANSWER_LINE_MAX, "\r\n\r\n")),
      HTTP_ANSWER_BAD);
  assert_non_null(strstr(a.why, "field of the head that is too long"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_answer_at_every_split),
      cmocka_unit_test(an_end_inside_is_told),
      cmocka_unit_test(limits_are_exact),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
