/* See codec/text/jose.h. */
#include "codec/text/jose.h"

int jose_split(struct wsl_span token, struct jose_parts *parts) {
  if (token.len == 0 || token.len > JOSE_TOKEN_MAX) return WSL_INVALID;
  const char *at = token.at, *end = token.at + token.len;
  size_t count = 0;
  for (;;) {
    if (count == JWE_PARTS) return WSL_INVALID;
    const char *dot = memchr(at, '.', (size_t)(end - at));
    const char *stop = dot == NULL ? end : dot;
    parts->part[count++] = (struct wsl_span){at, (size_t)(stop - at)};
    if (dot == NULL) break;
    at = dot + 1;
  }
  parts->count = count;
  return count == JWS_PARTS || count == JWE_PARTS ? WSL_OK : WSL_INVALID;
}

static int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  return c == '_' ? 63 : -1;
}

int base64url_decode(struct wsl_span text, enum base64url_tail tail, uint8_t *out, size_t *len) {
  uint32_t bits = 0;
  unsigned held = 0; /* of `bits`, not yet written: 0, 2, 4 or 6 */
  size_t written = 0;
  if (text.len % 4 == 1) return WSL_INVALID;
  for (size_t i = 0; i < text.len; i++) {
    int value = value_of(text.at[i]);
    if (value < 0) return WSL_INVALID;
    bits = bits << 6 | (uint32_t)value;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out[written++] = (uint8_t)(bits >> held);
    bits &= (1u << held) - 1;
  }
  if (bits != 0 && tail == BASE64URL_TAIL_ZERO) return WSL_INVALID;
  *len = written;
  return WSL_OK;
}
