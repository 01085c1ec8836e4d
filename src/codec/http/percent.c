/* See codec/http/percent.h. */
#include "codec/http/percent.h"

#include "codec/chars.h"
#include "core/parse.h"

#define ESCAPE_LEN 3u /* "%XX" */

/* The value of an escape at the front of `text`, or -1. */
static int escaped_byte(const char *at, size_t len) {
  if (len < ESCAPE_LEN || at[0] != '%') return -1;
  int high = parse_hex_digit(at[1]), low = parse_hex_digit(at[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

size_t percent_decode(struct wsl_span text, char *out) {
  size_t written = 0;
  for (size_t at = 0; at < text.len;) {
    int byte = escaped_byte(text.at + at, text.len - at);
    out[written++] = byte < 0 ? text.at[at] : (char)byte;
    at += byte < 0 ? 1 : ESCAPE_LEN;
  }
  return written;
}

static bool is_unreserved(char c) {
  return char_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

size_t percent_encode(struct wsl_span text, char *out) {
  static const char digits[] = "0123456789ABCDEF";
  size_t written = 0;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t byte = (uint8_t)text.at[i];
    if (is_unreserved(text.at[i])) {
      out[written++] = text.at[i];
      continue;
    }
    out[written++] = '%';
    out[written++] = digits[byte >> 4];
    out[written++] = digits[byte & 0xf];
  }
  return written;
}
