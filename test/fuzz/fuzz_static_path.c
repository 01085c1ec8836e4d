/* fuzz: max_len=512
 *
 * From a URL's path to a file: decoded as segments taken one by one, encoded and decoded again to the same,
 * and opened beneath a folder with links of all kinds in it. Whatever is opened lies inside the folder, and
 * the kernel's way and the walk open the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/http/path.h"
#include "fuzz/folder.h"
#include "fuzz/fuzz.h"
#include "net/beneath.h"

/* ---- decoding ---------------------------------------------------------------------------------------- */

/* Without the rules: escapes as far as they are any, and what was wrong with one. */
struct plain {
  char *text;
  size_t len;
  bool malformed;
};

static struct plain decode_escapes(struct wsl_span path) {
  struct plain plain = {.text = fuzz_memory(path.len + 1), .malformed = path.len == 0 || path.at[0] != '/'};
  for (size_t i = 0; i < path.len; i++) {
    char byte = path.at[i], digits[3] = "";
    if (byte == '%') {
      if (path.len - i > 2) memcpy(digits, path.at + i + 1, 2);
      bool good = strspn(digits, "0123456789abcdefABCDEF") == 2;
      plain.malformed = plain.malformed || !good;
      byte = (char)strtol(digits, NULL, 16);
      i += good ? 2 : 0;
    }
    plain.malformed = plain.malformed || byte == '\0';
    plain.text[plain.len++] = byte;
  }
  return plain;
}

/* What decoding has to give: the segments that count, with a slash between two. */
static char *join_segments(const struct plain *plain, bool *outside, bool *is_directory) {
  char *joined = fuzz_memory(plain->len + 1);
  size_t len = 0;
  struct fuzz_input rest = {(const uint8_t *)plain->text, plain->len};
  *outside = false;
  while (rest.len > 0) {
    struct wsl_span segment = fuzz_piece(&rest, '/');
    bool nothing = segment.len == 0 || wsl_span_equal(segment, wsl_span_of("."));
    *outside = *outside || wsl_span_equal(segment, wsl_span_of(".."));
    *is_directory = nothing;
    if (nothing) continue;
    if (len > 0) joined[len++] = '/';
    memcpy(joined + len, segment.at, segment.len);
    len += segment.len;
  }
  if (plain->len > 0 && plain->text[plain->len - 1] == '/') *is_directory = true;
  return joined;
}

static enum path_result check_decoding(struct wsl_span url_path, char *out, size_t cap) {
  struct plain plain = decode_escapes(url_path);
  bool outside, wanted_directory = false, is_directory = false;
  char *wanted = join_segments(&plain, &outside, &wanted_directory);
  enum path_result result = path_decode(url_path, out, cap, &is_directory);
  switch (result) {
    case PATH_OK:
      fuzz_check(!plain.malformed && !outside, "\"%s\" is no path to a file", plain.text);
      fuzz_check(strcmp(out, wanted) == 0, "\"%s\" instead of \"%s\"", out, wanted);
      fuzz_check(is_directory == wanted_directory, "a directory: %d", is_directory);
      break;
    case PATH_MALFORMED:
      fuzz_check(plain.malformed, "\"%s\" is well-formed", plain.text);
      break;
    case PATH_OUTSIDE:
      fuzz_check(outside, "\"%s\" has no ..", plain.text);
      break;
    case PATH_TOO_LONG:
      fuzz_check(cap < url_path.len + 1, "enough room for \"%s\"", plain.text);
      break;
  }
  free(plain.text);
  free(wanted);
  return result;
}

/* ---- encoding ---------------------------------------------------------------------------------------- */

/* Only unreserved characters, those of `more`, and whole escapes (RFC 3986 2.1, 2.3). */
static void check_characters(const char *text, const char *more) {
  static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  static const char digits[] = "0123456789ABCDEFabcdef";
  for (size_t i = 0; text[i] != '\0'; i++) {
    bool escape = text[i] == '%' && text[i + 1] != '\0' && strchr(digits, text[i + 1]) != NULL &&
                  text[i + 2] != '\0' && strchr(digits, text[i + 2]) != NULL;
    fuzz_check(escape || strchr(unreserved, text[i]) != NULL || strchr(more, text[i]) != NULL,
               "byte %zu of \"%s\"", i, text);
  }
}

static void check_encoding(const char *path) {
  size_t cap = 3 * strlen(path) + 2;
  char *encoded = fuzz_memory(cap), *again = fuzz_memory(cap);
  bool is_directory;
  fuzz_check(path_encode(path, encoded, cap) == 0, "room for \"%s\"", path);
  check_characters(encoded, "/");
  fuzz_check(path_decode(wsl_span_of(encoded), again, cap, &is_directory) == PATH_OK, "\"%s\" is a path",
             encoded);
  fuzz_check(strcmp(path, again) == 0, "\"%s\" there and back", path);
  size_t len = strlen(encoded);
  char *exact = fuzz_memory(len);
  fuzz_check(path_encode(path, exact, len) != 0, "no room for the NUL");
  free(exact);
  free(encoded);
  free(again);
}

static void check_query_encoding(const char *query) {
  size_t cap = 3 * strlen(query) + 1;
  char *encoded = fuzz_memory(cap), *again = fuzz_memory(3 * cap);
  fuzz_check(query_encode(query, encoded, cap) == 0, "room for \"%s\"", query);
  check_characters(encoded, "!$&'()*+,;=:@/?");
  fuzz_check(query_encode(encoded, again, 3 * cap) == 0 && strcmp(encoded, again) == 0,
             "encoded once is enough");
  free(encoded);
  free(again);
}

/* ---- opening ----------------------------------------------------------------------------------------- */

static bool same_file(int one, int other) {
  struct stat a, b;
  return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void check_inside(const struct folder *folder, int fd) {
  char link[64], place[FOLDER_PATH_MAX];
  (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t len = readlink(link, place, sizeof place - 1);
  fuzz_check(len > 0, "its place is known");
  place[len] = '\0';
  size_t root_len = strlen(folder->path);
  fuzz_check(
      strncmp(place, folder->path, root_len) == 0 && (place[root_len] == '/' || place[root_len] == '\0'),
      "%s lies outside", place);
}

static void check_opening(const char *path) {
  const struct folder *folder = folder_with_links();
  int by_kernel = beneath_open_kernel(folder->fd, path);
  int by_walk = beneath_open_walk(folder->fd, folder->path, path);
  fuzz_check(by_kernel != -ELOOP || by_walk < 0, "links without an end");
  if (by_walk >= 0) check_inside(folder, by_walk);
  if (by_kernel >= 0) check_inside(folder, by_kernel);
  fuzz_check(by_kernel < 0 || (by_walk >= 0 && same_file(by_kernel, by_walk)), "\"%s\": both open the same",
             path);
  if (by_kernel >= 0) close(by_kernel);
  if (by_walk >= 0) close(by_walk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  size_t small = fuzz_choice(&input) & 0x1F;
  struct wsl_span url_path = {(const char *)input.at, input.len};
  char *out = fuzz_memory(url_path.len + 1), *small_out = fuzz_memory(small);
  (void)check_decoding(url_path, small_out, small);
  if (check_decoding(url_path, out, url_path.len + 1) == PATH_OK) {
    check_encoding(out);
    check_opening(out);
  }
  char *text = fuzz_text(url_path);
  check_query_encoding(text);
  free(text);
  free(out);
  free(small_out);
  return 0;
}
