/* A view of bytes that somebody else owns: where they start and how many there are.
 *
 * Never NUL-terminated, never freed through the view. Valid for as long as the function that
 * handed it out says.
 */
#ifndef WSLUICE_SPAN_H
#define WSLUICE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#if defined(__GNUC__)
#define WSL_MUST_CHECK __attribute__((warn_unused_result))
#else
#define WSL_MUST_CHECK
#endif

struct wsl_span {
  const char *at; /* may be NULL only when len is 0 */
  size_t len;
};

/* The span of a NUL-terminated string, without its NUL. */
static inline struct wsl_span wsl_span_of(const char *text) {
  return (struct wsl_span){text, strlen(text)};
}

/* Byte-for-byte equality. */
static inline bool wsl_span_equal(struct wsl_span a, struct wsl_span b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Equality without regard to the case of ASCII letters (field names, tokens: RFC 9110 5.1). */
static inline bool wsl_span_equal_nocase(struct wsl_span a, struct wsl_span b) {
  if (a.len != b.len) return false;
  for (size_t i = 0; i < a.len; i++) {
    unsigned char x = (unsigned char)a.at[i], y = (unsigned char)b.at[i];
    if (x >= 'A' && x <= 'Z') x = (unsigned char)(x + ('a' - 'A'));
    if (y >= 'A' && y <= 'Z') y = (unsigned char)(y + ('a' - 'A'));
    if (x != y) return false;
  }
  return true;
}

#endif
