/* Request head parser (RFC 9112): a state for each place in the grammar, stepped over the bytes.
 *
 * A step reads a run of bytes of one class and the byte that ends it, so that no byte is looked at
 * twice, however the head arrives (but for blanks behind a value, which are walked back over once, and
 * the word that a value ends in).
 * What may end a run is decided at that byte: anything else is refused there.
 */
#include <assert.h>
#include <string.h>

#include <wsluice/head.h>

#include "codec/chars.h"

enum state {
  STATE_START,    /* before the request line */
  STATE_START_LF, /* behind a CR there: only the LF of an empty line can follow */
  STATE_METHOD,
  STATE_TARGET,
  STATE_VERSION, /* within "HTTP/1.1", `mark` at its H */
  STATE_LINE_END,
  STATE_LINE_LF,
  STATE_FIELD, /* at the first byte of a field line or of the final empty line */
  STATE_NAME,
  STATE_BLANK, /* before the value */
  STATE_VALUE,
  STATE_VALUE_LF,
  STATE_END_LF,
  STATE_DONE, /* all states from here on are final */
  STATE_BAD
};

#define VERSION_NAME     "HTTP/"
#define VERSION_NAME_LEN 5u /* then DIGIT "." DIGIT */

void wsl_head_init(struct wsl_head *head, const struct wsl_head_limits *limits,
                   struct wsl_head_field *fields) {
  *head = (struct wsl_head){.fields = fields, .limits = *limits, .state = STATE_START};
}

void wsl_head_move_fields(struct wsl_head *head, struct wsl_head_field *fields) {
  uint32_t used = head->fields_count;
  if (used < head->limits.fields_max) used++; /* its name may be noted already */
  memcpy(fields, head->fields, used * sizeof *fields);
  head->fields = fields;
}

static void refuse(struct wsl_head *head, uint16_t status, const char *reason) {
  head->state = STATE_BAD;
  head->error_status = status;
  head->error_reason = reason;
}

static char byte_at(const struct wsl_head *head) {
  return head->base[head->at];
}

/* Moves over bytes of `class`; false when they go on to `stop`, so that the run may not be over. */
static bool skip(struct wsl_head *head, enum char_class class, uint32_t stop) {
  const char *base = head->base;
  uint32_t at = head->at;
  while (at < stop && char_is(base[at], class))
    at++;
  head->at = at;
  return at < stop;
}

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define HIGH_BITS (EACH_BYTE * 0x80)

/* Whether all eight bytes at `at` are from 20 to 7E or over 7F, as nearly all of a value are. */
static bool plain_value_word(const char *at) {
  uint64_t word;
  memcpy(&word, at, sizeof(word));
  uint64_t deletes = word ^ (EACH_BYTE * 0x7F); /* 0 where a byte is 7F */
  uint64_t below_20 = (word - EACH_BYTE * 0x20) & ~word;
  uint64_t zeros = (deletes - EACH_BYTE) & ~deletes;
  return ((below_20 | zeros) & HIGH_BITS) == 0;
}

/* skip() of CHAR_VALUE, which most bytes of a head are: in words, down to the one that holds its end. */
static bool skip_value(struct wsl_head *head, uint32_t stop) {
  uint32_t at = head->at;
  while (stop - at >= sizeof(uint64_t) && plain_value_word(head->base + at))
    at += (uint32_t)sizeof(uint64_t);
  head->at = at;
  return skip(head, CHAR_VALUE, stop);
}

/* Takes the byte in hand and goes on to `next`. */
static void take(struct wsl_head *head, enum state next) {
  head->at++;
  head->state = (uint8_t)next;
}

/* ---- request line ---------------------------------------------------------------------------- */

static void step_start(struct wsl_head *head) {
  char byte = byte_at(head);
  if (char_is(byte, CHAR_TOKEN)) {
    head->method_at = head->at;
    head->state = STATE_METHOD;
  } else if (byte != '\r' && byte != '\n') {
    refuse(head, 400, "A request must begin with a method such as GET");
  } else if (head->skipped_empty_line) {
    refuse(head, 400, "More than one empty line before the request");
  } else { /* RFC 9112 2.2: some clients send a line end behind the body of the request before */
    head->skipped_empty_line = true;
    take(head, byte == '\r' ? STATE_START_LF : STATE_START);
  }
}

static struct wsl_span method(const struct wsl_head *head) {
  return (struct wsl_span){head->base + head->method_at, head->method_len};
}

static void step_method(struct wsl_head *head, uint32_t stop) {
  if (!skip(head, CHAR_TOKEN, stop)) return;
  if (byte_at(head) != ' ') {
    refuse(head, 400, "The method must be a token, followed by one space");
    return;
  }
  head->method_len = head->at - head->method_at;
  head->method_is_head = wsl_span_equal(method(head), wsl_span_of("HEAD"));
  take(head, STATE_TARGET);
  head->target_at = head->at;
}

static void step_target(struct wsl_head *head, uint32_t stop) {
  if (!skip(head, CHAR_TARGET, stop)) return;
  head->target_len = head->at - head->target_at;
  if (byte_at(head) != ' ' || head->target_len == 0) {
    refuse(head, 400, "The request target has a character that must be percent-encoded, or is missing");
    return;
  }
  take(head, STATE_VERSION);
  head->mark = head->at;
}

static void step_version(struct wsl_head *head) {
  uint32_t index = head->at - head->mark;
  char byte = byte_at(head);
  bool fits = index < VERSION_NAME_LEN        ? byte == VERSION_NAME[index]
              : index == VERSION_NAME_LEN + 1 ? byte == '.'
                                              : char_is_digit(byte);
  if (!fits) {
    refuse(head, 400, "The request line must end in a version such as HTTP/1.1");
    return;
  }
  if (index < VERSION_NAME_LEN + 2) {
    head->at++;
    return;
  }
  head->minor_version = (uint8_t)(byte - '0');
  if (head->base[head->mark + VERSION_NAME_LEN] != '1') {
    refuse(head, 505, "Only HTTP/1.1 and HTTP/1.0 are supported");
    return;
  }
  take(head, STATE_LINE_END);
}

static void step_line_end(struct wsl_head *head) {
  char byte = byte_at(head);
  if (byte == '\r') {
    take(head, STATE_LINE_LF);
  } else if (byte == '\n') {
    take(head, STATE_FIELD);
  } else {
    refuse(head, 400, "The request line must end after the HTTP version");
  }
}

/* ---- field lines ----------------------------------------------------------------------------- */

static struct wsl_head_field *current_field(struct wsl_head *head) {
  return &head->fields[head->fields_count];
}

static void step_field(struct wsl_head *head) {
  char byte = byte_at(head);
  if (byte == '\r') {
    take(head, STATE_END_LF);
  } else if (byte == '\n') {
    take(head, STATE_DONE);
  } else if (char_is_blank(byte)) { /* obs-fold (5.2) and white space before the first field (2.2) */
    refuse(head, 400, "A header line must not begin with white space");
  } else if (!char_is(byte, CHAR_TOKEN)) {
    refuse(head, 400, "A header line must begin with a name");
  } else if (head->fields_count == head->limits.fields_max) {
    refuse(head, 431, "Too many header lines");
  } else {
    head->mark = head->at;
    head->state = STATE_NAME;
  }
}

static void step_name(struct wsl_head *head, uint32_t stop) {
  if (!skip(head, CHAR_TOKEN, stop)) return;
  if (byte_at(head) != ':') { /* white space before the colon hides fields from proxies (5.1) */
    refuse(head, 400, "A header name must be a token directly followed by a colon");
    return;
  }
  struct wsl_head_field *field = current_field(head);
  field->name_at = head->mark;
  field->name_len = head->at - head->mark;
  take(head, STATE_BLANK);
}

static void step_blank(struct wsl_head *head) {
  if (char_is_blank(byte_at(head))) {
    head->at++;
    return;
  }
  head->mark = head->at;
  head->state = STATE_VALUE;
}

static void step_value(struct wsl_head *head, uint32_t stop) {
  if (!skip_value(head, stop)) return;
  char byte = byte_at(head);
  if (byte != '\r' && byte != '\n') {
    refuse(head, 400, "A header value has a control character");
    return;
  }
  uint32_t end = head->at;
  while (end > head->mark && char_is_blank(head->base[end - 1]))
    end--;
  struct wsl_head_field *field = current_field(head);
  field->value_at = head->mark;
  field->value_len = end - head->mark;
  head->fields_count++;
  take(head, byte == '\r' ? STATE_VALUE_LF : STATE_FIELD);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Behind a CR that ends a line; a bare one never does (2.2: it splits heads differently elsewhere). */
static void step_lf(struct wsl_head *head, enum state next) {
  if (byte_at(head) == '\n') {
    take(head, next);
  } else {
    refuse(head, 400, "Carriage return without a line feed");
  }
}

static void step(struct wsl_head *head, uint32_t stop) {
  switch ((enum state)head->state) {
    case STATE_START:
      step_start(head);
      break;
    case STATE_START_LF:
      step_lf(head, STATE_START);
      break;
    case STATE_METHOD:
      step_method(head, stop);
      break;
    case STATE_TARGET:
      step_target(head, stop);
      break;
    case STATE_VERSION:
      step_version(head);
      break;
    case STATE_LINE_END:
      step_line_end(head);
      break;
    case STATE_LINE_LF:
    case STATE_VALUE_LF:
      step_lf(head, STATE_FIELD);
      break;
    case STATE_FIELD:
      step_field(head);
      break;
    case STATE_NAME:
      step_name(head, stop);
      break;
    case STATE_BLANK:
      step_blank(head);
      break;
    case STATE_VALUE:
      step_value(head, stop);
      break;
    case STATE_END_LF:
      step_lf(head, STATE_DONE);
      break;
    case STATE_DONE:
    case STATE_BAD:
      assert(false);
      break;
  }
}

static bool in_request_line(const struct wsl_head *head) {
  return head->state >= STATE_METHOD && head->state <= STATE_LINE_END;
}

/* First offset at which no byte may stand, unless it is the end of a request line just long enough. */
static uint32_t limit(const struct wsl_head *head) {
  uint64_t limit = head->limits.head_max;
  if (in_request_line(head)) {
    uint64_t line_limit = (uint64_t)head->method_at + head->limits.request_line_max;
    if (line_limit < limit) limit = line_limit;
  }
  return (uint32_t)limit;
}

/* Refuses the byte in hand, which is at or behind limit(), if it may not stand there. */
static void judge_limit(struct wsl_head *head) {
  if (head->at >= head->limits.head_max) {
    refuse(head, 431, "The request head is too long");
    return;
  }
  char byte = byte_at(head);
  if (byte != '\r' && byte != '\n') refuse(head, 414, "The request line is too long");
}

enum wsl_head_status wsl_head_feed(struct wsl_head *head, const char *base, size_t len) {
  assert(head->state != STATE_BAD && len >= head->at);
  head->base = base;
  while (head->at < len && head->state < STATE_DONE) {
    uint32_t stop = limit(head);
    if (head->at >= stop) {
      judge_limit(head);
      if (head->state == STATE_BAD) break;
      stop = head->at + 1;
    }
    step(head, len < stop ? (uint32_t)len : stop);
  }
  if (head->state == STATE_BAD) return WSL_HEAD_BAD;
  if (head->state != STATE_DONE) return WSL_HEAD_MORE;
  head->head_len = head->at;
  return WSL_HEAD_DONE;
}

bool wsl_head_begun(const struct wsl_head *head) {
  return head->state >= STATE_METHOD;
}

/* ---- views ----------------------------------------------------------------------------------- */

static struct wsl_span view(const struct wsl_head *head, uint32_t at, uint32_t len) {
  assert(head->state == STATE_DONE);
  return (struct wsl_span){head->base + at, len};
}

struct wsl_span wsl_head_method(const struct wsl_head *head) {
  return view(head, head->method_at, head->method_len);
}

struct wsl_span wsl_head_target(const struct wsl_head *head) {
  return view(head, head->target_at, head->target_len);
}

struct wsl_span wsl_head_name(const struct wsl_head *head, uint32_t field) {
  assert(field < head->fields_count);
  return view(head, head->fields[field].name_at, head->fields[field].name_len);
}

struct wsl_span wsl_head_value(const struct wsl_head *head, uint32_t field) {
  assert(field < head->fields_count);
  return view(head, head->fields[field].value_at, head->fields[field].value_len);
}

bool wsl_head_next(const struct wsl_head *head, struct wsl_span name, uint32_t *field,
                   struct wsl_span *value) {
  for (uint32_t i = *field; i < head->fields_count; i++) {
    if (head->fields[i].name_len != name.len) continue; /* most of them */
    if (!wsl_span_equal_nocase(wsl_head_name(head, i), name)) continue;
    *field = i + 1;
    *value = wsl_head_value(head, i);
    return true;
  }
  return false;
}
