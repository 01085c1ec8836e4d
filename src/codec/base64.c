/* Base64: see wsluice/base64.h. The decoder lets each byte go with the digit that completes it, so it holds
 * six bits at most and its output never overtakes its input, wherever the text was cut.
 */
#include <wsluice/base64.h>

#define GROUP_DIGITS 4u
#define GROUP_BYTES  3u
#define DIGIT_BITS   6u
#define SIX_BITS     0x3Fu

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { SPACE = 64, PAD = 65, NO_DIGIT = 66 };

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

/* The value of a digit, or one of the names above it. */
static uint8_t value_of(uint8_t byte) {
  if (byte >= 'A' && byte <= 'Z') return (uint8_t)(byte - 'A');
  if (byte >= 'a' && byte <= 'z') return (uint8_t)(byte - 'a' + 26);
  if (byte >= '0' && byte <= '9') return (uint8_t)(byte - '0' + 52);
  switch (byte) {
    case '+':
      return 62;
    case '/':
      return 63;
    case '=':
      return PAD;
    case ' ':
    case '\t':
    case '\r':
    case '\n':
      return SPACE;
    default:
      return NO_DIGIT;
  }
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

size_t wsl_base64_decode(struct wsl_base64_decoder *decoder, uint8_t *out, const uint8_t *text, size_t len,
                         size_t *out_len) {
  struct wsl_base64_decoder d = *decoder;
  size_t at = 0, written = 0;
  for (; at < len; at++) {
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
