/* URL paths to file paths and back: every way out of the directory that is known, and honest paths. */
#include "support.h"

#include "codec/http/path.h"
#include "core/error.h"

struct decode_row {
  const char *name;
  const char *url;
  enum path_result result;
  const char *path;
  bool is_directory;
};

static const struct decode_row decode_rows[] = {
    {"root", "/", PATH_OK, "", true},
    {"file", "/a", PATH_OK, "a", false},
    {"file in folders", "/a/b/c.txt", PATH_OK, "a/b/c.txt", false},
    {"folder", "/a/b/", PATH_OK, "a/b", true},
    {"escapes", "/a%20b/%63%2Ejs", PATH_OK, "a b/c.js", false},
    {"escapes in both cases", "/%c3%A9", PATH_OK, "\xC3\xA9", false},
    {"percent decoded once", "/%252e%252e/x", PATH_OK, "%2e%2e/x", false},
    {"plus is a plus", "/a+b", PATH_OK, "a+b", false},
    {"repeated slashes", "//a///b//", PATH_OK, "a/b", true},
    {"encoded slash", "/a%2Fb", PATH_OK, "a/b", false},
    {"encoded slash at first", "/%2fetc/passwd", PATH_OK, "etc/passwd", false},
    {"dot", "/.", PATH_OK, "", true},
    {"dots between", "/./a/./b", PATH_OK, "a/b", false},
    {"dot at the end", "/a/.", PATH_OK, "a", true},
    {"encoded dot", "/%2e/a", PATH_OK, "a", false},
    {"hidden file", "/.a", PATH_OK, ".a", false},
    {"three dots", "/.../a", PATH_OK, ".../a", false},
    {"dots at a name's end", "/a../b..", PATH_OK, "a../b..", false},
    {"backslash is a character", "/..\\x", PATH_OK, "..\\x", false},
    {"parent", "/..", PATH_OUTSIDE, "", false},
    {"parent and more", "/../etc/passwd", PATH_OUTSIDE, "", false},
    {"parent with a slash", "/../", PATH_OUTSIDE, "", false},
    {"parent inside", "/a/../b", PATH_OUTSIDE, "", false},
    {"parent at the end", "/a/..", PATH_OUTSIDE, "", false},
    {"encoded parent", "/%2e%2e/x", PATH_OUTSIDE, "", false},
    {"half encoded parent", "/.%2E/x", PATH_OUTSIDE, "", false},
    {"encoded slashes round a parent", "/a%2f..%2fb", PATH_OUTSIDE, "", false},
    {"all of it encoded", "/%2e%2e%2fetc", PATH_OUTSIDE, "", false},
    {"parent behind a dot", "/./../x", PATH_OUTSIDE, "", false},
    {"NUL", "/a%00.js", PATH_MALFORMED, "", false},
    {"escape cut short", "/a%", PATH_MALFORMED, "", false},
    {"escape of one digit", "/a%2", PATH_MALFORMED, "", false},
    {"escape of no digits", "/a%zz", PATH_MALFORMED, "", false},
    {"escape with a first digit only", "/a%4g", PATH_MALFORMED, "", false},
    {"escape with a second digit only", "/a%g4", PATH_MALFORMED, "", false},
    {"escape with a sign", "/a%+1", PATH_MALFORMED, "", false},
    {"relative", "a", PATH_MALFORMED, "", false},
    {"empty", "", PATH_MALFORMED, "", false},
};

static enum path_result decode(const char *url, char *out, size_t cap, bool *is_directory) {
  size_t len = strlen(url);
  char *copy = exact_copy(url, len);
  enum path_result result = path_decode((struct wsl_span){copy, len}, out, cap, is_directory);
  free(copy);
  return result;
}

static void decoding(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(decode_rows); i++) {
    const struct decode_row *row = &decode_rows[i];
    char out[64];
    bool is_directory;
    enum path_result result = decode(row->url, out, sizeof(out), &is_directory);
    if (result != row->result) fail_msg("%s: result %d", row->name, (int)result);
    if (result != PATH_OK) continue;
    if (strcmp(out, row->path) != 0) fail_msg("%s: \"%s\"", row->name, out);
    if (is_directory != row->is_directory) fail_msg("%s: directory or not", row->name);
  }
}

/* Room for the URL and a NUL is always enough; less than the result needs never is. */
static void decoding_into_little_room(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(decode_rows); i++) {
    const struct decode_row *row = &decode_rows[i];
    if (row->result != PATH_OK) continue;
    size_t needed = strlen(row->path) + 1, plenty = strlen(row->url) + 1;
    for (size_t cap = 0; cap <= plenty; cap++) {
      char *out = exact_alloc(cap);
      bool is_directory;
      enum path_result result = decode(row->url, out, cap, &is_directory);
      bool fits = result == PATH_OK ? cap >= needed : result == PATH_TOO_LONG && cap < plenty;
      if (!fits) fail_msg("%s in %zu bytes", row->name, cap);
      free(out);
    }
  }
}

static void encoding(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"", "/"},
      {"a/b.c", "/a/b.c"},
      {"a b", "/a%20b"},
      {"\xC3\xA9", "/%C3%A9"},
      {"%2e", "/%252e"},
      {"a\r\nb", "/a%0D%0Ab"},
      {"-._~azAZ09", "/-._~azAZ09"},
      {"@[`{:", "/%40%5B%60%7B%3A"},
      {"?#&=+\"<\\", "/%3F%23%26%3D%2B%22%3C%5C"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    size_t needed = strlen(rows[i][1]) + 1;
    for (size_t cap = 0; cap <= needed; cap++) {
      char *out = exact_alloc(cap);
      assert_int_equal(path_encode(rows[i][0], out, cap), cap == needed ? WSL_OK : WSL_INVALID);
      if (cap == needed) assert_string_equal(out, rows[i][1]);
      free(out);
    }
  }
}

static void queries_keep_their_meaning(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"", ""},
      {"autoconnect=1&path=a/b?c", "autoconnect=1&path=a/b?c"},
      {"a=%26&b=%c3%BC", "a=%26&b=%c3%BC"},
      {"100%", "100%25"},
      {"%4", "%254"},
      {"%4g%", "%254g%25"},
      {"<\"'>\\^`{|}[]", "%3C%22'%3E%5C%5E%60%7B%7C%7D%5B%5D"},
      {"a\r\nX: y\xff", "a%0D%0AX:%20y%FF"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    size_t needed = strlen(rows[i][1]) + 1;
    for (size_t cap = 0; cap <= needed; cap++) {
      char *out = exact_alloc(cap);
      assert_int_equal(query_encode(rows[i][0], out, cap), cap == needed ? WSL_OK : WSL_INVALID);
      if (cap == needed) assert_string_equal(out, rows[i][1]);
      free(out);
    }
  }
}

static void what_is_encoded_decodes_to_itself(void **state) {
  (void)state;
  for (unsigned byte = 1; byte < 256; byte++) {
    if (byte == '/') continue;
    char path[] = {'a', (char)byte, 'b', '\0'}, url[16], back[16];
    bool is_directory;
    assert_int_equal(path_encode(path, url, sizeof(url)), WSL_OK);
    assert_int_equal(decode(url, back, sizeof(back), &is_directory), PATH_OK);
    assert_string_equal(back, path);
  }
}

static void names_with_a_dot_in_front_are_hidden(void **state) {
  (void)state;
  static const char *const hidden[] = {".",
                                       ".a",
                                       "a/.b",
                                       "a/.b/c",
                                       ".well-known",
                                       ".well-known/.a",
                                       "...",
                                       ".well-knowns/a",
                                       "a/.well-known/b",
                                       ".well-known/a/.b"};
  static const char *const plain[] = {"", "a", "a.b", "a./b", ".well-known/a", ".well-known/a.b/c", "a/b.c"};
  for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
    if (!path_is_hidden(hidden[i])) fail_msg("\"%s\" is plain", hidden[i]);
  for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
    if (path_is_hidden(plain[i])) fail_msg("\"%s\" is hidden", plain[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(decoding),
      cmocka_unit_test(decoding_into_little_room),
      cmocka_unit_test(encoding),
      cmocka_unit_test(queries_keep_their_meaning),
      cmocka_unit_test(what_is_encoded_decodes_to_itself),
      cmocka_unit_test(names_with_a_dot_in_front_are_hidden),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
