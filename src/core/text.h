/* Text built piece by piece in a caller's buffer of fixed size: response heads, close reasons, log
 * lines.
 *
 *   struct text head;
 *   text_init(&head, buffer, sizeof buffer);
 *   text_string(&head, "Content-Length: ");
 *   text_unsigned(&head, length);
 *   if (head.overflow) ...
 *
 * No allocation. The buffer is always NUL-terminated. The first piece that does not fit sets
 * `overflow` and ends the text: what fits of it is kept (a number is kept whole or not at all) and all
 * later pieces are left out, so that no text ever has a hole in it. One look at the end is enough.
 */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

struct text {
  char *at; /* the caller's buffer; holds `len` bytes and a NUL */
  size_t len;
  size_t cap;
  bool overflow; /* something did not fit; stays set until text_init() */
};

/* An empty text in buffer[0..cap), which outlives it; `cap` counts the NUL and is at least 1. */
void text_init(struct text *text, char *buffer, size_t cap);

/* Each appends one piece. A span may hold any bytes, NULs too. */
void text_span(struct text *text, struct wsl_span piece);
void text_string(struct text *text, const char *piece);
void text_unsigned(struct text *text, uint64_t number);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What has been built so far; valid as long as the buffer, until the next piece. */
struct wsl_span text_view(const struct text *text);

#endif
