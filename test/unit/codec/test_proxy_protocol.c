/* PROXY headers: written as the specification has them, read however the stream is cut, and refused at the
 * earliest byte that tells. */
#include "support.h"

#include "codec/text/proxy_protocol.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static const struct proxy_header v4 = {
    .family = PROXY_IPV4,
    .source = {{203, 0, 113, 5}, 40000},
    .destination = {{198, 51, 100, 1}, 443},
};
static const struct proxy_header v6 = {
    .family = PROXY_IPV6,
    .source = {{0x20, 0x01, 0x0d, 0xb8, [15] = 7}, 65535},
    .destination = {{[15] = 1}, 0},
};
static const struct proxy_header nobody = {.family = PROXY_NOBODY};

static void expect_written(enum proxy_version version, const struct proxy_header *header, const void *bytes,
                           size_t len) {
  uint8_t out[PROXY_ENCODED_MAX];
  assert_int_equal(proxy_encode(version, header, out), len);
  assert_memory_equal(out, bytes, len);
}
#define EXPECT_WRITTEN(version, header, text) expect_written(version, header, text, sizeof(text) - 1)

static void headers_are_written_as_specified(void **state) {
  (void)state;
  EXPECT_WRITTEN(PROXY_V1, &v4, "PROXY TCP4 203.0.113.5 198.51.100.1 40000 443\r\n");
  EXPECT_WRITTEN(PROXY_V1, &v6, "PROXY TCP6 2001:db8::7 ::1 65535 0\r\n");
  EXPECT_WRITTEN(PROXY_V1, &nobody, "PROXY UNKNOWN\r\n");
  EXPECT_WRITTEN(PROXY_V2, &v4, SIGNATURE "\x21\x11\0\x0c\xcb\0\x71\x05\xc6\x33\x64\x01\x9c\x40\x01\xbb");
  EXPECT_WRITTEN(PROXY_V2, &v6,
                 SIGNATURE
                 "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
                 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff\0\0");
  EXPECT_WRITTEN(PROXY_V2, &nobody, SIGNATURE "\x20\0\0\0");
  struct proxy_header longest = {.family = PROXY_IPV6, .source.port = 65535, .destination.port = 65535};
  memset(longest.source.host, 0xff, sizeof longest.source.host);
  memset(longest.destination.host, 0xff, sizeof longest.destination.host);
  uint8_t out[PROXY_ENCODED_MAX];
  assert_int_equal(proxy_encode(PROXY_V1, &longest, out), 104);
}

/* Reads what is here so far, in memory of just that size. */
static enum proxy_result decode(const void *bytes, size_t len, struct proxy_header *header, size_t *taken,
                                const char **why) {
  uint8_t *copy = malloc(len);
  memcpy(copy, bytes, len);
  enum proxy_result result = proxy_decode(copy, len, header, taken, why);
  free(copy);
  return result;
}

static void same_end(const struct proxy_end *a, const struct proxy_end *b) {
  assert_int_equal(a->port, b->port);
  assert_memory_equal(a->host, b->host, sizeof a->host);
}

/* At every cut it waits for more, and at the last byte it is whole, whatever lies behind. */
static void expect_read(const void *bytes, size_t len, size_t header_len, const struct proxy_header *wanted) {
  struct proxy_header header;
  size_t taken = 0;
  const char *why = NULL;
  for (size_t cut = 1; cut < header_len; cut++)
    assert_int_equal(decode(bytes, cut, &header, &taken, &why), PROXY_MORE);
  for (size_t cut = header_len; cut <= len; cut++) {
    assert_int_equal(decode(bytes, cut, &header, &taken, &why), PROXY_DONE);
    assert_int_equal(taken, header_len);
    assert_int_equal(header.family, wanted->family);
    same_end(&header.source, &wanted->source);
    same_end(&header.destination, &wanted->destination);
  }
}
#define EXPECT_READ(text, behind, wanted) \
  expect_read(text behind, sizeof(text behind) - 1, sizeof(text) - 1, wanted)

static void headers_are_read_at_every_cut(void **state) {
  (void)state;
  EXPECT_READ("PROXY TCP4 203.0.113.5 198.51.100.1 40000 443\r\n", "GET /", &v4);
  EXPECT_READ("PROXY TCP6 2001:db8::7 ::1 65535 0\r\n", "\x16\x03\x01", &v6);
  EXPECT_READ("PROXY TCP6 2001:0db8:0000:0000:0000:0000:0000:0007 0:0:0:0:0:0:0:1 65535 0\r\n", "", &v6);
  EXPECT_READ("PROXY UNKNOWN\r\n", "x", &nobody);
  EXPECT_READ("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "x", &nobody);
  EXPECT_READ(SIGNATURE "\x21\x11\0\x0c\xcb\0\x71\x05\xc6\x33\x64\x01\x9c\x40\x01\xbb", "\r\n", &v4);
  EXPECT_READ(SIGNATURE "\x21\x11\0\x11\xcb\0\x71\x05\xc6\x33\x64\x01\x9c\x40\x01\xbb\x04\0\x02zz", "GET",
              &v4);
  EXPECT_READ(SIGNATURE
              "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
              "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff\0\0",
              "", &v6);
  EXPECT_READ(SIGNATURE "\x20\0\0\0", "GET", &nobody);
  EXPECT_READ(SIGNATURE "\x20\x11\0\x0c\xcb\0\x71\x05\xc6\x33\x64\x01\x9c\x40\x01\xbb", "", &nobody);
  EXPECT_READ(SIGNATURE "\x21\0\0\0", "GET", &nobody);        /* a client that is not known */
  EXPECT_READ(SIGNATURE "\x21\x12\0\x02xx", "GET", &nobody);  /* datagrams */
  EXPECT_READ(SIGNATURE "\x21\x31\0\x03xxx", "GET", &nobody); /* a Unix socket over there */
}

static void what_is_written_is_read(void **state) {
  (void)state;
  static const struct proxy_header *const headers[] = {&v4, &v6, &nobody};
  for (unsigned version = PROXY_V1; version <= PROXY_V2; version++) {
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
      uint8_t out[PROXY_ENCODED_MAX];
      size_t len = proxy_encode(version, headers[i], out);
      expect_read(out, len, len, headers[i]);
    }
  }
}

struct wrong {
  const char *bytes;
  size_t len;
  size_t at; /* bytes after which it shows */
  enum proxy_result result;
};
#define WRONG(text, at, result) {text, sizeof(text) - 1, at, result}

static void what_is_wrong_shows_as_early_as_it_can(void **state) {
  (void)state;
  static const struct wrong rows[] = {
      WRONG("GET / HTTP/1.1\r\n", 1, PROXY_NONE),
      WRONG("\x16\x03\x01", 1, PROXY_NONE),
      WRONG("PRI * HTTP/2.0\r\n", 3, PROXY_NONE),
      WRONG("PROXYTCP4", 6, PROXY_NONE),
      WRONG("proxy TCP4", 1, PROXY_NONE),
      WRONG("\r\n\r\n\r\n", 5, PROXY_NONE),
      WRONG(SIGNATURE "\x11\x11\0\x0c", 13, PROXY_BAD),
      WRONG(SIGNATURE "\x22\x11\0\x0c", 13, PROXY_BAD),
      WRONG(SIGNATURE "\x21\x41\0\x0c", 14, PROXY_BAD),
      WRONG(SIGNATURE "\x21\x13\0\x0c", 14, PROXY_BAD),
      WRONG(SIGNATURE "\x21\x11\0\x0b", 16, PROXY_BAD),
      WRONG(SIGNATURE "\x21\x21\0\x0c", 16, PROXY_BAD),
      WRONG(SIGNATURE "\x21\x11\xff\xff", 16, PROXY_BAD),
      WRONG(SIGNATURE "\x20\0\x20\0", 16, PROXY_BAD),
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    for (size_t cut = 1; cut <= rows[i].len; cut++) {
      struct proxy_header header;
      size_t taken = 0;
      const char *why = NULL;
      enum proxy_result wanted = cut < rows[i].at ? PROXY_MORE : rows[i].result;
      enum proxy_result result = decode(rows[i].bytes, cut, &header, &taken, &why);
      if (result != wanted) fail_msg("row %zu cut at %zu: %d, not %d", i, cut, (int)result, (int)wanted);
      assert_true((result == PROXY_BAD) == (why != NULL));
    }
  }
}

static void lines_that_are_wrong_are_refused(void **state) {
  (void)state;
  static const char *const rows[] = {
      "PROXY \r\n",
      "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
      "PROXY TCP4\r\n",
      "PROXY TCP4 1.2.3.4\r\n",
      "PROXY TCP4 1.2.3.4 1.2.3.4\r\n",
      "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
      "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
      "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
      "PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
      "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
      "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
      "PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n",
      "PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
      "PROXY TCP4 ::1 ::1 1 2\r\n",
      "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
      "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
      "PROXY UNKNOWNx\r\n",
      "PROXY TCP4\t1.2.3.4 1.2.3.4 1 2\r\n",
  };
  struct proxy_header header;
  size_t taken = 0;
  const char *why = NULL;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    why = NULL;
    if (decode(rows[i], strlen(rows[i]), &header, &taken, &why) != PROXY_BAD) fail_msg("taken: %s", rows[i]);
    assert_non_null(why);
  }
  char longest[128];
  memset(longest, 'x', sizeof longest);
  memcpy(longest, "PROXY UNKNOWN ", 14);
  assert_int_equal(decode(longest, 106, &header, &taken, &why), PROXY_MORE);
  assert_int_equal(decode(longest, 107, &header, &taken, &why), PROXY_BAD);
  memcpy(longest + 105, "\r\n", 2);
  assert_int_equal(decode(longest, sizeof longest, &header, &taken, &why), PROXY_DONE);
  assert_int_equal(taken, 107);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(headers_are_written_as_specified),
      cmocka_unit_test(headers_are_read_at_every_cut),
      cmocka_unit_test(what_is_written_is_read),
      cmocka_unit_test(what_is_wrong_shows_as_early_as_it_can),
      cmocka_unit_test(lines_that_are_wrong_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
