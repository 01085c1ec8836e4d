/* The outer form of signed and encrypted tokens: compact serializations (RFC 7515 7.1, RFC 7516 7.1) and the
 * base64url of their parts (RFC 4648 5, without padding as RFC 7515 2 has it). Pure.
 */
#ifndef CODEC_TEXT_JOSE_H
#define CODEC_TEXT_JOSE_H

#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

#include "core/error.h"

/* Longest token: that of the longest request line that we take. */
#define JOSE_TOKEN_MAX 16384u

enum { JWS_HEADER, JWS_PAYLOAD, JWS_SIGNATURE, JWS_PARTS };

enum { JWE_HEADER, JWE_KEY, JWE_IV, JWE_CIPHERTEXT, JWE_TAG, JWE_PARTS };

/* Still encoded; spans point into the token. */
struct jose_parts {
  struct wsl_span part[JWE_PARTS];
  size_t count; /* JWS_PARTS or JWE_PARTS */
};

/* Takes a token apart at its dots. WSL_INVALID when it has neither three parts nor five, or is too long.
 * What the parts hold is not looked at. */
WSL_MUST_CHECK int jose_split(struct wsl_span token, struct jose_parts *parts);

/* Bits of the last character that stand for no byte. */
enum base64url_tail {
  BASE64URL_TAIL_ZERO, /* must be 0, so that bytes have one encoding only */
  BASE64URL_TAIL_ANY   /* are dropped, as most decoders do */
};

/* Room that is enough for what `len` characters stand for. */
static inline size_t base64url_room(size_t len) {
  return len / 4 * 3 + 2;
}

/* Decodes all of `text` to out[0..base64url_room(text.len)), *len bytes; `out` may be the text's own memory.
 * WSL_INVALID for any other character, padding and white space too, and for a length that no bytes have;
 * `out` may have been written to then. */
WSL_MUST_CHECK int base64url_decode(struct wsl_span text, enum base64url_tail tail, uint8_t *out,
                                    size_t *len);

#endif
