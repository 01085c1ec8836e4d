/* Writes drafts as heads (opening_write.h). */
#include "opening_write.h"

#define ROOMY        100000u
#define BEHIND_MAX   24u
#define SLIPS_OF_TEN 3u

enum line_ends { ENDS_CRLF, ENDS_LF, ENDS_MIXED, ENDS_KINDS };

static void write_line_end(struct text *text, struct random_source *random, enum line_ends ends) {
  if (ends == ENDS_MIXED) ends = one_in(random, 2) ? ENDS_CRLF : ENDS_LF;
  if (ends == ENDS_CRLF) text_byte(text, '\r');
  text_byte(text, '\n');
}

static void write_blanks(struct text *text, struct random_source *random) {
  if (one_in(random, 8)) text_run(text, random, " \t", between(random, 1, 4));
}

static void write_request_line(struct sent *sent, const struct draft *draft) {
  struct text *text = &sent->text;
  sent->layout.start = text->len;
  text_add(text, draft->method);
  text_byte(text, ' ');
  sent->layout.target = text->len;
  text_add(text, draft->target);
  text_byte(text, ' ');
  sent->layout.version = text->len;
  text_words(text, "HTTP/1.");
  text_byte(text, (char)('0' + draft->minor_version));
  sent->layout.line_end = text->len;
}

static void write_field(struct sent *sent, const struct draft *draft, size_t i,
                        struct random_source *random) {
  struct text *text = &sent->text;
  sent->layout.fields[i] = text->len;
  text_add(text, draft->fields[i].name);
  text_byte(text, ':');
  sent->layout.values[i] = text->len;
  if (!one_in(random, 8)) text_byte(text, ' ');
  write_blanks(text, random);
  text_add(text, draft->fields[i].value);
  write_blanks(text, random);
  sent->layout.value_ends[i] = text->len;
}

/* What comes behind the head looks like more of it, or like frames. */
static void write_what_follows(struct text *text, struct random_source *random) {
  if (one_in(random, 3)) return;
  if (one_in(random, 3)) text_words(text, one_in(random, 2) ? "\r\nX: y\r\n\r\n" : "Host: x\n\n");
  for (size_t len = between(random, 0, BEHIND_MAX); len > 0; len--)
    text_byte(text, (char)random_below(random, 256));
}

/* Limits that the head keeps, some of them just so. */
static void draw_limits(struct sent *sent, const struct draft *draft, struct random_source *random) {
  sent->limits = (struct wsl_head_limits){ROOMY, ROOMY, DRAFT_FIELDS_MAX};
  size_t line_len = sent->layout.line_end - sent->layout.start;
  if (one_in(random, 4)) sent->limits.request_line_max = (uint32_t)line_len;
  if (one_in(random, 4)) sent->limits.head_max = (uint32_t)sent->head_len;
  if (one_in(random, 4)) sent->limits.fields_max = (uint32_t)draft->field_count;
}

void sent_write(struct sent *sent, const struct draft *draft, struct random_source *random) {
  struct text *text = &sent->text;
  enum line_ends ends = one_in(random, 2) ? ENDS_CRLF : (enum line_ends)random_below(random, ENDS_KINDS);
  text->len = 0;
  if (one_in(random, 8)) write_line_end(text, random, ends); /* RFC 9112 2.2 */
  write_request_line(sent, draft);
  write_line_end(text, random, ends);
  for (size_t i = 0; i < draft->field_count; i++) {
    write_field(sent, draft, i, random);
    write_line_end(text, random, ends);
  }
  sent->layout.fields[draft->field_count] = text->len;
  write_line_end(text, random, ends);
  sent->head_len = text->len;
  write_what_follows(text, random);
  draw_limits(sent, draft, random);
  sent->bad_at = NOWHERE;
  if (random_below(random, 10) < SLIPS_OF_TEN) sent_slip(sent, draft, random);
}
