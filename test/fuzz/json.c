/* See json.h. */
#include "fuzz/json.h"

#include <stdint.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"

struct json {
  const char *text;
  size_t len, at;
};

static char peek(const struct json *json) {
  return json->at < json->len ? json->text[json->at] : '\0';
}

static char take(struct json *json) {
  fuzz_check(json->at < json->len, "JSON goes on behind \"%.*s\"", (int)json->len, json->text);
  return json->text[json->at++];
}

static void expect(struct json *json, char wanted) {
  char got = take(json);
  fuzz_check(got == wanted, "'%c' instead of '%c' at %zu of %.*s", got, wanted, json->at - 1, (int)json->len,
             json->text);
}

static size_t put_utf8(uint32_t character, char *out) {
  if (character < 0x80) {
    out[0] = (char)character;
    return 1;
  }
  size_t more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
  static const uint8_t leads[] = {0, 0xC0, 0xE0, 0xF0};
  out[0] = (char)(leads[more] | character >> (6 * more));
  for (size_t i = 1; i <= more; i++)
    out[i] = (char)(0x80 | ((character >> (6 * (more - i))) & 0x3F));
  return more + 1;
}

static uint32_t take_four_digits(struct json *json) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) {
    char digit[2] = {take(json), '\0'}, *end;
    value = value << 4 | (uint32_t)strtoul(digit, &end, 16);
    fuzz_check(*end == '\0', "four digits behind \\u");
  }
  return value;
}

static uint32_t take_escape(struct json *json) {
  char kind = take(json);
  if (kind == '"' || kind == '\\' || kind == '/') return (uint8_t)kind;
  fuzz_check(kind == 'u', "an escape \\%c", kind);
  uint32_t unit = take_four_digits(json);
  fuzz_check(unit < 0xDC00 || unit > 0xDFFF, "half a pair");
  if (unit < 0xD800 || unit > 0xDBFF) return unit;
  expect(json, '\\');
  expect(json, 'u');
  uint32_t low = take_four_digits(json);
  fuzz_check(low >= 0xDC00 && low <= 0xDFFF, "the second half of a pair");
  return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

/* Into out; returns its length. */
static size_t take_string(struct json *json, char *out) {
  size_t len = 0;
  expect(json, '"');
  while (peek(json) != '"') {
    char c = take(json);
    fuzz_check(c >= ' ' && c <= '~', "byte %02x in a string", (uint8_t)c);
    len += put_utf8(c == '\\' ? take_escape(json) : (uint8_t)c, out + len);
  }
  expect(json, '"');
  return len;
}

static void take_digits(struct json *json) {
  size_t from = json->at;
  while (peek(json) >= '0' && peek(json) <= '9')
    json->at++;
  fuzz_check(json->at > from, "digits at %zu of %.*s", from, (int)json->len, json->text);
}

static size_t take_number(struct json *json, char *out) {
  size_t from = json->at;
  if (peek(json) == '-') json->at++;
  bool zero = peek(json) == '0';
  size_t whole = json->at;
  take_digits(json);
  fuzz_check(!zero || json->at == whole + 1, "a number with a zero in front");
  if (peek(json) == '.') {
    json->at++;
    take_digits(json);
  }
  memcpy(out, json->text + from, json->at - from);
  return json->at - from;
}

size_t json_find(const char *text, size_t len, const char *key, char *out, size_t *out_len) {
  struct json json = {text, len, 0};
  char *name = fuzz_memory(len), *value = fuzz_memory(len);
  size_t found = 0;
  expect(&json, '{');
  for (bool more = peek(&json) != '}'; more; more = peek(&json) == ',' && take(&json) == ',') {
    struct wsl_span name_span = {name, take_string(&json, name)};
    expect(&json, ':');
    size_t value_len = peek(&json) == '"' ? take_string(&json, value) : take_number(&json, value);
    if (key == NULL || !wsl_span_equal(name_span, wsl_span_of(key))) continue;
    found++;
    if (out != NULL) memcpy(out, value, *out_len = value_len);
  }
  expect(&json, '}');
  fuzz_check(json.at == len, "nothing behind the object");
  free(name);
  free(value);
  return found;
}
