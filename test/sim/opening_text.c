/* See opening_text.h. */
#include "opening_text.h"

#include <assert.h>

#define SHOWN_MAX 80u /* bytes of a span in a line of words */

enum letter_case { CASE_AS_IS, CASE_LOWER, CASE_UPPER, CASE_ANY, CASES };

bool is_byte_of(char byte, const char *set) {
  return byte != '\0' && strchr(set, byte) != NULL;
}

char byte_of(struct random_source *random, const char *set) {
  return set[random_below(random, (uint32_t)strlen(set))];
}

char byte_not_of(struct random_source *random, const char *set) {
  char byte;
  do
    byte = (char)random_below(random, 256);
  while (is_byte_of(byte, set));
  return byte;
}

void text_byte(struct text *text, char byte) {
  assert(text->len < sizeof(text->bytes));
  text->bytes[text->len++] = byte;
}

void text_add(struct text *text, struct wsl_span span) {
  assert(span.len <= sizeof(text->bytes) - text->len);
  if (span.len > 0) memcpy(text->bytes + text->len, span.at, span.len);
  text->len += span.len;
}

void text_words(struct text *text, const char *words) {
  text_add(text, wsl_span_of(words));
}

void text_run(struct text *text, struct random_source *random, const char *set, size_t len) {
  uint32_t set_len = (uint32_t)strlen(set);
  for (size_t i = 0; i < len; i++)
    text_byte(text, set[random_below(random, set_len)]);
}

void text_escape(struct text *text, struct random_source *random, char byte) {
  static const char upper[] = "0123456789ABCDEF", lower[] = "0123456789abcdef";
  unsigned value = (unsigned char)byte;
  text_byte(text, '%');
  text_byte(text, (one_in(random, 2) ? upper : lower)[value >> 4]);
  text_byte(text, (one_in(random, 2) ? upper : lower)[value & 15u]);
}

struct wsl_span text_since(const struct text *text, size_t from) {
  return (struct wsl_span){text->bytes + from, text->len - from};
}

struct wsl_span written(struct text *text, const char *words) {
  size_t from = text->len;
  text_words(text, words);
  return text_since(text, from);
}

static char in_case(char byte, enum letter_case letter_case) {
  if (letter_case == CASE_LOWER && byte >= 'A' && byte <= 'Z') return (char)(byte - 'A' + 'a');
  if (letter_case == CASE_UPPER && byte >= 'a' && byte <= 'z') return (char)(byte - 'a' + 'A');
  return byte;
}

struct wsl_span written_in_some_case(struct text *text, struct random_source *random, const char *words) {
  size_t from = text->len;
  enum letter_case letter_case = (enum letter_case)random_below(random, CASES);
  for (; *words != '\0'; words++) {
    enum letter_case its = letter_case;
    if (its == CASE_ANY) its = one_in(random, 2) ? CASE_LOWER : CASE_UPPER;
    text_byte(text, in_case(*words, its));
  }
  return text_since(text, from);
}

/* Several, since a line of words may show some. */
const char *shown(struct wsl_span span) {
  static char lines[4][SHOWN_MAX + 1];
  static unsigned used;
  char *line = lines[used++ % 4];
  size_t len = span.len < SHOWN_MAX ? span.len : SHOWN_MAX;
  for (size_t i = 0; i < len; i++)
    line[i] = span.at[i] >= ' ' && span.at[i] <= '~' ? span.at[i] : '?';
  line[len] = '\0';
  return line;
}
