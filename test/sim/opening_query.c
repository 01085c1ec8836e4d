/* Parameters of queries (opening_url.h): fields with names and values that are known, spelled somehow, and
 * one of them looked for.
 */
#include <assert.h>
#include <stdlib.h>

#include "codec/http/query.h"
#include "fault.h"
#include "opening_text.h"
#include "opening_url.h"

#define FIELDS_MAX 5u
#define VALUE_MAX  10u

/* Who looks behind a name's NUL finds another. */
static const char *const names[] = {"token\0", "token\0", "Token\0",   "toke\0", "tokens\0",
                                    "a b\0",   "t\0",     "to%6ben\0", "\0"};

/* A query while it is drawn. */
struct query_draft {
  struct random_source *random;
  struct text text;  /* as it is written */
  struct text value; /* of the field that is looked for */
  bool found;
};

static void write_byte(struct query_draft *q, char byte) {
  bool plain = is_byte_of(byte, UNRESERVED "!$'()*,;:@/?\"<>|\xc3\xff\x01") && !one_in(q->random, 6);
  if (byte == ' ' && one_in(q->random, 2))
    text_byte(&q->text, '+');
  else if (plain)
    text_byte(&q->text, byte);
  else
    text_escape(&q->text, q->random, byte);
}

static void write_name(struct query_draft *q, const char *name) {
  for (; *name != '\0'; name++)
    write_byte(q, *name);
}

/* Writes a part of a value, and what it means to `value`. */
static void write_value_piece(struct query_draft *q, struct text *value) {
  static const char *const no_escapes[] = {"%zz", "%4g", "%g4", "%%", "=", "%:0", "%0@", "%/"};
  if (one_in(q->random, 8)) { /* stays as it is written */
    const char *words = ONE_OF(q->random, no_escapes);
    text_words(&q->text, words);
    text_words(value, words);
    if (words[0] == '%') { /* whatever comes next, it completes nothing */
      text_byte(&q->text, '-');
      text_byte(value, '-');
    }
    return;
  }
  char byte = one_in(q->random, 2) ? byte_of(q->random, UNRESERVED " ") : (char)random_below(q->random, 256);
  text_byte(value, byte);
  write_byte(q, byte);
}

static void write_value(struct query_draft *q, struct text *value) {
  for (size_t pieces = between(q->random, 1, VALUE_MAX); pieces > 0; pieces--)
    write_value_piece(q, value);
}

static void write_field(struct query_draft *q, const char *wanted) {
  static struct text ignored;
  const char *name = ONE_OF(q->random, names);
  bool is_it = !q->found && strcmp(name, wanted) == 0;
  ignored.len = 0;
  write_name(q, name);
  if (one_in(q->random, 8)) { /* an encoded NUL ends no name */
    text_words(&q->text, "%00");
    is_it = false;
  }
  if (one_in(q->random, 6)) return; /* a name alone is passed over, and so is an empty value */
  text_byte(&q->text, '=');
  if (one_in(q->random, 6)) return;
  write_value(q, is_it ? &q->value : &ignored);
  q->found |= is_it;
}

static void draw_query(struct query_draft *q, const char *wanted) {
  for (size_t fields = between(q->random, 0, FIELDS_MAX); fields > 0; fields--) {
    if (one_in(q->random, 8)) text_byte(&q->text, '&');
    write_field(q, wanted);
    if (fields > 1) text_byte(&q->text, '&');
  }
  if (!one_in(q->random, 6)) return;
  text_words(&q->text, "&end=%4"); /* an escape that the end cuts off */
  if (strcmp(wanted, "end") != 0) return;
  text_words(&q->value, "%4");
  q->found = true;
}

static void look(const struct query_draft *q, const char *wanted, size_t cap, enum query_result result) {
  struct wsl_span query = text_since(&q->text, 0);
  size_t len = SIZE_MAX;
  char *out = malloc(cap + (cap == 0));
  assert(out != NULL);
  enum query_result got = query_parameter(query, wanted, out, cap, &len);
  sim_check(got == result, "opening: looking for \"%s\" in query \"%s\" gives %d, not %d", wanted,
            shown(query), (int)got, (int)result);
  if (result == QUERY_FOUND)
    sim_check(len == q->value.len && memcmp(out, q->value.bytes, len) == 0,
              "opening: \"%s\" in query \"%s\" has another value", wanted, shown(query));
  free(out);
}

void opening_query(struct random_source *random) {
  static struct query_draft q;
  const char *wanted = one_in(random, 8) ? "end\0" : ONE_OF(random, names);
  q.random = random;
  q.text.len = q.value.len = 0;
  q.found = false;
  draw_query(&q, wanted);
  q.text.bytes[q.text.len] = '1'; /* whoever looks further finds the rest of an escape */
  if (!q.found) {
    look(&q, wanted, q.text.len, QUERY_MISSING);
    return;
  }
  look(&q, wanted, one_in(random, 2) ? q.text.len : q.value.len, QUERY_FOUND);
  look(&q, wanted, q.value.len - 1, QUERY_TOO_LONG);
}
