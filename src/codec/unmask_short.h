/* Unmasking of short payloads, inline: no call, no choice of a machine's vectors, no loop.
 *
 * A length is covered by two blocks of one size, one from its start and one up to its end, which overlap
 * in the middle. All is loaded before anything is stored: so both hold what was there, what is stored
 * twice is the same, and dst may lie anywhere at or before data. That keeps to the payload's very bytes;
 * unmask_step() does without a branch on the length where more may be read and written.
 *
 * Blocks are the compiler's generic vectors: SSE2 on x86-64, NEON on arm64, words elsewhere.
 */
#ifndef CODEC_UNMASK_SHORT_H
#define CODEC_UNMASK_SHORT_H

#include <string.h>

#include "codec/unmask.h"

#define UNMASK_STEP UNMASK_SHORT_MAX
#define UNMASK_HALF (UNMASK_STEP / 2)

typedef uint64_t unmask_block __attribute__((vector_size(16), UNMASK_ANYWHERE));

#define UNMASK_BLOCK sizeof(unmask_block)

static inline void unmask_load(unmask_block *block, const uint8_t *data, uint64_t mask) {
  *block = *(const unmask_block *)data ^ mask;
}

static inline void unmask_store(uint8_t *dst, const unmask_block *block) {
  *(unmask_block *)dst = *block;
}

/* 64 to 128 bytes: half a step from each end. */
static inline void unmask_halves(uint8_t *dst, const uint8_t *data, size_t len, uint32_t mask) {
  unmask_block a, b, c, d, e, f, g, h;
  size_t last = len - UNMASK_HALF;
  uint64_t spread = unmask_spread(mask), spread_last = unmask_spread(unmask_rotate(mask, last));
  unmask_load(&a, data, spread);
  unmask_load(&b, data + UNMASK_BLOCK, spread);
  unmask_load(&c, data + 2 * UNMASK_BLOCK, spread);
  unmask_load(&d, data + 3 * UNMASK_BLOCK, spread);
  unmask_load(&e, data + last, spread_last);
  unmask_load(&f, data + last + UNMASK_BLOCK, spread_last);
  unmask_load(&g, data + last + 2 * UNMASK_BLOCK, spread_last);
  unmask_load(&h, data + last + 3 * UNMASK_BLOCK, spread_last);
  unmask_store(dst, &a);
  unmask_store(dst + UNMASK_BLOCK, &b);
  unmask_store(dst + 2 * UNMASK_BLOCK, &c);
  unmask_store(dst + 3 * UNMASK_BLOCK, &d);
  unmask_store(dst + last, &e);
  unmask_store(dst + last + UNMASK_BLOCK, &f);
  unmask_store(dst + last + 2 * UNMASK_BLOCK, &g);
  unmask_store(dst + last + 3 * UNMASK_BLOCK, &h);
}

/* 17 to 64 bytes: one or two blocks from each end; of two that are one, the second is its neighbour. */
static inline void unmask_blocks(uint8_t *dst, const uint8_t *data, size_t len, uint32_t mask) {
  unmask_block a, b, c, d;
  size_t last = len - UNMASK_BLOCK, inner = len > 2 * UNMASK_BLOCK ? UNMASK_BLOCK : 0;
  uint64_t spread = unmask_spread(mask), spread_last = unmask_spread(unmask_rotate(mask, last));
  unmask_load(&a, data, spread);
  unmask_load(&b, data + inner, spread);
  unmask_load(&c, data + last - inner, spread_last);
  unmask_load(&d, data + last, spread_last);
  unmask_store(dst, &a);
  unmask_store(dst + inner, &b);
  unmask_store(dst + last - inner, &c);
  unmask_store(dst + last, &d);
}

/* 8 to 16 bytes. */
static inline void unmask_long_words(uint8_t *dst, const uint8_t *data, size_t len, uint32_t mask) {
  uint64_t first, end;
  size_t last = len - sizeof(end);
  memcpy(&first, data, sizeof(first));
  memcpy(&end, data + last, sizeof(end));
  first ^= unmask_spread(mask);
  end ^= unmask_spread(unmask_rotate(mask, last));
  memcpy(dst, &first, sizeof(first));
  memcpy(dst + last, &end, sizeof(end));
}

/* 4 to 7 bytes. */
static inline void unmask_short_words(uint8_t *dst, const uint8_t *data, size_t len, uint32_t mask) {
  uint32_t first, end;
  size_t last = len - sizeof(end);
  memcpy(&first, data, sizeof(first));
  memcpy(&end, data + last, sizeof(end));
  first ^= mask;
  end ^= unmask_rotate(mask, last);
  memcpy(dst, &first, sizeof(first));
  memcpy(dst + last, &end, sizeof(end));
}

/* 1 to 3 bytes: the first, the last, and one between. */
static inline void unmask_bytes(uint8_t *dst, const uint8_t *data, size_t len, uint32_t mask) {
  uint8_t bytes[sizeof(mask)];
  size_t middle = len / 2, last = len - 1;
  memcpy(bytes, &mask, sizeof(mask));
  uint8_t first = data[0] ^ bytes[0], between = data[middle] ^ bytes[middle], end = data[last] ^ bytes[last];
  dst[0] = first;
  dst[middle] = between;
  dst[last] = end;
}

/* XORs data[0..UNMASK_STEP), all of which may be read, and written at dst, whatever the payload's length. */
static inline void unmask_step(uint8_t *dst, const uint8_t *data, uint32_t mask) {
  unmask_halves(dst, data, UNMASK_STEP, mask);
}

/* XORs data[0..len), len at most UNMASK_SHORT_MAX; otherwise as an unmask_run (codec/unmask.h). */
static inline void unmask_short(uint8_t *dst, const uint8_t *data, size_t len, uint32_t mask) {
  if (len > UNMASK_HALF) {
    unmask_halves(dst, data, len, mask);
  } else if (len > UNMASK_BLOCK) {
    unmask_blocks(dst, data, len, mask);
  } else if (len >= sizeof(uint64_t)) {
    unmask_long_words(dst, data, len, mask);
  } else if (len >= sizeof(uint32_t)) {
    unmask_short_words(dst, data, len, mask);
  } else if (len > 0) {
    unmask_bytes(dst, data, len, mask);
  }
}

#endif
