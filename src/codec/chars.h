/* Which bytes may stand where in a request head: classes of characters, one table for all of them. */
#ifndef CODEC_CHARS_H
#define CODEC_CHARS_H

#include <stdbool.h>
#include <stdint.h>

#include <wsluice/span.h>

enum char_class {
  CHAR_TOKEN = 1,  /* tchar (RFC 9110 5.6.2): methods, field names, list elements */
  CHAR_TARGET = 2, /* a request target: 21 to 7E without "#"; its parts are judged later */
  CHAR_VALUE = 4,  /* field values (RFC 9110 5.5), SP and HTAB included */
  CHAR_HOST = 8    /* reg-name (RFC 3986 3.2.2) but percent escapes */
};

extern const uint8_t char_classes[256];

static inline bool char_is(char byte, enum char_class class) {
  return (char_classes[(uint8_t)byte] & class) != 0;
}

static inline bool char_is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

static inline bool char_is_blank(char byte) {
  return byte == ' ' || byte == '\t';
}

/* Without the blanks at both ends: OWS (RFC 9110 5.6.3). */
static inline struct wsl_span trim_blanks(struct wsl_span text) {
  while (text.len > 0 && char_is_blank(text.at[0])) {
    text.at++;
    text.len--;
  }
  while (text.len > 0 && char_is_blank(text.at[text.len - 1]))
    text.len--;
  return text;
}

/* What "\s" stands for in a regular expression over ASCII. */
static inline bool char_is_space(char byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static inline bool char_is_control(char byte) {
  return (uint8_t)byte < ' ' || byte == 0x7f;
}

#endif
