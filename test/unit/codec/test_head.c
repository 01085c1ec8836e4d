/* Request heads: each rule a named row, fed at every cut, refused at the very byte. */
#include "support.h"

#include <wsluice/head.h>

#define FIELDS_MAX 4u

static const struct wsl_head_limits limits = {
    .request_line_max = 64, .head_max = 200, .fields_max = FIELDS_MAX};

/* A parser with its fields in a block of exact size. */
struct parser {
  struct wsl_head head;
  struct wsl_head_field *fields;
  char *block; /* the bytes as last fed */
};

static struct parser parser_new(void) {
  struct parser p = {.fields = exact_alloc(FIELDS_MAX * sizeof(struct wsl_head_field))};
  memset(p.fields, 0x5a, FIELDS_MAX * sizeof *p.fields);
  wsl_head_init(&p.head, &limits, p.fields);
  return p;
}

static void parser_free(struct parser *p) {
  free(p->block);
  free(p->fields);
}

/* The fields move to another array, and what was in the old one is lost. */
static void move_fields(struct parser *p) {
  struct wsl_head_field *fields = exact_alloc(FIELDS_MAX * sizeof *fields);
  wsl_head_move_fields(&p->head, fields);
  memset(p->fields, 0x5a, FIELDS_MAX * sizeof *p->fields);
  free(p->fields);
  p->fields = fields;
}

/* Feeds text[0..len) from a new place: heads move when their buffer grows, and so do their fields. */
static enum wsl_head_status feed(struct parser *p, const char *text, size_t len) {
  move_fields(p);
  free(p->block);
  p->block = exact_copy(text, len);
  return wsl_head_feed(&p->head, p->block, len);
}

static void write_span(char *out, size_t cap, struct wsl_span span) {
  size_t len = strlen(out);
  assert_in_range(len + span.len, 0, cap - 1);
  memcpy(out + len, span.at, span.len);
  out[len + span.len] = '\0';
}

/* "METHOD target minor|name=value|name=value" of a head that is done. */
static void describe(const struct wsl_head *head, char *out, size_t cap) {
  char minor[8];
  out[0] = '\0';
  write_span(out, cap, wsl_head_method(head));
  write_span(out, cap, wsl_span_of(" "));
  write_span(out, cap, wsl_head_target(head));
  snprintf(minor, sizeof(minor), " %u", head->minor_version);
  write_span(out, cap, wsl_span_of(minor));
  for (uint32_t i = 0; i < head->fields_count; i++) {
    write_span(out, cap, wsl_span_of("|"));
    write_span(out, cap, wsl_head_name(head, i));
    write_span(out, cap, wsl_span_of("="));
    write_span(out, cap, wsl_head_value(head, i));
  }
}

struct good_row {
  const char *name;
  const char *text;
  const char *expected;
  const char *behind; /* bytes that belong to what follows */
};

static const struct good_row good_rows[] = {
    {"no fields", "GET / HTTP/1.1\r\n\r\n", "GET / 1", ""},
    {"fields", "GET /a?b=c HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n", "GET /a?b=c 1|Host=x|Accept=*/*", ""},
    {"bare line feeds", "GET / HTTP/1.1\nHost: x\n\n", "GET / 1|Host=x", ""},
    {"mixed line ends", "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\n", "GET / 1|Host=x|A=b", ""},
    {"HTTP/1.0", "HEAD / HTTP/1.0\r\n\r\n", "HEAD / 0", ""},
    {"HTTP/1.9 is still 1.x", "GET / HTTP/1.9\r\n\r\n", "GET / 9", ""},
    {"any token is a method", "!#$%&'*+-.^_`|~aZ09 / HTTP/1.1\r\n\r\n", "!#$%&'*+-.^_`|~aZ09 / 1", ""},
    {"absolute target", "GET http://h:1/p?q HTTP/1.1\r\n\r\n", "GET http://h:1/p?q 1", ""},
    {"odd bytes in a target", "GET /\"<>[]{}|\\^`%zz~ HTTP/1.1\r\n\r\n", "GET /\"<>[]{}|\\^`%zz~ 1", ""},
    {"one empty line before", "\r\nGET / HTTP/1.1\r\n\r\n", "GET / 1", ""},
    {"one bare empty line before", "\nGET / HTTP/1.1\r\n\r\n", "GET / 1", ""},
    {"blanks round a value", "GET / HTTP/1.1\r\nA: \t b c \t \r\n\r\n", "GET / 1|A=b c", ""},
    {"no blank before a value", "GET / HTTP/1.1\r\nA:b\r\n\r\n", "GET / 1|A=b", ""},
    {"empty values", "GET / HTTP/1.1\r\nA:\r\nB: \t\r\nC:\n\r\n", "GET / 1|A=|B=|C=", ""},
    {"colons in a value", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET / 1|Host=[::1]:80", ""},
    {"bytes over 7F in a value", "GET / HTTP/1.1\r\nA: \x80\xFF\r\n\r\n", "GET / 1|A=\x80\xFF", ""},
    {"tab inside a value", "GET / HTTP/1.1\r\nA: b\tc\r\n\r\n", "GET / 1|A=b\tc", ""},
    {"bytes behind the head", "GET / HTTP/1.1\r\n\r\n", "GET / 1", "\x81\x80xxxx"},
    {"request behind the head", "GET / HTTP/1.1\r\n\r\n", "GET / 1", "GET /2 HTTP/1.1\r\n\r\n"},
    {"as many fields as may be", "GET / HTTP/1.1\r\na:1\r\nb:2\r\nc:3\r\nd:4\r\n\r\n",
     "GET / 1|a=1|b=2|c=3|d=4", ""},
    {"longest request line", "GET /56789012345678901234567890123456789012345678901234 HTTP/1.1\r\n\r\n",
     "GET /56789012345678901234567890123456789012345678901234 1", ""},
    {"longest request line behind an empty one, bare line end",
     "\r\nGET /56789012345678901234567890123456789012345678901234 HTTP/1.1\n\n",
     "GET /56789012345678901234567890123456789012345678901234 1", ""},
};

/* Feeds a good head up to `cut`, then the rest, and whatever lies behind it. */
static void check_good(const struct good_row *row, size_t cut) {
  char text[600], shown[600];
  size_t len = strlen(row->text);
  snprintf(text, sizeof(text), "%s%s", row->text, row->behind);
  struct parser p = parser_new();
  enum wsl_head_status early = feed(&p, text, cut);
  assert_int_equal(early, cut < len ? WSL_HEAD_MORE : WSL_HEAD_DONE);
  assert_int_equal(feed(&p, text, strlen(text)), WSL_HEAD_DONE);
  assert_int_equal(p.head.head_len, len);
  describe(&p.head, shown, sizeof(shown));
  if (strcmp(shown, row->expected) != 0) fail_msg("%s, cut at %zu: \"%s\"", row->name, cut, shown);
  parser_free(&p);
}

static void good_heads(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(good_rows); i++) {
    const struct good_row *row = &good_rows[i];
    size_t len = strlen(row->text);
    for (size_t cut = 0; cut <= len; cut++)
      check_good(row, cut);
    struct parser p = parser_new();
    for (size_t at = 0; at < len; at++) {
      if (feed(&p, row->text, at) != WSL_HEAD_MORE) fail_msg("%s: done or bad at %zu", row->name, at);
    }
    assert_int_equal(feed(&p, row->text, len), WSL_HEAD_DONE);
    parser_free(&p);
  }
}

struct bad_row {
  const char *name;
  const char *good;    /* everything up to here is fine ... */
  struct wsl_span bad; /* ... and the first byte of this is refused */
  uint16_t status;
};

#define BYTES(literal) {literal, sizeof(literal) - 1}
#define LINE           "GET / HTTP/1.1\r\n"
#define DIGITS5        "56789012345678901234567890123456789012345678901234567890"

static const struct bad_row bad_rows[] = {
    {"TLS ClientHello", "", BYTES("\x16\x03\x01"), 400},
    {"NUL at first", "", BYTES("\0"), 400},
    {"space at first", "", BYTES(" GET"), 400},
    {"colon at first", "", BYTES(":"), 400},
    {"second empty line", "\r\n", BYTES("\r\n"), 400},
    {"second bare empty line", "\n", BYTES("\n"), 400},
    {"bare CR at first", "\r", BYTES("GET"), 400},
    {"method broken by a NUL", "GE", BYTES("\0T"), 400},
    {"method broken by a line end", "GET", BYTES("\r\n"), 400},
    {"tab behind the method", "GET", BYTES("\t/"), 400},
    {"colon in a method", "GET", BYTES(":/"), 400},
    {"two spaces behind the method", "GET ", BYTES(" /"), 400},
    {"HTTP/0.9", "GET /", BYTES("\r\n"), 400},
    {"fragment in a target", "GET /a", BYTES("#b"), 400},
    {"tab in a target", "GET /a", BYTES("\tb"), 400},
    {"NUL in a target", "GET /a", BYTES("\0b"), 400},
    {"byte over 7F in a target", "GET /a", BYTES("\xC3\xA9"), 400},
    {"DEL in a target", "GET /a", BYTES("\x7F"), 400},
    {"two spaces behind the target", "GET / ", BYTES(" HTTP/1.1"), 400},
    {"space in a target", "GET /a ", BYTES("b HTTP/1.1"), 400},
    {"small letters", "GET / ", BYTES("http/1.1"), 400},
    {"other protocol", "GET / HTTP", BYTES("S/1.1"), 400},
    {"no version", "GET / HTTP/", BYTES("\r\n"), 400},
    {"letter for a major version", "GET / HTTP/", BYTES("x.1"), 400},
    {"major version of two digits", "GET / HTTP/1", BYTES("1.1"), 400},
    {"no minor version", "GET / HTTP/1", BYTES("\r\n"), 400},
    {"comma in a version", "GET / HTTP/1", BYTES(",1"), 400},
    {"letter for a minor version", "GET / HTTP/1.", BYTES("x"), 400},
    {"minor version of two digits", "GET / HTTP/1.1", BYTES("0\r\n"), 400},
    {"HTTP/2 preface", "PRI * HTTP/2.", BYTES("0\r\n"), 505},
    {"HTTP/0.9 spelled out", "GET / HTTP/0.", BYTES("9\r\n"), 505},
    {"space behind the version", "GET / HTTP/1.1", BYTES(" \r\n"), 400},
    {"bare CR behind the request line", "GET / HTTP/1.1\r", BYTES("X"), 400},
    {"two CRs behind the request line", "GET / HTTP/1.1\r", BYTES("\r\n"), 400},
    {"white space before the first field", LINE, BYTES(" Host: x"), 400},
    {"obs-fold", LINE "A: b\r\n", BYTES(" c\r\n"), 400},
    {"obs-fold with a tab", LINE "A: b\r\n", BYTES("\tc\r\n"), 400},
    {"empty name", LINE, BYTES(": b"), 400},
    {"space before the colon", LINE "Host", BYTES(" : x"), 400},
    {"tab before the colon", LINE "Host", BYTES("\t: x"), 400},
    {"line without a colon", LINE "Host", BYTES("\r\n"), 400},
    {"slash in a name", LINE "Ho", BYTES("/st: x"), 400},
    {"byte over 7F in a name", LINE "H", BYTES("\xC3\xB6st: x"), 400},
    {"NUL in a name", LINE "H", BYTES("\0: x"), 400},
    {"NUL in a value", LINE "A: b", BYTES("\0\r\n"), 400},
    {"NUL before a value", LINE "A: ", BYTES("\0\r\n"), 400},
    {"DEL in a value", LINE "A: b", BYTES("\x7F\r\n"), 400},
    {"control character in a value", LINE "A: b", BYTES("\x1B[2J\r\n"), 400},
    {"bare CR in a value", LINE "A: b\r", BYTES("c\r\n"), 400},
    {"bare CR for an empty value", LINE "A:\r", BYTES("B: c"), 400},
    {"bare CR at the end", LINE "A: b\r\n\r", BYTES("x"), 400},
    {"one field too many", LINE "a:1\r\nb:2\r\nc:3\r\nd:4\r\n", BYTES("e:5\r\n"), 431},
    {"method without end", "GET" DIGITS5 "01234", BYTES("5"), 414},
    {"target without end", "GET /" DIGITS5 "123", BYTES("45"), 414},
    {"version past the limit", "GET /" DIGITS5 " HT", BYTES("TP/1.1\r\n"), 414},
    {"line end past the limit", "GET /567890123456789012345678901234567890123456789012345 HTTP/1.",
     BYTES("1\r\n"), 414},
    {"head without end", LINE "A: " DIGITS5 DIGITS5 DIGITS5 "1234567890123", BYTES("45"), 431},
    {"final line end past the limit", LINE "A: " DIGITS5 DIGITS5 DIGITS5 "1234567890\r\n\r", BYTES("\n"),
     431},
};

/* All but the offending byte is fine, that byte is refused, whatever came before in one piece or two. */
static void check_bad(const struct bad_row *row) {
  char text[600];
  size_t good_len = strlen(row->good);
  memcpy(text, row->good, good_len);
  memcpy(text + good_len, row->bad.at, row->bad.len);
  for (size_t cut = 0; cut <= good_len; cut++) {
    for (size_t len = good_len + 1; len <= good_len + row->bad.len; len++) {
      struct parser p = parser_new();
      if (feed(&p, text, cut) != WSL_HEAD_MORE)
        fail_msg("%s: refused or done too early, at %zu", row->name, cut);
      if (feed(&p, text, len) != WSL_HEAD_BAD) fail_msg("%s: not refused, cut at %zu", row->name, cut);
      assert_non_null(p.head.error_reason);
      if (p.head.error_status != row->status) fail_msg("%s: %u", row->name, p.head.error_status);
      parser_free(&p);
    }
  }
}

static void bad_heads(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bad_rows); i++)
    check_bad(&bad_rows[i]);
}

static bool is_alnum(unsigned byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* tchar, RFC 9110 5.6.2. */
static bool in_token(unsigned byte) {
  return is_alnum(byte) || (byte != 0 && strchr("!#$%&'*+-.^_`|~", (int)byte));
}

static bool in_target(unsigned byte) {
  return byte > 0x20 && byte < 0x7F && byte != '#';
}

static bool in_value(unsigned byte) {
  return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
}

/* Each of the 256 bytes behind `good`: fine when it may be part of what is read there, or ends it. */
static void check_each_byte(const char *good, bool (*fits)(unsigned byte), const char *ends) {
  for (unsigned byte = 0; byte < 256; byte++) {
    char text[64];
    size_t len = strlen(good);
    memcpy(text, good, len);
    text[len] = (char)byte;
    struct parser p = parser_new();
    bool allowed = fits(byte) || (byte != 0 && strchr(ends, (int)byte));
    if ((feed(&p, text, len + 1) == WSL_HEAD_MORE) != allowed) fail_msg("\"%s\", then %02x", good, byte);
    parser_free(&p);
  }
}

static void every_byte_at_every_place(void **state) {
  (void)state;
  check_each_byte("", in_token, "\r\n");
  check_each_byte("GE", in_token, " ");
  check_each_byte("GET ", in_target, "");
  check_each_byte("GET /a", in_target, " ");
  check_each_byte(LINE, in_token, "\r");
  check_each_byte(LINE "Ho", in_token, ":");
  check_each_byte(LINE "Host:", in_value, "\r\n");
  check_each_byte(LINE "Host: a", in_value, "\r\n");
}

/* A head as long as the limit is fine, final line end included. */
static void longest_head(void **state) {
  (void)state;
  const char *text = LINE "A: " DIGITS5 DIGITS5 DIGITS5 "123456789\r\n\r\n";
  assert_int_equal(strlen(text), limits.head_max);
  struct parser p = parser_new();
  assert_int_equal(feed(&p, text, strlen(text)), WSL_HEAD_DONE);
  parser_free(&p);
}

/* A limit of the head below that of the request line holds in the request line, too. */
static void a_request_line_past_the_heads_limit(void **state) {
  (void)state;
  static const struct wsl_head_limits short_heads = {
      .request_line_max = 64, .head_max = 20, .fields_max = FIELDS_MAX};
  const char *text = "GET /67890123456789012345 HTTP/1.1\r\n\r\n";
  struct parser p = parser_new();
  wsl_head_init(&p.head, &short_heads, p.fields);
  assert_int_equal(feed(&p, text, 20), WSL_HEAD_MORE);
  assert_int_equal(feed(&p, text, 21), WSL_HEAD_BAD);
  assert_int_equal(p.head.error_status, 431);
  parser_free(&p);
}

static void begun_with_the_first_byte_of_a_request(void **state) {
  (void)state;
  struct parser p = parser_new();
  assert_false(wsl_head_begun(&p.head));
  assert_int_equal(feed(&p, "\r\nG", 1), WSL_HEAD_MORE);
  assert_false(wsl_head_begun(&p.head));
  assert_int_equal(feed(&p, "\r\nG", 2), WSL_HEAD_MORE);
  assert_false(wsl_head_begun(&p.head));
  assert_int_equal(feed(&p, "\r\nG", 3), WSL_HEAD_MORE);
  assert_true(wsl_head_begun(&p.head));
  parser_free(&p);
}

static void fields_are_found_in_any_case_and_in_order(void **state) {
  (void)state;
  const char *text = LINE "a-b: 1\r\nA-c: 2\r\nA-B: 3\r\n\r\n";
  struct parser p = parser_new();
  assert_int_equal(feed(&p, text, strlen(text)), WSL_HEAD_DONE);
  struct wsl_span value;
  uint32_t field = 0;
  assert_true(wsl_head_next(&p.head, wsl_span_of("A-b"), &field, &value));
  assert_true(wsl_span_equal(value, wsl_span_of("1")));
  assert_true(wsl_head_next(&p.head, wsl_span_of("A-b"), &field, &value));
  assert_true(wsl_span_equal(value, wsl_span_of("3")));
  assert_false(wsl_head_next(&p.head, wsl_span_of("A-b"), &field, &value));
  field = 0;
  assert_false(wsl_head_next(&p.head, wsl_span_of("A-"), &field, &value));
  parser_free(&p);
}

/* Noise, mostly of bytes that mean something: the parser must end the same however it is cut. */
static void noise_is_judged_the_same_at_every_cut(void **state) {
  (void)state;
  static const char alphabet[] = "GET /HTTP/1.1\r\n\r\n: a,\t\x01#\x80";
  uint64_t seed = 3;
  for (size_t round = 0; round < 3000; round++) {
    char text[64] = "GET / HTTP/1.1\r\n";
    size_t from = random_below(&seed, 2) ? strlen(text) : random_below(&seed, 8);
    for (size_t i = from; i < sizeof(text); i++)
      text[i] = alphabet[random_below(&seed, sizeof(alphabet) - 1)];
    struct parser whole = parser_new();
    enum wsl_head_status status = feed(&whole, text, sizeof(text));
    struct parser crumbs = parser_new();
    enum wsl_head_status now = WSL_HEAD_MORE;
    for (size_t len = 0; len <= sizeof(text) && now == WSL_HEAD_MORE; len++)
      now = feed(&crumbs, text, len);
    bool same = now == status && whole.head.head_len == crumbs.head.head_len &&
                whole.head.error_status == crumbs.head.error_status && whole.head.at == crumbs.head.at &&
                whole.head.fields_count == crumbs.head.fields_count;
    if (!same) fail_msg("round %zu differs", round);
    parser_free(&whole);
    parser_free(&crumbs);
  }
}

#define VALUE_AT  19u /* behind "GET / HTTP/1.1\r\nA: " */
#define VALUE_LEN 26u /* three words and a bit */

/* One byte among the good ones of a value: the whole head is fine, or the byte is refused where it stands.
 * What a line feed makes of the rest is a matter of lines (bad_heads). */
static void check_value_byte(size_t place, unsigned byte) {
  char text[] = "GET / HTTP/1.1\r\nA: abcdefghijklmnopqrstuvwxyz\r\n\r\n";
  text[VALUE_AT + place] = (char)byte;
  struct parser p = parser_new();
  enum wsl_head_status status = feed(&p, text, sizeof(text) - 1);
  bool blank = byte == ' ' || byte == '\t', trimmed = blank && (place == 0 || place == VALUE_LEN - 1);
  if (blank || (byte > 0x20 && byte != 0x7F)) {
    assert_int_equal(status, WSL_HEAD_DONE);
    assert_int_equal(wsl_head_value(&p.head, 0).len, trimmed ? VALUE_LEN - 1 : VALUE_LEN);
  } else { /* a carriage return is refused by what follows it */
    assert_int_equal(status, WSL_HEAD_BAD);
    assert_int_equal(p.head.at, VALUE_AT + place + (byte == '\r'));
  }
  parser_free(&p);
}

/* Values are read in words: each byte has to be seen wherever in a word it stands. */
static void every_byte_at_every_place_of_a_value(void **state) {
  (void)state;
  for (size_t place = 0; place < VALUE_LEN; place++) {
    for (unsigned byte = 0; byte < 256; byte++) {
      if (byte != '\n') check_value_byte(place, byte);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_heads),
      cmocka_unit_test(bad_heads),
      cmocka_unit_test(every_byte_at_every_place),
      cmocka_unit_test(every_byte_at_every_place_of_a_value),
      cmocka_unit_test(longest_head),
      cmocka_unit_test(a_request_line_past_the_heads_limit),
      cmocka_unit_test(begun_with_the_first_byte_of_a_request),
      cmocka_unit_test(fields_are_found_in_any_case_and_in_order),
      cmocka_unit_test(noise_is_judged_the_same_at_every_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
