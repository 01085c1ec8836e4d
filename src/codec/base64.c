/* Base64: see wsluice/base64.h. The decoder lets each byte go with the digit that completes it, so it holds
 * six bits at most and its output never overtakes its input, wherever the text was cut.
 */
#include <wsluice/base64.h>

#define GROUP_DIGITS 4u
#define GROUP_BYTES  3u
#define DIGIT_BITS   6u
#define SIX_BITS     0x3Fu

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { SPACE = 0x40, PAD = 0x41, NO_DIGIT = 0xFF }; /* beside 0 to 0x3F */

size_t wsl_base64_len(size_t len) {
  return (len + GROUP_BYTES - 1) / GROUP_BYTES * GROUP_DIGITS;
}

static uint8_t digit_at(uint32_t group, unsigned shift) {
  return (uint8_t)alphabet[group >> shift & SIX_BITS];
}

void wsl_base64_encode(uint8_t *out, const uint8_t *data, size_t len) {
  for (; len >= GROUP_BYTES; len -= GROUP_BYTES, data += GROUP_BYTES, out += GROUP_DIGITS) {
    uint32_t group = (uint32_t)data[0] << 16 | (uint32_t)data[1] << 8 | data[2];
    out[0] = digit_at(group, 18);
    out[1] = digit_at(group, 12);
    out[2] = digit_at(group, 6);
    out[3] = digit_at(group, 0);
  }
  if (len == 0) return;
  uint32_t group = (uint32_t)data[0] << 16 | (len > 1 ? (uint32_t)data[1] << 8 : 0);
  out[0] = digit_at(group, 18);
  out[1] = digit_at(group, 12);
  out[2] = len > 1 ? digit_at(group, 6) : '=';
  out[3] = '=';
}

/* clang-format off */
/* Where a digit stands in the alphabet, from 1 on; what is none has 0, and blanks and padding their names. */
static const uint8_t places[256] = {
    ['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
    ['+'] = 63, ['/'] = 64,
    ['='] = PAD + 1,
    [' '] = SPACE + 1, ['\t'] = SPACE + 1, ['\r'] = SPACE + 1, ['\n'] = SPACE + 1,
};
/* clang-format on */

/* The value of a digit, or one of the names above it. By a table: digits are hard to guess for branches. */
static uint8_t value_of(uint8_t byte) {
  return (uint8_t)(places[byte] - 1);
}

void wsl_base64_init(struct wsl_base64_decoder *decoder) {
  *decoder = (struct wsl_base64_decoder){0, 0, 0};
}

static bool take_pad(struct wsl_base64_decoder *d) {
  if (d->digits < 2 || d->digits + d->pads == GROUP_DIGITS) return false;
  d->pads++;
  return true;
}

/* Takes a digit; returns how many bytes it completed, 0 or 1. */
static size_t take_digit(struct wsl_base64_decoder *d, uint8_t digit, uint8_t *out) {
  /* Bits that wait: 0, 6, 4, 2. */
  unsigned waiting = d->digits == 0 ? 0 : 2 * (GROUP_DIGITS - d->digits);
  unsigned bits = (unsigned)d->bits << DIGIT_BITS | digit;
  d->bits = (uint8_t)bits; /* more than wait: what is above those leaves every byte by its cast */
  d->digits = (uint8_t)((d->digits + 1) % GROUP_DIGITS);
  if (waiting == 0) return 0;
  *out = (uint8_t)(bits >> (waiting + DIGIT_BITS - 8));
  return 1;
}

/* Whole groups without blanks or padding, at least 6 times as fast as digit by digit; returns their digits.
 */
static size_t decode_groups(uint8_t *out, const uint8_t *text, size_t len) {
  size_t at = 0;
  for (; len - at >= GROUP_DIGITS; at += GROUP_DIGITS, out += GROUP_BYTES) {
    uint8_t a = value_of(text[at]), b = value_of(text[at + 1]);
    uint8_t c = value_of(text[at + 2]), d = value_of(text[at + 3]);
    if ((a | b | c | d) > SIX_BITS) break;
    out[0] = (uint8_t)(a << 2 | b >> 4);
    out[1] = (uint8_t)(b << 4 | c >> 2);
    out[2] = (uint8_t)(c << 6 | d);
  }
  return at;
}

size_t wsl_base64_decode(struct wsl_base64_decoder *decoder, uint8_t *out, const uint8_t *text, size_t len,
                         size_t *out_len) {
  struct wsl_base64_decoder d = *decoder;
  size_t at = 0, written = 0;
  for (; at < len; at++) {
    if (d.digits == 0) { /* so nothing is padded yet */
      size_t digits = decode_groups(out + written, text + at, len - at);
      at += digits;
      written += digits / GROUP_DIGITS * GROUP_BYTES;
      if (at == len) break;
    }
    uint8_t value = value_of(text[at]);
    if (value == SPACE) continue;
    if (value == NO_DIGIT || (value == PAD ? !take_pad(&d) : d.pads > 0)) break;
    if (value != PAD) written += take_digit(&d, value, out + written);
  }
  *decoder = d;
  *out_len = written;
  return at;
}

bool wsl_base64_complete(const struct wsl_base64_decoder *decoder) {
  if (decoder->pads > 0) return decoder->digits + decoder->pads == GROUP_DIGITS;
  return decoder->digits != 1;
}
