/* See codec/http/conditions.h. */
#include "codec/http/conditions.h"

#include <assert.h>

#include <wsluice/request.h>

#include "codec/chars.h"
#include "core/cut.h"
#include "core/http_date.h"

/* ---- out of the head ---- */

struct wanted {
  const char *name;
  struct wsl_span *value;
};

#define FIELDS 7

static void list_wanted(struct conditions *c, struct wanted fields[FIELDS]) {
  fields[0] = (struct wanted){"If-Match", &c->if_match};
  fields[1] = (struct wanted){"If-None-Match", &c->if_none_match};
  fields[2] = (struct wanted){"If-Modified-Since", &c->if_modified_since};
  fields[3] = (struct wanted){"If-Unmodified-Since", &c->if_unmodified_since};
  fields[4] = (struct wanted){"If-Range", &c->if_range};
  fields[5] = (struct wanted){"Range", &c->range};
  fields[6] = (struct wanted){"Accept-Encoding", &c->accept_encoding};
}

size_t conditions_room(const struct wsl_head *head) {
  struct conditions ignored;
  struct wanted fields[FIELDS];
  struct wsl_span value;
  size_t room = 0;
  list_wanted(&ignored, fields);
  for (size_t f = 0; f < FIELDS; f++) {
    for (uint32_t at = 0; wsl_head_next(head, wsl_span_of(fields[f].name), &at, &value);)
      room += value.len + 1; /* a comma, or one byte too many */
  }
  return room;
}

void conditions_copy(const struct wsl_head *head, char *memory, struct conditions *conditions) {
  struct wanted fields[FIELDS];
  struct wsl_span value;
  assert(memory != NULL);
  *conditions = (struct conditions){0};
  list_wanted(conditions, fields);
  for (size_t f = 0; f < FIELDS; f++) {
    struct wsl_span *joined = fields[f].value;
    for (uint32_t at = 0; wsl_head_next(head, wsl_span_of(fields[f].name), &at, &value);) {
      if (joined->at == NULL)
        joined->at = memory;
      else
        *memory++ = ',';
      if (value.len > 0) memcpy(memory, value.at, value.len);
      memory += value.len;
      joined->len = (size_t)(memory - joined->at);
    }
    if (joined->at != NULL) memory++; /* so that an empty value has a place too */
  }
}

/* ---- entity tags (RFC 9110 8.8.3) ---- */

enum comparison { COMPARE_STRONG, COMPARE_WEAK };

/* Blanks and empty elements of a list. */
static struct wsl_span skip_gaps(struct wsl_span text) {
  while (text.len > 0 && (char_is_blank(*text.at) || *text.at == ','))
    text = span_from(text, 1);
  return text;
}

/* Takes the tag, quotes included, off the front; false where there is none. Commas may stand inside, so the
 * list can't be cut at them. */
static bool take_tag(struct wsl_span *rest, struct wsl_span *tag, bool *weak) {
  struct wsl_span text = *rest;
  *weak = text.len >= 2 && memcmp(text.at, "W/", 2) == 0;
  if (*weak) text = span_from(text, 2);
  if (text.len < 2 || *text.at != '"') return false;
  const char *end = memchr(text.at + 1, '"', text.len - 1);
  if (end == NULL) return false;
  tag->at = text.at;
  tag->len = (size_t)(end + 1 - text.at);
  *rest = span_from(text, tag->len);
  return true;
}

static bool is_any(struct wsl_span value) {
  return wsl_span_equal(value, wsl_span_of("*"));
}

/* "*" stands alone, but has been seen among tags. */
static bool begins_with_any(struct wsl_span list) {
  return list.len > 0 && *list.at == '*' && (list.len == 1 || char_is_blank(list.at[1]) || list.at[1] == ',');
}

/* Behind the next comma; the end where there is none. */
static struct wsl_span skip_element(struct wsl_span list) {
  const char *comma = list.len == 0 ? NULL : memchr(list.at, ',', list.len);
  return span_from(list, comma == NULL ? list.len : (size_t)(comma + 1 - list.at));
}

/* Whether the list names the file, by its strong tag `current` (NULL: it has none) or by "*". Elements that
 * are no tags are passed over. */
static bool list_names(struct wsl_span list, const char *current, enum comparison comparison) {
  struct wsl_span tag;
  bool weak;
  for (list = skip_gaps(list); list.len > 0; list = skip_gaps(list)) {
    if (begins_with_any(list)) return true;
    if (!take_tag(&list, &tag, &weak)) {
      list = skip_element(list);
      continue;
    }
    bool comparable = current != NULL && (comparison == COMPARE_WEAK || !weak);
    if (comparable && wsl_span_equal(tag, wsl_span_of(current))) return true;
  }
  return false;
}

/* ---- preconditions ---- */

/* Whether the file has changed since then; a value that is no date, and a file without one, say nothing. */
enum changed { CHANGED, UNCHANGED, CANT_TELL };

static enum changed changed_since(struct wsl_span date, const struct file_state *state, int64_t now) {
  int64_t since;
  if (!state->has_modified || !http_date_read(date, now, &since)) return CANT_TELL;
  return state->modified_s > since ? CHANGED : UNCHANGED;
}

/* 13.1.1, 13.1.4 */
static bool may_go_on(const struct conditions *c, const struct file_state *state, int64_t now) {
  if (c->if_match.at != NULL) return list_names(c->if_match, state->tag, COMPARE_STRONG);
  return changed_since(c->if_unmodified_since, state, now) != CHANGED;
}

/* 13.1.2, 13.1.3: without If-None-Match only. */
static bool client_has_it(const struct conditions *c, const struct file_state *state, int64_t now) {
  if (c->if_none_match.at != NULL) return list_names(c->if_none_match, state->tag, COMPARE_WEAK);
  return changed_since(c->if_modified_since, state, now) == UNCHANGED;
}

/* 13.1.5: a date has to be the very one that was sent. */
static bool part_is_of_this(const struct conditions *c, const struct file_state *state, int64_t now) {
  struct wsl_span rest = c->if_range, tag;
  bool weak;
  int64_t date;
  if (rest.at == NULL) return true;
  if (take_tag(&rest, &tag, &weak))
    return rest.len == 0 && !weak && state->tag != NULL && wsl_span_equal(tag, wsl_span_of(state->tag));
  return state->has_modified && http_date_read(c->if_range, now, &date) && date == state->modified_s;
}

/* ---- ranges (14.1.2) ---- */

enum range_form { RANGE_NONE, RANGE_FROM, RANGE_FROM_TO, RANGE_LAST };

struct range {
  uint64_t first, last; /* RANGE_LAST: `last` bytes of the end */
};

/* A number at the front; one beyond what a file can have becomes the largest. False without a digit. */
static bool take_number(struct wsl_span *rest, uint64_t *number) {
  size_t digits = 0;
  *number = 0;
  for (; digits < rest->len && char_is_digit(rest->at[digits]); digits++) {
    uint64_t digit = (uint64_t)(rest->at[digits] - '0');
    bool fits = *number <= (UINT64_MAX - digit) / 10;
    *number = fits ? *number * 10 + digit : UINT64_MAX;
  }
  *rest = span_from(*rest, digits);
  return digits > 0;
}

/* One range of bytes. RANGE_NONE: something else, or several. */
static enum range_form read_range(struct wsl_span value, struct range *range) {
  static const char unit[] = "bytes=";
  struct wsl_span name = {value.at, sizeof unit - 1};
  if (value.len < name.len || !wsl_span_equal_nocase(name, wsl_span_of(unit))) return RANGE_NONE;
  struct wsl_span rest = trim_blanks(span_from(value, name.len));
  bool has_first = take_number(&rest, &range->first);
  if (rest.len == 0 || *rest.at != '-') return RANGE_NONE;
  rest = span_from(rest, 1);
  bool has_last = take_number(&rest, &range->last);
  if (rest.len > 0 || (!has_first && !has_last)) return RANGE_NONE;
  if (has_first && has_last) return range->first <= range->last ? RANGE_FROM_TO : RANGE_NONE;
  return has_first ? RANGE_FROM : RANGE_LAST;
}

static enum condition_outcome judge_range(struct wsl_span value, uint64_t size, struct file_part *part) {
  struct range range = {0};
  enum range_form form = read_range(value, &range);
  if (form == RANGE_NONE) return CONDITION_WHOLE;
  if (form == RANGE_LAST) {
    if (range.last == 0 || size == 0) return CONDITION_NO_PART;
    part->len = range.last < size ? range.last : size;
    part->first = size - part->len;
    return CONDITION_PART;
  }
  if (range.first >= size) return CONDITION_NO_PART;
  if (form == RANGE_FROM || range.last >= size) range.last = size - 1;
  *part = (struct file_part){range.first, range.last - range.first + 1};
  return CONDITION_PART;
}

enum condition_outcome conditions_judge(const struct conditions *c, enum condition_method method,
                                        const struct file_state *state, int64_t now, struct file_part *part) {
  if (!may_go_on(c, state, now)) return CONDITION_FAILED;
  if (client_has_it(c, state, now)) return CONDITION_UNCHANGED;
  if (method != CONDITION_GET || c->range.at == NULL || !part_is_of_this(c, state, now))
    return CONDITION_WHOLE;
  return judge_range(c->range, state->size, part);
}

/* ---- Accept-Encoding ---- */

#define WEIGHT_ONE   1000 /* thousandths, since a weight has at most three decimals (12.4.2) */
#define WEIGHT_UNSET (-1)

/* "0.25"; what is no number counts as 0, more than 1 as 1. */
static int read_weight(struct wsl_span text) {
  int weight = 0, place = WEIGHT_ONE;
  for (size_t i = 0; i < text.len; i++) {
    if (i == 1 && text.at[i] == '.') continue;
    if (text.at[i] < '0' || text.at[i] > '9') return 0;
    weight += (text.at[i] - '0') * place;
    place /= 10;
  }
  return weight < WEIGHT_ONE ? weight : WEIGHT_ONE;
}

/* "gzip;q=0.5": the name, and its weight. */
static int read_coding(struct wsl_span element, struct wsl_span *name) {
  const char *semicolon = memchr(element.at, ';', element.len);
  *name = element;
  if (semicolon == NULL) return WEIGHT_ONE;
  name->len = (size_t)(semicolon - element.at);
  *name = trim_blanks(*name);
  struct wsl_span weight = trim_blanks(span_from(element, (size_t)(semicolon + 1 - element.at)));
  if (weight.len < 2 || (*weight.at != 'q' && *weight.at != 'Q') || weight.at[1] != '=') return 0;
  return read_weight(span_from(weight, 2));
}

static bool is_gzip(struct wsl_span name) {
  return wsl_span_equal_nocase(name, wsl_span_of("gzip")) ||
         wsl_span_equal_nocase(name, wsl_span_of("x-gzip"));
}

bool conditions_accept_gzip(const struct conditions *conditions) {
  struct wsl_span rest = conditions->accept_encoding, element, name;
  int gzip = WEIGHT_UNSET, any = 0, plain = 0;
  while (wsl_list_next(&rest, &element)) {
    int weight = read_coding(element, &name);
    if (is_gzip(name) && gzip == WEIGHT_UNSET) gzip = weight;
    if (is_any(name)) any = weight;
    if (wsl_span_equal_nocase(name, wsl_span_of("identity"))) plain = weight;
  }
  if (gzip == WEIGHT_UNSET) gzip = any;
  return gzip > 0 && gzip >= plain;
}
