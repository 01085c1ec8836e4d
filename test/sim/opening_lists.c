/* Tokens and lists (opening_lists.h; RFC 9110 5.6). */
#include "opening_lists.h"

#include <wsluice/request.h>

#include "fault.h"
#include "opening_text.h"

#define ELEMENTS_MAX 5u
#define ELEMENT_MAX  8u

void opening_token(struct random_source *random) {
  static struct text text;
  text.len = 0;
  text_run(&text, random, TOKEN_BYTES, between(random, 0, ELEMENT_MAX));
  struct wsl_span token = text_since(&text, 0);
  sim_check(wsl_token_valid(token) == (token.len > 0), "opening: \"%s\" is%s taken for a token", shown(token),
            token.len > 0 ? " not" : "");
  size_t at = between(random, 0, token.len);
  char byte = byte_not_of(random, TOKEN_BYTES);
  text_byte(&text, 'a');
  if (at < token.len) text.bytes[text.len - 1] = text.bytes[at];
  text.bytes[at] = byte;
  sim_check(!wsl_token_valid(text_since(&text, 0)), "opening: a token may have byte %u", (unsigned char)byte);
}

static void write_blanks(struct text *text, struct random_source *random) {
  if (one_in(random, 3)) text_run(text, random, " \t", between(random, 1, 3));
}

/* An element: anything without a comma, and without white space at its ends. */
static struct wsl_span write_element(struct text *text, struct random_source *random) {
  size_t from = text->len, len = between(random, 1, ELEMENT_MAX);
  for (size_t i = 0; i < len; i++)
    text_byte(text, byte_not_of(random, i == 0 || i + 1 == len ? ", \t" : ","));
  return text_since(text, from);
}

static void write_empties(struct text *text, struct random_source *random) {
  while (one_in(random, 6)) {
    write_blanks(text, random);
    text_byte(text, ',');
  }
}

void opening_list(struct random_source *random) {
  static struct text text;
  struct wsl_span wanted[ELEMENTS_MAX], element;
  size_t count = between(random, 0, ELEMENTS_MAX);
  text.len = 0;
  for (size_t i = 0; i < count; i++) {
    write_empties(&text, random);
    write_blanks(&text, random);
    wanted[i] = write_element(&text, random);
    write_blanks(&text, random);
    if (i + 1 < count) text_byte(&text, ',');
  }
  if (one_in(random, 4)) text_byte(&text, ',');
  write_blanks(&text, random);
  struct wsl_span rest = text_since(&text, 0);
  for (size_t i = 0; i < count; i++) {
    sim_check(wsl_list_next(&rest, &element), "opening: a list ends behind %zu elements of %zu", i, count);
    sim_check(element.at == wanted[i].at && element.len == wanted[i].len,
              "opening: element %zu of a list is \"%s\", not \"%s\"", i, shown(element), shown(wanted[i]));
  }
  sim_check(!wsl_list_next(&rest, &element), "opening: a list of %zu has one element more", count);
}
