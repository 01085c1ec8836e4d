/* See ops/log_json.h. Everything outside printable ASCII leaves as an escape, so that a line is the same
 * in every terminal and encoding, and no character of a client's can reorder what is shown.
 */
#include "ops/log_json.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/parse.h"

#define CUT_MARK "..."

/* What may have to follow a cut string: the mark, the quote, the object's end, the line's. */
#define RESERVE (sizeof CUT_MARK "\"}\n")

/* One unit of text as JSON: at most a surrogate pair. */
#define UNIT_MAX sizeof "\\ud83d\\ude00"

/* Longer digits are an identifier rather than a quantity; the largest uint64_t has 20. */
#define NUMBER_LEN_MAX 24u

/* Fields of every line. A field of the text that has such a name gets an underscore behind it. */
static const char *const reserved_keys[] = {"time", "level", "id", "event"};
#define RESERVED_KEYS (sizeof reserved_keys / sizeof reserved_keys[0])

/* ---- from the text's bytes to characters --------------------------------------------------------- */

/* Takes one byte off the text, an escape of log_escape() undone. */
static uint8_t take_byte(struct wsl_span *text) {
  static const char letters[] = "\"\\rnt", meant[] = "\"\\\r\n\t";
  const char *at = text->at;
  size_t used = 1;
  uint8_t byte = (uint8_t)at[0];
  if (at[0] == '\\' && text->len >= 2) {
    const char *letter = at[1] == '\0' ? NULL : strchr(letters, at[1]);
    if (letter != NULL) {
      byte = (uint8_t)meant[letter - letters];
      used = 2;
    } else if (at[1] == 'x' && text->len >= 4 && parse_hex_digit(at[2]) >= 0 && parse_hex_digit(at[3]) >= 0) {
      byte = (uint8_t)(parse_hex_digit(at[2]) << 4 | parse_hex_digit(at[3]));
      used = 4;
    }
  }
  text->at += used;
  text->len -= used;
  return byte;
}

/* Takes the rest of a UTF-8 sequence that began with `first` (RFC 3629: no overlong form, no surrogate,
 * nothing past U+10FFFF). False, and nothing taken, when it is none. */
static bool take_sequence(struct wsl_span *text, uint8_t first, uint32_t *character) {
  static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
  unsigned more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  if (first < 0xc2 || first > 0xf4) return false;
  uint32_t value = first & (0x3fu >> more);
  struct wsl_span rest = *text;
  for (unsigned i = 0; i < more; i++) {
    if (rest.len == 0) return false;
    uint8_t byte = take_byte(&rest);
    if ((byte & 0xc0) != 0x80) return false;
    value = value << 6 | (byte & 0x3fu);
  }
  if (value < least[more] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return false;
  *text = rest;
  *character = value;
  return true;
}

/* Takes one character off the text and writes its JSON form, terminated; returns its length. */
static size_t take_unit(struct wsl_span *text, char out[UNIT_MAX]) {
  uint8_t byte = take_byte(text);
  uint32_t character = byte;
  int len;
  if (byte >= 0x80 && !take_sequence(text, byte, &character)) {
    len = snprintf(out, UNIT_MAX, "\\\\x%02x", byte);
  } else if (character == '"' || character == '\\') {
    len = snprintf(out, UNIT_MAX, "\\%c", (int)character);
  } else if (character >= 0x20 && character <= 0x7e) {
    len = snprintf(out, UNIT_MAX, "%c", (int)character);
  } else if (character < 0x10000) {
    len = snprintf(out, UNIT_MAX, "\\u%04x", (unsigned)character);
  } else {
    uint32_t beyond = character - 0x10000;
    len = snprintf(out, UNIT_MAX, "\\u%04x\\u%04x", (unsigned)(0xd800 + (beyond >> 10)),
                   (unsigned)(0xdc00 + (beyond & 0x3ff)));
  }
  return (size_t)len;
}

/* ---- writing ------------------------------------------------------------------------------------- */

static void put(struct json_line *json, const char *bytes, size_t len) {
  memcpy(json->at + json->len, bytes, len);
  json->len += len;
}

static bool fits(const struct json_line *json, size_t len) {
  return len <= json->cap - json->len;
}

static void put_string(struct json_line *json, struct wsl_span text) {
  put(json, "\"", 1);
  while (text.len > 0) {
    char unit[UNIT_MAX];
    size_t len = take_unit(&text, unit);
    if (!fits(json, len)) {
      put(json, CUT_MARK, sizeof CUT_MARK - 1);
      json->cap = json->len; /* nothing may follow */
      break;
    }
    put(json, unit, len);
  }
  put(json, "\"", 1);
}

static bool is_reserved(struct wsl_span key) {
  for (size_t i = 0; i < RESERVED_KEYS; i++) {
    if (wsl_span_equal(key, wsl_span_of(reserved_keys[i]))) return true;
  }
  return false;
}

/* Writes `,"key":` and answers whether it, and a value of `room` bytes, had room. */
static bool put_key(struct json_line *json, struct wsl_span key, const char *suffix, size_t room) {
  size_t suffix_len = strlen(suffix);
  if (json->cap <= json->len || !fits(json, sizeof ",\"\":\"" + key.len + suffix_len + room)) return false;
  if (json->len > 1) put(json, ",", 1);
  put(json, "\"", 1);
  put(json, key.at, key.len);
  put(json, suffix, suffix_len);
  put(json, "\":", 2);
  return true;
}

void json_line_begin(struct json_line *json, char *at, size_t cap) {
  assert(cap >= 64);
  *json = (struct json_line){.at = at, .cap = cap - RESERVE};
  put(json, "{", 1);
}

void json_line_plain(struct json_line *json, const char *key, const char *value) {
  if (put_key(json, wsl_span_of(key), "", strlen(value))) put_string(json, wsl_span_of(value));
}

size_t json_line_end(struct json_line *json) {
  put(json, "}\n", 2);
  return json->len;
}

/* ---- fields -------------------------------------------------------------------------------------- */

static struct wsl_span span_between(const char *start, const char *end) {
  return (struct wsl_span){.at = start, .len = (size_t)(end - start)};
}

/* The closing quote of a text that begins behind the opening one; NULL when it was cut off. */
static const char *closing_quote(const char *at) {
  for (; *at != '\0'; at++) {
    if (*at == '"') return at;
    if (*at == '\\' && at[1] != '\0') at++;
  }
  return NULL;
}

/* The length of a field's name at the start of a word, when a "=" follows; else 0. */
static size_t key_len(const char *word) {
  if (*word < 'a' || *word > 'z') return 0;
  size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_");
  return word[len] == '=' ? len : 0;
}

/* Where the next field begins behind `at`, outside of quotes; the text's end when there is none. */
static const char *next_field(const char *at) {
  for (; *at != '\0'; at++) {
    if (*at == ' ' && key_len(at + 1) > 0) return at + 1;
    if (*at != '"') continue;
    const char *close = closing_quote(at + 1);
    if (close != NULL) at = close;
  }
  return at;
}

static struct wsl_span without_blanks_behind(struct wsl_span text) {
  while (text.len > 0 && text.at[text.len - 1] == ' ')
    text.len--;
  return text;
}

static size_t digits_len(struct wsl_span text) {
  size_t len = 0;
  while (len < text.len && text.at[len] >= '0' && text.at[len] <= '9')
    len++;
  return len;
}

/* RFC 8259 section 6, without exponents: 0600 and 1.234s are none. */
static bool is_number(struct wsl_span text) {
  if (text.len > NUMBER_LEN_MAX) return false;
  if (text.len > 0 && text.at[0] == '-') text = span_between(text.at + 1, text.at + text.len);
  size_t whole = digits_len(text);
  if (whole == 0 || (whole > 1 && text.at[0] == '0')) return false;
  if (whole == text.len) return true;
  if (text.at[whole] != '.') return false;
  struct wsl_span fraction = span_between(text.at + whole + 1, text.at + text.len);
  return fraction.len > 0 && digits_len(fraction) == fraction.len;
}

/* A session's duration is written with its unit, "1.234s": as JSON it is the number of seconds. By its name
 * only: what a client chose, such as a subprotocol "5s", stays what it is. */
static struct wsl_span without_seconds(struct wsl_span key, struct wsl_span value) {
  bool seconds =
      wsl_span_equal(key, wsl_span_of("duration")) && value.len > 1 && value.at[value.len - 1] == 's';
  return seconds ? (struct wsl_span){.at = value.at, .len = value.len - 1} : value;
}

/* A value in quotes loses them, also where its end was cut off; words behind them stay. */
static void put_value(struct json_line *json, struct wsl_span value) {
  if (is_number(value)) {
    put(json, value.at, value.len);
    return;
  }
  if (value.len > 0 && value.at[0] == '"') {
    const char *close = closing_quote(value.at + 1);
    const char *end = value.at + value.len;
    if (close == NULL || close == end - 1) value = span_between(value.at + 1, close == NULL ? end : close);
  }
  put_string(json, value);
}

void json_line_text(struct json_line *json, const char *text) {
  const char *at = key_len(text) > 0 ? text : next_field(text);
  struct wsl_span event = without_blanks_behind(span_between(text, at));
  if (put_key(json, wsl_span_of("event"), "", 0)) put_string(json, event);
  while (*at != '\0') {
    struct wsl_span key = {.at = at, .len = key_len(at)};
    const char *value = at + key.len + 1;
    at = next_field(value);
    if (!put_key(json, key, is_reserved(key) ? "_" : "", NUMBER_LEN_MAX)) return;
    put_value(json, without_seconds(key, without_blanks_behind(span_between(value, at))));
  }
}
