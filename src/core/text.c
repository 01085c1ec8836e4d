/* The bodies of core/text.h: every piece goes through one function that knows the buffer's end, but
 * for text_format(), which lets vsnprintf() write in place.
 */
#include "core/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#define DECIMAL_DIGITS_MAX 20 /* of 2^64 - 1 */

/* Bytes that may still be written before the NUL. */
static size_t room(const struct text *text) {
  return text->cap - 1 - text->len;
}

void text_init(struct text *text, char *buffer, size_t cap) {
  assert(cap > 0);
  *text = (struct text){.at = buffer, .cap = cap};
  buffer[0] = '\0';
}

void text_span(struct text *text, struct wsl_span piece) {
  if (text->overflow) return;
  size_t fits = piece.len;
  if (fits > room(text)) {
    fits = room(text);
    text->overflow = true;
  }
  if (fits > 0) memcpy(text->at + text->len, piece.at, fits);
  text->len += fits;
  text->at[text->len] = '\0';
}

void text_string(struct text *text, const char *piece) {
  text_span(text, wsl_span_of(piece));
}

void text_unsigned(struct text *text, uint64_t number) {
  char digits[DECIMAL_DIGITS_MAX];
  size_t first = DECIMAL_DIGITS_MAX;
  do {
    digits[--first] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);

  size_t len = DECIMAL_DIGITS_MAX - first;
  if (len > room(text)) {
    text->overflow = true; /* a number cut short would read as another number */
  } else {
    text_span(text, (struct wsl_span){digits + first, len});
  }
}

void text_format(struct text *text, const char *format, ...) {
  if (text->overflow) return;
  va_list arguments;
  va_start(arguments, format);
  int wanted = vsnprintf(text->at + text->len, room(text) + 1, format, arguments);
  va_end(arguments);
  assert(wanted >= 0); /* only a broken format or wide characters can fail */
  if (wanted < 0) {
    text->at[text->len] = '\0';
    text->overflow = true;
  } else if ((size_t)wanted > room(text)) {
    text->len = text->cap - 1;
    text->overflow = true;
  } else {
    text->len += (size_t)wanted;
  }
}

struct wsl_span text_view(const struct text *text) {
  return (struct wsl_span){text->at, text->len};
}
