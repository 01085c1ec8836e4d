/* Base64 (RFC 4648 section 4): the encoder for whoever needs one, and a decoder as the subprotocol "base64"
 * wants it, where each message is a text of its own, with its own padding. Pure; no allocation.
 */
#ifndef WSLUICE_BASE64_H
#define WSLUICE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the text of `len` bytes, padding included. */
size_t wsl_base64_len(size_t len);

/* Writes the text of data[0..len) to `out`: wsl_base64_len(len) bytes, no NUL. Both may lie in one buffer, as
 * long as the text ends at or before data + len: then no byte is written over before it was read. */
void wsl_base64_encode(uint8_t *out, const uint8_t *data, size_t len);

/* The text of one message, which may come in any pieces. */
struct wsl_base64_decoder {
  uint8_t bits;   /* of digits that did not make a byte yet */
  uint8_t digits; /* in the group of four */
  uint8_t pads;   /* "=" in it: the text ends with the group */
};

/* At the start of a message. */
void wsl_base64_init(struct wsl_base64_decoder *decoder);

/* Decodes text[0..len) to `out`, which may be `text` or any place before it: no piece brings more bytes than
 * it has. White space (space, tab, CR, LF) is skipped. Returns how many bytes of text are fine: len, or the
 * index of the first that has no place here; *out_len is how many bytes came out. */
size_t wsl_base64_decode(struct wsl_base64_decoder *decoder, uint8_t *out, const uint8_t *text, size_t len,
                         size_t *out_len);

/* Whether the text may end here: the padding may be missing, but neither half of it nor six bits alone. */
bool wsl_base64_complete(const struct wsl_base64_decoder *decoder);

#endif
