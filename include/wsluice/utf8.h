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

/* ---- bytes that are to become text (utf8_repair.c) ---- */

#define WSL_UTF8_UNFINISHED_MAX 3u /* bytes that a character not ended yet can have */

/* How many bytes at the end of data[0..len) begin a character that bytes to come may end: 0 to 3. Who cuts a
 * stream keeps them for the next piece; the rest of data is then a text of its own. */
size_t wsl_utf8_unfinished(const uint8_t *data, size_t len);

/* Length of the longest prefix of data[0..len) that is whole, valid UTF-8. */
size_t wsl_utf8_sound(const uint8_t *data, size_t len);

struct wsl_utf8_repaired {
  uint8_t *at; /* the text: at `data`, or before it as far as it had to grow */
  size_t len;  /* it ends where `data` ended */
  size_t replaced;
};

/* Makes data[0..len) valid UTF-8, in place: what is none gives way to U+FFFD, one for each maximal subpart
 * (Unicode 3.9, as browsers and Python do it). Up to 2 * len bytes before `data` must be writable, since one
 * bad byte becomes three; text that is valid stays where it is. */
struct wsl_utf8_repaired wsl_utf8_repair(uint8_t *data, size_t len);

#endif
