/* Compact tokens and base64url: what is taken, byte by byte, and all that is refused. */
#include "support.h"

#include "codec/text/jose.h"

/* ---- splitting ---- */

struct split_row {
  const char *name;
  const char *token;
  size_t count; /* 0: refused */
  const char *parts[JWE_PARTS];
};

static const struct split_row split_rows[] = {
    {"three", "a.bc.def", 3, {"a", "bc", "def"}},
    {"five", "a.b.c.d.e", 5, {"a", "b", "c", "d", "e"}},
    {"no signature", "a.b.", 3, {"a", "b", ""}},
    {"no key: dir", "a..c.d.e", 5, {"a", "", "c", "d", "e"}},
    {"only dots", "..", 3, {"", "", ""}},
    {"empty", "", 0, {NULL}},
    {"one", "abc", 0, {NULL}},
    {"two", "a.b", 0, {NULL}},
    {"four", "a.b.c.d", 0, {NULL}},
    {"six", "a.b.c.d.e.f", 0, {NULL}},
    {"many", ".........................................", 0, {NULL}},
};

static void check_parts(const struct split_row *row, const struct jose_parts *parts) {
  assert_int_equal(parts->count, row->count);
  for (size_t i = 0; i < row->count; i++) {
    if (!wsl_span_equal(parts->part[i], wsl_span_of(row->parts[i])))
      fail_msg("%s: part %zu is \"%.*s\"", row->name, i, (int)parts->part[i].len, parts->part[i].at);
  }
}

static void tokens_are_split(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(split_rows); i++) {
    const struct split_row *row = &split_rows[i];
    struct jose_parts parts;
    size_t len = strlen(row->token);
    char *copy = exact_copy(row->token, len);
    int error = jose_split((struct wsl_span){copy, len}, &parts);
    if ((error == 0) != (row->count > 0)) fail_msg("%s: %d", row->name, error);
    if (error == 0) check_parts(row, &parts);
    free(copy);
  }
}

static void long_tokens_are_refused(void **state) {
  (void)state;
  struct jose_parts parts;
  char *token = exact_alloc(JOSE_TOKEN_MAX + 1);
  memset(token, 'a', JOSE_TOKEN_MAX + 1);
  token[1] = token[3] = '.';
  assert_int_equal(jose_split((struct wsl_span){token, JOSE_TOKEN_MAX}, &parts), 0);
  assert_int_equal(jose_split((struct wsl_span){token, JOSE_TOKEN_MAX + 1}, &parts), WSL_INVALID);
  free(token);
}

/* ---- base64url ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* By hand, group by group. */
static size_t encode(const uint8_t *data, size_t len, char *out) {
  size_t at = 0;
  for (size_t i = 0; i < len; i += 3) {
    size_t n = len - i < 3 ? len - i : 3;
    uint32_t group = (uint32_t)data[i] << 16;
    if (n > 1) group |= (uint32_t)data[i + 1] << 8;
    if (n > 2) group |= data[i + 2];
    for (size_t k = 0; k <= n; k++)
      out[at++] = alphabet[group >> (18 - 6 * k) & 63];
  }
  return at;
}

static void bytes_come_back(void **state) {
  (void)state;
  uint64_t seed = 7515;
  for (size_t len = 0; len <= 300; len++) {
    uint8_t *data = exact_alloc(len);
    random_fill(&seed, data, len);
    char text[404];
    size_t text_len = encode(data, len, text);
    char *copy = exact_copy(text, text_len);
    uint8_t *out = exact_alloc(base64url_room(text_len));
    size_t got = SIZE_MAX;
    assert_int_equal(base64url_decode((struct wsl_span){copy, text_len}, BASE64URL_TAIL_ZERO, out, &got), 0);
    assert_int_equal(got, len);
    assert_memory_equal(out, data, len);
    /* and where it lies */
    uint8_t *inside = exact_alloc(text_len);
    if (text_len > 0) memcpy(inside, text, text_len);
    struct wsl_span own = {(const char *)inside, text_len};
    assert_int_equal(base64url_decode(own, BASE64URL_TAIL_ZERO, inside, &got), 0);
    assert_memory_equal(inside, data, len);
    free(inside);
    free(out);
    free(copy);
    free(data);
  }
}

/* RFC 4648 10, without padding, and RFC 7515's appendix C. */
static void the_rfcs_examples(void **state) {
  (void)state;
  static const struct {
    const char *text, *bytes;
  } rows[] = {
      {"", ""},           {"Zg", "f"},          {"Zm8", "fo"},          {"Zm9v", "foo"},
      {"Zm9vYg", "foob"}, {"Zm9vYmE", "fooba"}, {"Zm9vYmFy", "foobar"}, {"A-z_4ME", "\x03\xec\xff\xe0\xc1"}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    uint8_t out[16];
    size_t len;
    assert_int_equal(base64url_decode(wsl_span_of(rows[i].text), BASE64URL_TAIL_ZERO, out, &len), 0);
    assert_int_equal(len, strlen(rows[i].bytes));
    assert_memory_equal(out, rows[i].bytes, len);
  }
}

static int decode(const char *text, size_t len, enum base64url_tail tail) {
  char *copy = exact_copy(text, len);
  uint8_t *out = exact_alloc(base64url_room(len));
  size_t got;
  int error = base64url_decode((struct wsl_span){copy, len}, tail, out, &got);
  free(out);
  free(copy);
  return error;
}

static void other_characters_are_refused(void **state) {
  (void)state;
  for (int c = 0; c < 256; c++) {
    bool good = c != 0 && strchr(alphabet, c) != NULL;
    for (size_t at = 0; at < 4; at++) {
      char text[4] = {'A', 'A', 'A', 'A'};
      text[at] = (char)c;
      int error = decode(text, sizeof text, BASE64URL_TAIL_ANY);
      if ((error == 0) != good) fail_msg("character %d at %zu: %d", c, at, error);
    }
  }
}

static void odd_lengths_and_padding_are_refused(void **state) {
  (void)state;
  static const char *const rows[] = {"A",       "AAAAA",  "Zg==",  "Zm8=",  "Zg=",      "=",   "====",
                                     "Zm9v Yg", "Zm9v\n", " Zm9v", "Zm9v.", "Zm9v\r\n", "Z+g", "Z/g"};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    if (decode(rows[i], strlen(rows[i]), BASE64URL_TAIL_ANY) != WSL_INVALID) fail_msg("\"%s\"", rows[i]);
  }
}

/* One text for each sequence of bytes: the bits behind the last byte are 0. */
static void bytes_have_one_encoding(void **state) {
  (void)state;
  for (size_t i = 0; i < 64; i++) {
    char two[2] = {'A', alphabet[i]}, three[3] = {'A', 'A', alphabet[i]};
    assert_int_equal(decode(two, 2, BASE64URL_TAIL_ZERO) == 0, i % 16 == 0);
    assert_int_equal(decode(three, 3, BASE64URL_TAIL_ZERO) == 0, i % 4 == 0);
    assert_int_equal(decode(two, 2, BASE64URL_TAIL_ANY), 0);
    assert_int_equal(decode(three, 3, BASE64URL_TAIL_ANY), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tokens_are_split),
      cmocka_unit_test(long_tokens_are_refused),
      cmocka_unit_test(bytes_come_back),
      cmocka_unit_test(the_rfcs_examples),
      cmocka_unit_test(other_characters_are_refused),
      cmocka_unit_test(odd_lengths_and_padding_are_refused),
      cmocka_unit_test(bytes_have_one_encoding),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
