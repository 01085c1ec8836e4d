/* See codec/http/cookie.h. */
#include "codec/http/cookie.h"

#include "codec/chars.h"

static struct wsl_span without_quotes(struct wsl_span text) {
  if (text.len < 2 || text.at[0] != '"' || text.at[text.len - 1] != '"') return text;
  return (struct wsl_span){text.at + 1, text.len - 2};
}

/* The next piece of *rest (not empty), which moves behind its semicolon. */
static struct wsl_span take_piece(struct wsl_span *rest) {
  const char *end = memchr(rest->at, ';', rest->len);
  size_t len = end == NULL ? rest->len : (size_t)(end - rest->at);
  struct wsl_span piece = {rest->at, len};
  size_t taken = end == NULL ? len : len + 1;
  rest->at += taken;
  rest->len -= taken;
  return piece;
}

bool cookie_value(struct wsl_span header, struct wsl_span name, struct wsl_span *value) {
  while (header.len > 0) {
    struct wsl_span piece = take_piece(&header);
    const char *equals = piece.len > 0 ? memchr(piece.at, '=', piece.len) : NULL;
    if (equals == NULL) continue;
    size_t name_len = (size_t)(equals - piece.at);
    if (!wsl_span_equal(trim_blanks((struct wsl_span){piece.at, name_len}), name)) continue;
    struct wsl_span found =
        without_quotes(trim_blanks((struct wsl_span){equals + 1, piece.len - name_len - 1}));
    if (found.len == 0) continue;
    *value = found;
    return true;
  }
  return false;
}
