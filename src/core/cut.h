/* Cutting spans: where a byte stands, and the parts before and behind. No bounds are checked but by assert():
 * whoever cuts has looked. A part of a span is valid as long as the span.
 */
#ifndef CORE_CUT_H
#define CORE_CUT_H

#include <assert.h>

#include <wsluice/span.h>

/* Index of the first `wanted`, or text.len. */
static inline size_t span_find(struct wsl_span text, char wanted) {
  const char *at = text.len > 0 ? memchr(text.at, wanted, text.len) : NULL;
  return at != NULL ? (size_t)(at - text.at) : text.len;
}

/* Index of the last `wanted`, or text.len. */
static inline size_t span_find_last(struct wsl_span text, char wanted) {
  for (size_t i = text.len; i > 0; i--) {
    if (text.at[i - 1] == wanted) return i - 1;
  }
  return text.len;
}

static inline bool span_has(struct wsl_span text, char wanted) {
  return span_find(text, wanted) < text.len;
}

/* Its first `len` bytes. */
static inline struct wsl_span span_upto(struct wsl_span text, size_t len) {
  assert(len <= text.len);
  return (struct wsl_span){text.at, len};
}

/* What is left without them. */
static inline struct wsl_span span_from(struct wsl_span text, size_t at) {
  assert(at <= text.len);
  return (struct wsl_span){at > 0 ? text.at + at : text.at, text.len - at};
}

/* Takes the first `len` bytes off the front. */
static inline struct wsl_span span_take(struct wsl_span *text, size_t len) {
  struct wsl_span taken = span_upto(*text, len);
  *text = span_from(*text, len);
  return taken;
}

/* Whether it begins so, to the letter. */
static inline bool span_starts_with(struct wsl_span text, const char *prefix) {
  size_t len = strlen(prefix);
  return text.len >= len && wsl_span_equal(span_upto(text, len), (struct wsl_span){prefix, len});
}

#endif
