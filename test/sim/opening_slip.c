/* Slips of the pen: puts one byte into a head that can't stand there, or makes a limit too narrow for it
 * (opening_write.h). The byte that must be refused is known: what is behind it must not matter.
 */
#include "opening_write.h"

#include <assert.h>

enum slip {
  SLIP_START,
  SLIP_START_TWO_EMPTY,
  SLIP_START_CR,
  SLIP_METHOD,
  SLIP_TARGET,
  SLIP_TARGET_EMPTY,
  SLIP_TARGET_TWO,
  SLIP_VERSION,
  SLIP_MAJOR_VERSION,
  SLIP_LINE_END,
  SLIP_LINE_END_CR,
  SLIP_FIELD_BLANK,
  SLIP_FIELD_START,
  SLIP_NAME,
  SLIP_VALUE,
  SLIP_VALUE_CR,
  SLIP_END_CR,
  SLIP_TOO_MANY_FIELDS,
  SLIP_HEAD_TOO_LONG,
  SLIP_LINE_TOO_LONG,
  SLIPS
};

/* The head while a slip is made. */
struct pen {
  struct sent *sent;
  const struct draft *draft;
  struct random_source *random;
};

static void bad(const struct pen *pen, size_t at, uint16_t status, const char *words) {
  pen->sent->bad_at = at;
  pen->sent->status = status;
  pen->sent->words = words;
}

static void insert(const struct pen *pen, size_t at, const char *bytes, size_t len) {
  struct text *text = &pen->sent->text;
  assert(at <= text->len && len <= sizeof(text->bytes) - text->len);
  memmove(text->bytes + at + len, text->bytes + at, text->len - at);
  memcpy(text->bytes + at, bytes, len);
  text->len += len;
}

/* Puts a byte there that is refused for itself. */
static void put(const struct pen *pen, size_t at, char byte, const char *words) {
  insert(pen, at, &byte, 1);
  bad(pen, at, 400, words);
}

/* Puts two there, of which the second is refused. */
static void put_two(const struct pen *pen, size_t at, char first, char second, const char *words) {
  char two[] = {first, second};
  insert(pen, at, two, sizeof(two));
  bad(pen, at + 1, 400, words);
}

static void put_cr(const struct pen *pen, size_t at) {
  put_two(pen, at, '\r', byte_not_of(pen->random, "\n"), "Carriage return");
}

/* A line that has a field, or the last one. */
static size_t any_line(const struct pen *pen) {
  return between(pen->random, 0, pen->draft->field_count);
}

static char control(struct random_source *random) {
  char byte = (char)random_below(random, 33); /* 00 to 1F, and 7F */
  if (one_in(random, 4)) byte = '\0';
  if (byte == 32 || byte == '\t' || byte == '\r' || byte == '\n') byte = 0x7f;
  return byte;
}

/* ---- request line ---- */

static void slip_at_start(const struct pen *pen, enum slip slip) {
  struct layout *layout = &pen->sent->layout;
  size_t start = layout->start;
  layout->start = NOWHERE;
  if (slip == SLIP_START) {
    put(pen, start, byte_not_of(pen->random, TOKEN_BYTES "\r\n"), "must begin with a method");
  } else if (slip == SLIP_START_CR && start == 0) {
    put_cr(pen, 0);
  } else if (start == 0) {
    insert(pen, 0, "\r\n\n", 3);
    bad(pen, 2, 400, "More than one empty line");
  } else {
    put(pen, start, byte_of(pen->random, "\r\n"), "More than one empty line");
  }
}

static void slip_in_target(const struct pen *pen, enum slip slip) {
  static const char words[] = "percent-encoded";
  size_t at = pen->sent->layout.target, len = pen->draft->target.len;
  if (slip == SLIP_TARGET_EMPTY) {
    put(pen, at, ' ', words);
  } else if (slip == SLIP_TARGET_TWO) {
    at += between(pen->random, 1, len);
    put_two(pen, at, ' ', byte_not_of(pen->random, "H"), "must end in a version");
  } else {
    put(pen, at + between(pen->random, 0, len), byte_not_of(pen->random, QUERY_BYTES " "), words);
  }
}

static void slip_in_version(const struct pen *pen, enum slip slip) {
  static const char version[] = "HTTP/1.1";
  size_t at = pen->sent->layout.version;
  if (slip == SLIP_MAJOR_VERSION) {
    pen->sent->text.bytes[at + 5] = byte_of(pen->random, "023456789");
    bad(pen, at + 7, 505, "Only HTTP/1.1");
    return;
  }
  size_t index = random_below(pen->random, sizeof(version) - 1);
  char right[] = {version[index], '\0'};
  bool digit = index == 5 || index == 7;
  pen->sent->text.bytes[at + index] = byte_not_of(pen->random, digit ? DIGITS : right);
  bad(pen, at + index, 400, "must end in a version");
}

/* ---- fields ---- */

static void slip_in_field(const struct pen *pen, enum slip slip) {
  const struct layout *layout = &pen->sent->layout;
  size_t line = random_below(pen->random, (uint32_t)pen->draft->field_count);
  size_t name_len = pen->draft->fields[line].name.len;
  size_t in_value = between(pen->random, layout->values[line], layout->value_ends[line]);
  if (slip == SLIP_NAME)
    put(pen, layout->fields[line] + between(pen->random, 1, name_len),
        byte_not_of(pen->random, TOKEN_BYTES ":"), "directly followed by a colon");
  else if (slip == SLIP_VALUE)
    put(pen, in_value, control(pen->random), "control character");
  else
    put_cr(pen, in_value);
}

static void slip_at_line(const struct pen *pen, enum slip slip) {
  size_t at = pen->sent->layout.fields[any_line(pen)];
  if (slip == SLIP_FIELD_BLANK)
    put(pen, at, byte_of(pen->random, " \t"), "begin with white space");
  else
    put(pen, at, byte_not_of(pen->random, TOKEN_BYTES " \t\r\n"), "must begin with a name");
}

/* ---- limits ---- */

static void slip_over_limit(const struct pen *pen, enum slip slip) {
  struct sent *sent = pen->sent;
  size_t line_len = sent->layout.line_end - sent->layout.start;
  if (slip == SLIP_TOO_MANY_FIELDS) {
    size_t most = random_below(pen->random, (uint32_t)pen->draft->field_count);
    sent->limits.fields_max = (uint32_t)most;
    bad(pen, sent->layout.fields[most], 431, "Too many header lines");
  } else if (slip == SLIP_HEAD_TOO_LONG) {
    size_t most = one_in(pen->random, 4) ? sent->head_len - 1 : between(pen->random, 1, sent->head_len - 1);
    sent->limits.head_max = (uint32_t)most;
    bad(pen, most, 431, "head is too long");
  } else {
    size_t most = one_in(pen->random, 4) ? line_len - 1 : between(pen->random, 1, line_len - 1);
    sent->limits.request_line_max = (uint32_t)most;
    bad(pen, sent->layout.start + most, 414, "request line is too long");
  }
}

/* ---- all ---- */

static void make(const struct pen *pen, enum slip slip) {
  const struct layout *layout = &pen->sent->layout;
  switch (slip) {
    case SLIP_START:
    case SLIP_START_TWO_EMPTY:
    case SLIP_START_CR:
      slip_at_start(pen, slip);
      break;
    case SLIP_METHOD:
      put(pen, layout->start + between(pen->random, 1, pen->draft->method.len),
          byte_not_of(pen->random, TOKEN_BYTES " "), "method must be a token");
      break;
    case SLIP_TARGET:
    case SLIP_TARGET_EMPTY:
    case SLIP_TARGET_TWO:
      slip_in_target(pen, slip);
      break;
    case SLIP_VERSION:
    case SLIP_MAJOR_VERSION:
      slip_in_version(pen, slip);
      break;
    case SLIP_LINE_END:
      put(pen, layout->line_end, byte_not_of(pen->random, "\r\n"), "must end after the HTTP version");
      break;
    case SLIP_LINE_END_CR:
      put_cr(pen, layout->line_end);
      break;
    case SLIP_FIELD_BLANK:
    case SLIP_FIELD_START:
      slip_at_line(pen, slip);
      break;
    case SLIP_NAME:
    case SLIP_VALUE:
    case SLIP_VALUE_CR:
      slip_in_field(pen, slip);
      break;
    case SLIP_END_CR:
      put_cr(pen, layout->fields[pen->draft->field_count]);
      break;
    default:
      slip_over_limit(pen, slip);
      break;
  }
}

void sent_slip(struct sent *sent, const struct draft *draft, struct random_source *random) {
  struct pen pen = {sent, draft, random};
  enum slip slip = (enum slip)random_below(random, SLIPS);
  bool in_fields = slip == SLIP_NAME || slip == SLIP_VALUE || slip == SLIP_VALUE_CR;
  if (draft->field_count == 0 && (in_fields || slip == SLIP_TOO_MANY_FIELDS)) slip = SLIP_START;
  sent->limits = (struct wsl_head_limits){UINT32_MAX, UINT32_MAX, DRAFT_FIELDS_MAX};
  make(&pen, slip);
}
