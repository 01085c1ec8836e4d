/* See codec/basic.h. */
#include "codec/basic.h"

#include <stdint.h>

#include <wsluice/utf8.h>

/* "user:password", decoded. What is longer is nobody's; what decodes to more is not even looked at. */
#define TEXT_MAX (BASIC_USER_MAX + 1u + BASIC_PASSWORD_MAX)

#define BYTES_A_GROUP 3u
#define CHARS_A_GROUP 4u

/* RFC 4648 table 1, or -1. */
static int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

/* Decodes one group of four characters, of which the last `padding` are "=". Bits that stand for no byte must
 * be 0 (RFC 4648 3.5), so that a text has one form only. */
static bool decode_group(const char *at, size_t padding, uint8_t out[BYTES_A_GROUP]) {
  uint32_t bits = 0;
  for (size_t i = 0; i < CHARS_A_GROUP - padding; i++) {
    int value = base64_value(at[i]);
    if (value < 0) return false;
    bits |= (uint32_t)value << (18 - 6 * i);
  }
  out[0] = (uint8_t)(bits >> 16);
  out[1] = (uint8_t)(bits >> 8);
  out[2] = (uint8_t)bits;
  return padding == 0 || (bits & (padding == 1 ? 0xffu : 0xffffu)) == 0;
}

static size_t padding_of(struct wsl_span text) {
  size_t padding = 0;
  while (padding < 2 && padding < text.len && text.at[text.len - 1 - padding] == '=')
    padding++;
  return padding;
}

/* Decodes all of it to out[0..text.len / 4 * 3), *len bytes. */
static bool decode_base64(struct wsl_span text, uint8_t *out, size_t *len) {
  if (text.len == 0 || text.len % CHARS_A_GROUP != 0) return false;
  size_t padding = padding_of(text);
  size_t groups = text.len / CHARS_A_GROUP;
  for (size_t i = 0; i < groups; i++) {
    size_t here = i + 1 == groups ? padding : 0;
    if (!decode_group(text.at + i * CHARS_A_GROUP, here, out + i * BYTES_A_GROUP)) return false;
  }
  *len = groups * BYTES_A_GROUP - padding;
  return true;
}

/* RFC 7617 2: neither may hold control characters. */
static bool has_controls(struct wsl_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if ((uint8_t)text.at[i] < ' ' || text.at[i] == 0x7f) return true;
  }
  return false;
}

/* Copies with a NUL behind it, ISO 8859-1 made UTF-8 where `latin` says so. False: it is longer than `max`.
 */
static bool put(struct wsl_span text, bool latin, char *out, size_t max, size_t *len) {
  size_t written = 0;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t byte = (uint8_t)text.at[i];
    bool two = latin && byte >= 0x80;
    if (written + (two ? 2u : 1u) > max) return false;
    if (two) out[written++] = (char)(0xc0u | byte >> 6);
    out[written++] = (char)(two ? 0x80u | (byte & 0x3fu) : byte);
  }
  out[written] = '\0';
  *len = written;
  return true;
}

enum basic_result basic_split(struct wsl_span text, struct basic_login *login) {
  const char *colon = text.len > 0 ? memchr(text.at, ':', text.len) : NULL;
  if (colon == NULL || has_controls(text)) return BASIC_MALFORMED;
  size_t user_len = (size_t)(colon - text.at);
  struct wsl_span user = {text.at, user_len};
  struct wsl_span password = {colon + 1, text.len - user_len - 1};
  bool latin = !wsl_utf8_valid((const uint8_t *)text.at, text.len);
  if (!put(user, latin, login->user, BASIC_USER_MAX, &login->user_len) ||
      !put(password, latin, login->password, BASIC_PASSWORD_MAX, &login->password_len))
    return BASIC_TOO_LONG;
  return BASIC_READ;
}

/* Whether all of it could be base64, though it is too long to be decoded. */
static bool looks_like_base64(struct wsl_span text) {
  size_t len = text.len - padding_of(text);
  for (size_t i = 0; i < len; i++) {
    if (base64_value(text.at[i]) < 0) return false;
  }
  return text.len % CHARS_A_GROUP == 0;
}

enum basic_result basic_read(struct wsl_span value, struct basic_login *login) {
  static const char scheme[] = "Basic ";
  const size_t scheme_len = sizeof(scheme) - 1;
  uint8_t text[TEXT_MAX / BYTES_A_GROUP * BYTES_A_GROUP + BYTES_A_GROUP];
  size_t len = 0;
  if (value.len < scheme_len ||
      !wsl_span_equal_nocase((struct wsl_span){value.at, scheme_len}, wsl_span_of(scheme)))
    return BASIC_MALFORMED;
  struct wsl_span encoded = {value.at + scheme_len, value.len - scheme_len};
  while (encoded.len > 0 && encoded.at[0] == ' ') { /* RFC 9110 11.4: 1*SP */
    encoded.at++;
    encoded.len--;
  }
  if (encoded.len / CHARS_A_GROUP * BYTES_A_GROUP > sizeof(text))
    return looks_like_base64(encoded) ? BASIC_TOO_LONG : BASIC_MALFORMED;
  if (!decode_base64(encoded, text, &len)) return BASIC_MALFORMED;
  return basic_split((struct wsl_span){(const char *)text, len}, login);
}
