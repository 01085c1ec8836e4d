/* Unmasking (RFC 6455 5.3): XOR with four bytes over and over, in words of 64 bits.
 *
 * The one place that knows how bytes are XORed fast; a variant for a machine's vector registers
 * replaces xor_words() and nothing else.
 *
 * Source and destination may overlap with dst at or before data. Going upwards, a store to dst[i..i+n)
 * ends at or before data[i+n), so that it only ever hits bytes that were loaded already.
 */
#include <string.h>

#include <wsluice/frame.h>

#define WORD sizeof(uint64_t)
#define STEP (4 * WORD) /* enough loads in flight to keep up with the cache */

/* XORs as many whole words of data[0..len) as there are; returns how many bytes that was. A word is a
 * whole number of masks, so the phase stays the same throughout. */
static size_t xor_words(uint8_t *dst, const uint8_t *data, size_t len, uint64_t mask) {
  size_t i = 0;
  for (; len - i >= STEP; i += STEP) {
    uint64_t word[4];
    memcpy(word, data + i, STEP); /* all loads before the first store: they may overlap */
    word[0] ^= mask;
    word[1] ^= mask;
    word[2] ^= mask;
    word[3] ^= mask;
    memcpy(dst + i, word, STEP);
  }
  for (; len - i >= WORD; i += WORD) {
    uint64_t word;
    memcpy(&word, data + i, WORD);
    word ^= mask;
    memcpy(dst + i, &word, WORD);
  }
  return i;
}

void wsl_unmask(uint8_t *dst, const uint8_t *data, size_t len, const uint8_t mask[4]) {
  uint32_t mask_once;
  memcpy(&mask_once, mask, sizeof(mask_once));
  if (mask_once == 0) { /* some clients send it on purpose, to save both sides the work */
    if (dst != data && len > 0) memmove(dst, data, len);
    return;
  }
  /* Byte order does not matter: both halves of the word hold the mask as it lies in memory. */
  uint64_t mask_twice = ((uint64_t)mask_once << 32) | mask_once;
  size_t i = xor_words(dst, data, len, mask_twice);
  for (; i < len; i++)
    dst[i] = data[i] ^ mask[i % 4];
}
