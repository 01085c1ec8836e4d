/* What the codec's tests share: cmocka, a seeded generator, and copies of exact size, so that a read
 * or write past an end shows under AddressSanitizer. */
#ifndef TEST_CODEC_SUPPORT_H
#define TEST_CODEC_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above before it */
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* xorshift64*: the same numbers on every machine, so that a failure can be run again. */
static inline uint64_t random_next(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C(2685821657736338717);
}

/* 0 to bound - 1. */
static inline size_t random_below(uint64_t *state, size_t bound) {
  return (size_t)((random_next(state) >> 33) % bound);
}

static inline void random_fill(uint64_t *state, uint8_t *out, size_t len) {
  for (size_t i = 0; i < len; i++)
    out[i] = (uint8_t)(random_next(state) >> 56);
}

/* A block of exactly `len` bytes (but never NULL); the caller frees it. */
static inline void *exact_alloc(size_t len) {
  void *block = malloc(len > 0 ? len : 1);
  assert_non_null(block);
  return block;
}

static inline void *exact_copy(const void *data, size_t len) {
  void *block = exact_alloc(len);
  if (len > 0) memcpy(block, data, len);
  return block;
}

#endif
