/* Preconditions, ranges and Accept-Encoding of requests for files: tables of RFC 9110's rules and of what
 * clients get wrong.
 */
#include "support.h"

#include "codec/http/conditions.h"

#define NOW      1795290000
#define MODIFIED 784111777 /* the date of DATE */
#define DATE     "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE   "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER    "Sun, 06 Nov 1994 08:49:38 GMT"

#define FIELDS_MAX 16u

static const struct file_state tagged = {1000, "\"t\"", MODIFIED, true};
static const struct file_state bare = {1000, NULL, 0, false};

/* Conditions of a head with these header lines; frees nothing but *memory when the caller does. */
static struct conditions conditions_of(const char *lines, char **memory) {
  static const struct wsl_head_limits limits = {16384, 65536, FIELDS_MAX};
  struct wsl_head_field fields[FIELDS_MAX];
  struct wsl_head head;
  char text[1000];
  snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", lines);
  wsl_head_init(&head, &limits, fields);
  if (wsl_head_feed(&head, text, strlen(text)) != WSL_HEAD_DONE) fail_msg("not a head: %s", lines);
  struct conditions conditions;
  *memory = exact_alloc(conditions_room(&head));
  conditions_copy(&head, *memory, &conditions);
  memset(text, '!', sizeof text); /* nothing points there any more */
  return conditions;
}

static enum condition_outcome judge(const char *lines, const struct file_state *state,
                                    enum condition_method method, struct file_part *part) {
  char *memory;
  struct conditions conditions = conditions_of(lines, &memory);
  enum condition_outcome outcome = conditions_judge(&conditions, method, state, NOW, part);
  free(memory);
  return outcome;
}

struct precondition_row {
  const char *lines;
  const struct file_state *state;
  enum condition_outcome outcome;
};

static const struct precondition_row precondition_rows[] = {
    {"", &tagged, CONDITION_WHOLE},
    {"If-Match: *\r\n", &tagged, CONDITION_WHOLE},
    {"If-Match: *\r\n", &bare, CONDITION_WHOLE},
    {"If-Match: \"t\"\r\n", &tagged, CONDITION_WHOLE},
    {"If-Match: \"a\", *\r\n", &bare, CONDITION_WHOLE},
    {"If-Match: *x\r\n", &tagged, CONDITION_FAILED},
    {"If-Match: \"t\"\r\n", &bare, CONDITION_FAILED},
    {"If-Match: \"u\"\r\n", &tagged, CONDITION_FAILED},
    {"If-Match: W/\"t\"\r\n", &tagged, CONDITION_FAILED},
    {"If-Match: \"u\", \"t\"\r\n", &tagged, CONDITION_WHOLE},
    {"If-Match: \"u\"\r\nIf-Match: \"t\"\r\n", &tagged, CONDITION_WHOLE},
    {"IF-MATCH:\r\n", &tagged, CONDITION_FAILED},
    {"If-Match: t\r\n", &tagged, CONDITION_FAILED},
    {"If-None-Match: *\r\n", &tagged, CONDITION_UNCHANGED},
    {"If-None-Match: *\r\n", &bare, CONDITION_UNCHANGED},
    {"If-None-Match: \"t\"\r\n", &tagged, CONDITION_UNCHANGED},
    {"If-None-Match: W/\"t\"\r\n", &tagged, CONDITION_UNCHANGED},
    {"If-None-Match: \"t\"\r\n", &bare, CONDITION_WHOLE},
    {"If-None-Match: \"a,b\" ,, \"t\"\r\n", &tagged, CONDITION_UNCHANGED},
    {"If-None-Match: \"a\"\r\nIf-None-Match: \"t\"\r\n", &tagged, CONDITION_UNCHANGED},
    {"If-None-Match: \"t\r\n", &tagged, CONDITION_WHOLE},
    {"If-None-Match: \"\r\n", &tagged, CONDITION_WHOLE},
    {"If-None-Match: W/\r\n", &tagged, CONDITION_WHOLE},
    {"If-None-Match: W\r\n", &tagged, CONDITION_WHOLE},
    {"If-None-Match: \"T\"\r\n", &tagged, CONDITION_WHOLE},
    {"If-Match: \"u\"\r\nIf-None-Match: *\r\n", &tagged, CONDITION_FAILED},
    {"If-Match: *\r\nIf-None-Match: *\r\n", &tagged, CONDITION_UNCHANGED},
    {"If-Modified-Since: " DATE "\r\n", &tagged, CONDITION_UNCHANGED},
    {"If-Modified-Since: " AFTER "\r\n", &tagged, CONDITION_UNCHANGED},
    {"If-Modified-Since: " BEFORE "\r\n", &tagged, CONDITION_WHOLE},
    {"If-Modified-Since: " DATE "\r\n", &bare, CONDITION_WHOLE},
    {"If-Modified-Since: yesterday\r\n", &tagged, CONDITION_WHOLE},
    {"If-Modified-Since: " DATE "\r\nIf-Modified-Since: " DATE "\r\n", &tagged, CONDITION_WHOLE},
    {"If-Modified-Since: " DATE "\r\nIf-None-Match: \"u\"\r\n", &tagged, CONDITION_WHOLE},
    {"If-Unmodified-Since: " DATE "\r\n", &tagged, CONDITION_WHOLE},
    {"If-Unmodified-Since: " BEFORE "\r\n", &tagged, CONDITION_FAILED},
    {"If-Unmodified-Since: " BEFORE "\r\n", &bare, CONDITION_WHOLE},
    {"If-Unmodified-Since: " BEFORE "\r\nIf-Match: \"t\"\r\n", &tagged, CONDITION_WHOLE},
    {"If-Unmodified-Since: never\r\n", &tagged, CONDITION_WHOLE},
};

static void preconditions(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(precondition_rows); i++) {
    const struct precondition_row *row = &precondition_rows[i];
    for (int method = CONDITION_GET; method <= CONDITION_HEAD; method++) {
      struct file_part part;
      enum condition_outcome outcome = judge(row->lines, row->state, (enum condition_method)method, &part);
      if (outcome != row->outcome) fail_msg("%s(state %zu): %d", row->lines, i, (int)outcome);
    }
  }
}

struct range_row {
  const char *lines;
  enum condition_outcome outcome;
  uint64_t first, len;
};

#define HUGE_NUMBER "99999999999999999999999999"

static const struct range_row range_rows[] = {
    {"Range: bytes=0-0\r\n", CONDITION_PART, 0, 1},
    {"Range: bytes=0-999\r\n", CONDITION_PART, 0, 1000},
    {"Range: bytes=0-1000\r\n", CONDITION_PART, 0, 1000},
    {"Range: bytes=5-\r\n", CONDITION_PART, 5, 995},
    {"Range: bytes=999-\r\n", CONDITION_PART, 999, 1},
    {"Range: bytes=-1\r\n", CONDITION_PART, 999, 1},
    {"Range: bytes=-1000\r\n", CONDITION_PART, 0, 1000},
    {"Range: bytes=-5000\r\n", CONDITION_PART, 0, 1000},
    {"Range: Bytes=1-2\r\n", CONDITION_PART, 1, 2},
    {"Range: bytes= 1-2 \r\n", CONDITION_PART, 1, 2},
    {"Range: bytes=0-" HUGE_NUMBER "\r\n", CONDITION_PART, 0, 1000},
    {"Range: bytes=-" HUGE_NUMBER "\r\n", CONDITION_PART, 0, 1000},
    {"Range: bytes=0-18446744073709551615\r\n", CONDITION_PART, 0, 1000},
    {"Range: bytes=1000-\r\n", CONDITION_NO_PART, 0, 0},
    {"Range: bytes=1000-2000\r\n", CONDITION_NO_PART, 0, 0},
    {"Range: bytes=" HUGE_NUMBER "-\r\n", CONDITION_NO_PART, 0, 0},
    {"Range: bytes=-0\r\n", CONDITION_NO_PART, 0, 0},
    {"Range: bytes=2-1\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=0-0,2-3\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=0-0\r\nRange: bytes=1-1\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=-\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=a-b\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=1-2x\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=1 -2\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=+1-2\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes 1-2\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: lines=1-2\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: by\r\n", CONDITION_WHOLE, 0, 0},
    {"Range:\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=1-2\r\nIf-Range: \"t\"\r\n", CONDITION_PART, 1, 2},
    {"Range: bytes=1-2\r\nIf-Range: \"u\"\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=1-2\r\nIf-Range: W/\"t\"\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=1-2\r\nIf-Range: \"t\", \"u\"\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=1-2\r\nIf-Range: " DATE "\r\n", CONDITION_PART, 1, 2},
    {"Range: bytes=1-2\r\nIf-Range: " AFTER "\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=1-2\r\nIf-Range: " BEFORE "\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=1-2\r\nIf-Range:\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=2000-\r\nIf-Range: \"u\"\r\n", CONDITION_WHOLE, 0, 0},
    {"Range: bytes=1-2\r\nIf-None-Match: \"t\"\r\n", CONDITION_UNCHANGED, 0, 0},
    {"Range: bytes=1-2\r\nIf-Match: \"u\"\r\n", CONDITION_FAILED, 0, 0},
};

static void ranges(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(range_rows); i++) {
    const struct range_row *row = &range_rows[i];
    struct file_part part = {0};
    enum condition_outcome outcome = judge(row->lines, &tagged, CONDITION_GET, &part);
    bool right = outcome == row->outcome;
    if (outcome == CONDITION_PART) right = right && part.first == row->first && part.len == row->len;
    if (!right)
      fail_msg("%s: %d, %llu+%llu", row->lines, (int)outcome, (unsigned long long)part.first,
               (unsigned long long)part.len);
  }
}

static void head_gets_no_part(void **state) {
  (void)state;
  struct file_part part;
  assert_int_equal(judge("Range: bytes=1-2\r\n", &tagged, CONDITION_HEAD, &part), CONDITION_WHOLE);
  assert_int_equal(judge("Range: bytes=2000-\r\n", &tagged, CONDITION_HEAD, &part), CONDITION_WHOLE);
}

static void an_empty_file_has_no_part(void **state) {
  (void)state;
  static const struct file_state empty = {0, "\"t\"", MODIFIED, true};
  struct file_part part;
  assert_int_equal(judge("Range: bytes=0-\r\n", &empty, CONDITION_GET, &part), CONDITION_NO_PART);
  assert_int_equal(judge("Range: bytes=-5\r\n", &empty, CONDITION_GET, &part), CONDITION_NO_PART);
  assert_int_equal(judge("", &empty, CONDITION_GET, &part), CONDITION_WHOLE);
}

struct encoding_row {
  const char *lines;
  bool gzip;
};

static const struct encoding_row encoding_rows[] = {
    {"", false},
    {"Accept-Encoding: gzip, deflate, br\r\n", true},
    {"Accept-Encoding: GZIP\r\n", true},
    {"Accept-Encoding: x-gzip\r\n", true},
    {"Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n", true},
    {"Accept-Encoding: *\r\n", true},
    {"Accept-Encoding: gzip;q=0\r\n", false},
    {"Accept-Encoding: gzip; q=0.000, *\r\n", false},
    {"Accept-Encoding: *;q=0\r\n", false},
    {"Accept-Encoding: *;q=0, gzip\r\n", true},
    {"Accept-Encoding: gzip;q=0.001\r\n", true},
    {"Accept-Encoding: gzip ; Q=1\r\n", true},
    {"Accept-Encoding: gzip;\r\n", false},
    {"Accept-Encoding: gzipped, notgzip\r\n", false},
    {"Accept-Encoding: identity\r\n", false},
    {"Accept-Encoding: gzip;q=0.5, identity\r\n", false},
    {"Accept-Encoding: identity;q=0.501, gzip;q=0.50\r\n", false},
    {"Accept-Encoding: *;q=0.2, identity;q=0.3\r\n", false},
    {"Accept-Encoding: identity;q=0.5, gzip;q=0.5\r\n", true},
    {"Accept-Encoding: gzip, identity\r\n", true},
    {"Accept-Encoding: gzip;q=0.9, identity;q=0.30\r\n", true},
    {"Accept-Encoding: gzip;q=0.1, identity;q=0\r\n", true},
    {"Accept-Encoding: gzip;q=1.000, identity;q=7\r\n", true},
    {"Accept-Encoding: gzip;q=good\r\n", false},
    {"Accept-Encoding: gzip;q=\r\n", false},
    {"Accept-Encoding:\r\n", false},
};

static void encodings(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(encoding_rows); i++) {
    char *memory;
    struct conditions conditions = conditions_of(encoding_rows[i].lines, &memory);
    if (conditions_accept_gzip(&conditions) != encoding_rows[i].gzip) fail_msg("%s", encoding_rows[i].lines);
    free(memory);
  }
}

/* Fields of all kinds, in any number and order, need no more room than was said (AddressSanitizer looks). */
static void room_is_enough(void **state) {
  (void)state;
  static const char *const lines[] = {"If-Match: \"a\"\r\n", "If-None-Match:\r\n",     "Range: bytes=1-\r\n",
                                      "If-Range: x\r\n",     "Accept-Encoding: a\r\n", "Other: b\r\n"};
  uint64_t seed = 5;
  for (int round = 0; round < 2000; round++) {
    char text[400] = "", *memory;
    for (size_t count = random_below(&seed, 12); count > 0; count--)
      strcat(text, lines[random_below(&seed, COUNT_OF(lines))]);
    struct conditions conditions = conditions_of(text, &memory);
    assert_true((conditions.if_range.at != NULL) == (strstr(text, "If-Range") != NULL));
    free(memory);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(preconditions),     cmocka_unit_test(ranges),
      cmocka_unit_test(head_gets_no_part), cmocka_unit_test(an_empty_file_has_no_part),
      cmocka_unit_test(encodings),         cmocka_unit_test(room_is_enough),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
