/* Small draws and the text that they are written to; private to opening*.c. */
#ifndef SIM_OPENING_TEXT_H
#define SIM_OPENING_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <wsluice/span.h>

#include "core/random.h"

/* Bytes of all the texts of an opening: about ten times what one is long on average. */
#define TEXT_MAX 16384u

/* Characters of RFC 3986 and RFC 9110, spelled out here once more: the codec has its own table of them. */
#define DIGITS      "0123456789"
#define LETTERS     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define TOKEN_BYTES DIGITS LETTERS "!#$%&'*+-.^_`|~"
#define UNRESERVED  DIGITS LETTERS "-._~"
#define HOST_BYTES  UNRESERVED "!$&'()*+,;="
#define PATH_BYTES  DIGITS LETTERS "!\"$%&'()*+,-./:;<=>@[\\]^_`{|}~"
#define QUERY_BYTES PATH_BYTES "?"

struct text {
  char bytes[TEXT_MAX];
  size_t len;
};

static inline bool one_in(struct random_source *random, uint32_t n) {
  return random_below(random, n) == 0;
}

static inline size_t between(struct random_source *random, size_t least, size_t most) {
  return least + random_below(random, (uint32_t)(most - least + 1));
}

/* One of an array's. */
#define ONE_OF(random, array) ((array)[random_below((random), (uint32_t)(sizeof(array) / sizeof(*(array))))])

char byte_of(struct random_source *random, const char *set);
char byte_not_of(struct random_source *random, const char *set); /* NUL is in no set */
bool is_byte_of(char byte, const char *set);

void text_byte(struct text *text, char byte);
void text_add(struct text *text, struct wsl_span span);
void text_words(struct text *text, const char *words);
void text_run(struct text *text, struct random_source *random, const char *set, size_t len);
void text_escape(struct text *text, struct random_source *random, char byte); /* %XX in some case */
struct wsl_span text_since(const struct text *text, size_t from);

/* Written now: these words; these words with letters in some case. */
struct wsl_span written(struct text *text, const char *words);
struct wsl_span written_in_some_case(struct text *text, struct random_source *random, const char *words);

/* For a line of words: its beginning, a question mark for what can't be printed. Good for one line. */
const char *shown(struct wsl_span span);

#endif
