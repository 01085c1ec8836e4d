/* The loop of every variant of unmasking, written once: a file that includes this defines before
 *
 *   UNMASK_NAME     the function
 *   UNMASK_VECTOR   a type of whole uint64_t that can be XORed, the width of a register
 *   UNMASK_TARGET   what the compiler has to be told to use it, or nothing
 *
 * No byte is handled alone. The first and the last vector of the payload, at whatever alignment, are loaded
 * before all else and stored behind all else; between them go vectors whose stores are aligned (a store
 * across two cache lines costs two) and which overlap both. What lies under two vectors is stored twice,
 * and is the same.
 *
 * Going upwards, a store to dst[i..i+n) ends at or before data[i+n), since dst lies at or before data: it
 * only ever hits bytes that were loaded already.
 */
#define UNMASK_WIDTH sizeof(UNMASK_VECTOR)

UNMASK_TARGET void UNMASK_NAME(uint8_t *dst, const uint8_t *data, size_t len, uint32_t mask) {
  size_t last = len - UNMASK_WIDTH, at = UNMASK_WIDTH - (uintptr_t)dst % UNMASK_WIDTH;
  UNMASK_VECTOR first, end, a, b, c, d;
  memcpy(&first, data, UNMASK_WIDTH);
  memcpy(&end, data + last, UNMASK_WIDTH);
  first ^= unmask_spread(mask);
  end ^= unmask_spread(unmask_rotate(mask, last));
  uint64_t spread = unmask_spread(unmask_rotate(mask, at));
  for (; len - at >= 4 * UNMASK_WIDTH; at += 4 * UNMASK_WIDTH) { /* enough loads in flight for the cache */
    memcpy(&a, data + at, UNMASK_WIDTH);
    memcpy(&b, data + at + UNMASK_WIDTH, UNMASK_WIDTH);
    memcpy(&c, data + at + 2 * UNMASK_WIDTH, UNMASK_WIDTH);
    memcpy(&d, data + at + 3 * UNMASK_WIDTH, UNMASK_WIDTH);
    a ^= spread;
    b ^= spread;
    c ^= spread;
    d ^= spread;
    memcpy(dst + at, &a, UNMASK_WIDTH);
    memcpy(dst + at + UNMASK_WIDTH, &b, UNMASK_WIDTH);
    memcpy(dst + at + 2 * UNMASK_WIDTH, &c, UNMASK_WIDTH);
    memcpy(dst + at + 3 * UNMASK_WIDTH, &d, UNMASK_WIDTH);
  }
  for (; len - at >= UNMASK_WIDTH; at += UNMASK_WIDTH) {
    memcpy(&a, data + at, UNMASK_WIDTH);
    a ^= spread;
    memcpy(dst + at, &a, UNMASK_WIDTH);
  }
  memcpy(dst, &first, UNMASK_WIDTH);
  memcpy(dst + last, &end, UNMASK_WIDTH);
}

#undef UNMASK_NAME
#undef UNMASK_VECTOR
#undef UNMASK_TARGET
#undef UNMASK_WIDTH
