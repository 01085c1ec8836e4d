/* URL paths to file paths and back (RFC 3986 2.1, 5.2.4).
 *
 * Decoding looks at a path only after its escapes are gone, byte by byte, so that an encoded slash or
 * dot is no different from a plain one and nothing is decoded twice.
 */
#include "codec/http/path.h"

#include <string.h>

#include "codec/chars.h"
#include "core/error.h"
#include "core/parse.h"

/* Takes one byte, escaped or not, off the front of *rest; false for a bad escape or an encoded NUL. */
static bool take_byte(struct wsl_span *rest, char *byte) {
  size_t taken = 1;
  *byte = rest->at[0];
  if (*byte == '%') {
    int high = rest->len > 2 ? parse_hex_digit(rest->at[1]) : -1;
    int low = rest->len > 2 ? parse_hex_digit(rest->at[2]) : -1;
    if (high < 0 || low < 0) return false;
    *byte = (char)(high * 16 + low);
    taken = 3;
  }
  rest->at += taken;
  rest->len -= taken;
  return *byte != '\0';
}

/* The path as far as it is written. */
struct path {
  char *out;
  size_t cap, len;
  size_t segment; /* where the segment being written begins */
};

static bool segment_is(const struct path *path, const char *text) {
  struct wsl_span segment = {path->out + path->segment, path->len - path->segment};
  return wsl_span_equal(segment, wsl_span_of(text));
}

/* Ends the segment being written at a slash, or at the end of all; drops it when it is ".". */
static enum path_result end_segment(struct path *path, bool *is_directory) {
  *is_directory = path->len == path->segment;
  if (segment_is(path, "..")) return PATH_OUTSIDE;
  if (segment_is(path, ".")) {
    path->len = path->segment;
    *is_directory = true;
  }
  return PATH_OK;
}

static enum path_result append(struct path *path, char byte) {
  if (path->len >= path->cap) return PATH_TOO_LONG; /* a last slash gives its place to the NUL */
  path->out[path->len++] = byte;
  return PATH_OK;
}

enum path_result path_decode(struct wsl_span url_path, char *out, size_t cap, bool *is_directory) {
  struct path path = {.out = out, .cap = cap};
  enum path_result result = PATH_OK;
  *is_directory = false;
  if (url_path.len == 0 || url_path.at[0] != '/') return PATH_MALFORMED;
  while (result == PATH_OK && url_path.len > 0) {
    char byte;
    if (!take_byte(&url_path, &byte)) return PATH_MALFORMED;
    if (byte != '/') {
      result = append(&path, byte);
      continue;
    }
    result = end_segment(&path, is_directory);
    if (result == PATH_OK && path.len > path.segment) result = append(&path, '/');
    path.segment = path.len;
  }
  if (result == PATH_OK) result = end_segment(&path, is_directory);
  if (result != PATH_OK) return result;
  if (path.len > 0 && path.out[path.len - 1] == '/') path.len--; /* said by *is_directory */
  if (path.len >= cap) return PATH_TOO_LONG;
  path.out[path.len] = '\0';
  return PATH_OK;
}

bool path_is_hidden(const char *path) {
  static const char meant[] = ".well-known/";
  if (strncmp(path, meant, sizeof meant - 1) == 0) path += sizeof meant - 1;
  return path[0] == '.' || strstr(path, "/.") != NULL;
}

/* RFC 3986 2.3. */
static bool is_unreserved(char byte) {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || char_is_digit(byte) || byte == '-' ||
         byte == '.' || byte == '_' || byte == '~';
}

/* RFC 3986 3.4: what a query may hold beside escapes. */
static bool is_query_char(char byte) {
  static const char marks[] = "!$&'()*+,;=:@/?";
  return is_unreserved(byte) || memchr(marks, byte, sizeof(marks) - 1) != NULL;
}

static enum path_result append_escaped(struct path *path, char byte) {
  static const char digits[] = "0123456789ABCDEF";
  enum path_result result = append(path, '%');
  if (result == PATH_OK) result = append(path, digits[(uint8_t)byte >> 4]);
  if (result == PATH_OK) result = append(path, digits[(uint8_t)byte & 0xF]);
  return result;
}

static int terminate(struct path *path, enum path_result result) {
  if (result != PATH_OK || path->len >= path->cap) return WSL_INVALID;
  path->out[path->len] = '\0';
  return WSL_OK;
}

int path_encode(const char *text, char *out, size_t cap) {
  struct path path = {.out = out, .cap = cap};
  enum path_result result = append(&path, '/');
  for (; result == PATH_OK && *text != '\0'; text++) {
    bool plain = is_unreserved(*text) || *text == '/';
    result = plain ? append(&path, *text) : append_escaped(&path, *text);
  }
  return terminate(&path, result);
}

static bool is_escape(const char *text) {
  return text[0] == '%' && parse_hex_digit(text[1]) >= 0 && parse_hex_digit(text[2]) >= 0;
}

int query_encode(const char *text, char *out, size_t cap) {
  struct path path = {.out = out, .cap = cap};
  enum path_result result = PATH_OK;
  for (; result == PATH_OK && *text != '\0'; text++) {
    bool plain = is_query_char(*text) || is_escape(text); /* the digits of an escape are plain, too */
    result = plain ? append(&path, *text) : append_escaped(&path, *text);
  }
  return terminate(&path, result);
}
