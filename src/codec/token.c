/* Tokens and comma-separated lists (RFC 9110 5.6): the two shapes that most fields of a head have. */
#include <wsluice/request.h>

#include "codec/chars.h"

bool wsl_token_valid(struct wsl_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if (!char_is(text.at[i], CHAR_TOKEN)) return false;
  }
  return text.len > 0;
}

bool wsl_list_next(struct wsl_span *rest, struct wsl_span *element) {
  while (rest->len > 0) {
    const char *comma = memchr(rest->at, ',', rest->len);
    size_t element_len = comma ? (size_t)(comma - rest->at) : rest->len;
    size_t taken = comma ? element_len + 1 : element_len;
    *element = trim_blanks((struct wsl_span){rest->at, element_len});
    rest->at += taken;
    rest->len -= taken;
    if (element->len > 0) return true;
  }
  return false;
}
