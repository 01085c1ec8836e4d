/* Looking for a parameter of a query (codec/http/query.h): bytes are decoded one by one as they are compared
 * or copied, so nothing is decoded twice and nothing is allocated.
 */
#include "codec/http/query.h"

#include "core/parse.h"

#define ESCAPE_LEN 3u /* "%XX" */

/* The byte at the front of *rest (not empty), decoded, with *rest moved behind it. */
static char take_byte(struct wsl_span *rest) {
  char byte = rest->at[0];
  size_t taken = 1;
  if (byte == '+') {
    byte = ' ';
  } else if (byte == '%' && rest->len >= ESCAPE_LEN) {
    int high = parse_hex_digit(rest->at[1]), low = parse_hex_digit(rest->at[2]);
    if (high >= 0 && low >= 0) {
      byte = (char)(high * 16 + low);
      taken = ESCAPE_LEN;
    }
  }
  rest->at += taken;
  rest->len -= taken;
  return byte;
}

/* What lies before the first `separator` of *rest, which moves behind it; all of it where there is none. */
static struct wsl_span take_until(struct wsl_span *rest, char separator) {
  const char *end = rest->len > 0 ? memchr(rest->at, separator, rest->len) : NULL;
  struct wsl_span piece = {rest->at, end == NULL ? rest->len : (size_t)(end - rest->at)};
  size_t taken = end == NULL ? piece.len : piece.len + 1;
  rest->at += taken;
  rest->len -= taken;
  return piece;
}

static bool name_is(struct wsl_span encoded, const char *name) {
  while (encoded.len > 0) {
    if (*name == '\0' || take_byte(&encoded) != *name) return false;
    name++;
  }
  return *name == '\0';
}

static enum query_result decode(struct wsl_span encoded, char *out, size_t cap, size_t *len) {
  size_t written = 0;
  while (encoded.len > 0) {
    if (written == cap) return QUERY_TOO_LONG;
    out[written++] = take_byte(&encoded);
  }
  *len = written;
  return QUERY_FOUND;
}

enum query_result query_parameter(struct wsl_span query, const char *name, char *out, size_t cap,
                                  size_t *len) {
  while (query.len > 0) {
    struct wsl_span value = take_until(&query, '&');
    struct wsl_span field_name = take_until(&value, '=');
    if (value.len > 0 && name_is(field_name, name)) return decode(value, out, cap, len);
  }
  return QUERY_MISSING;
}
