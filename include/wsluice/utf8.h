/* Incremental UTF-8 validation (RFC 3629) as RFC 6455 8.1 wants it: the first byte that can't
 * continue a valid sequence is found at once, across any cut of the input. Surrogates, overlong
 * forms and code points over U+10FFFF are invalid. Pure; no allocation.
 */
#ifndef WSLUICE_UTF8_H
#define WSLUICE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wsl_utf8 {
  uint8_t left;      /* continuation bytes still to come */
  uint8_t low, high; /* bounds of the next one */
};

void wsl_utf8_init(struct wsl_utf8 *utf8);

/* Checks data[0..len); returns how many bytes are fine: len when all are, else the index of the byte
 * that breaks the sequence. The state is then the one before that byte: wsl_utf8_complete() tells
 * whether the byte cut a sequence short or can't begin one. */
size_t wsl_utf8_feed(struct wsl_utf8 *utf8, const uint8_t *data, size_t len);

/* Whether the text may end here: no sequence is half done. */
bool wsl_utf8_complete(const struct wsl_utf8 *utf8);

/* All of data[0..len) is whole, valid UTF-8. */
bool wsl_utf8_valid(const uint8_t *data, size_t len);

#endif
