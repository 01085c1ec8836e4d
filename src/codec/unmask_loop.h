/* The loop of every variant of unmasking, written once: a file that includes this defines before
 *
 *   UNMASK_NAME     the function
 *   UNMASK_VECTOR   a type of whole uint64_t, as wide as a register, by UNMASK_ANYWHERE
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
#define UNMASK_WIDTH    sizeof(UNMASK_VECTOR)
#define UNMASK_FROM(at) (*(const UNMASK_VECTOR *)(data + (at)))
#define UNMASK_TO(at)   (*(UNMASK_VECTOR *)(dst + (at)))

UNMASK_TARGET void UNMASK_NAME(uint8_t *dst, const uint8_t *data, size_t len, uint32_t mask) {
  size_t last = len - UNMASK_WIDTH, at = UNMASK_WIDTH - (uintptr_t)dst % UNMASK_WIDTH;
  UNMASK_VECTOR first = UNMASK_FROM(0) ^ unmask_spread(mask);
  UNMASK_VECTOR end = UNMASK_FROM(last) ^ unmask_spread(unmask_rotate(mask, last));
  uint64_t spread = unmask_spread(unmask_rotate(mask, at));
  for (; len - at >= 4 * UNMASK_WIDTH; at += 4 * UNMASK_WIDTH) { /* enough loads in flight for the cache */
    UNMASK_VECTOR a = UNMASK_FROM(at) ^ spread;
    UNMASK_VECTOR b = UNMASK_FROM(at + UNMASK_WIDTH) ^ spread;
    UNMASK_VECTOR c = UNMASK_FROM(at + 2 * UNMASK_WIDTH) ^ spread;
    UNMASK_VECTOR d = UNMASK_FROM(at + 3 * UNMASK_WIDTH) ^ spread;
    UNMASK_TO(at) = a;
    UNMASK_TO(at + UNMASK_WIDTH) = b;
    UNMASK_TO(at + 2 * UNMASK_WIDTH) = c;
    UNMASK_TO(at + 3 * UNMASK_WIDTH) = d;
  }
  for (; len - at >= UNMASK_WIDTH; at += UNMASK_WIDTH) {
    UNMASK_VECTOR a = UNMASK_FROM(at) ^ spread;
    UNMASK_TO(at) = a;
  }
  UNMASK_TO(0) = first;
  UNMASK_TO(last) = end;
}

#undef UNMASK_FROM
#undef UNMASK_TO
#undef UNMASK_NAME
#undef UNMASK_VECTOR
#undef UNMASK_TARGET
#undef UNMASK_WIDTH
