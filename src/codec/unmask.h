/* Unmasking with the machine's vector registers; private to the codec, its tests and its benchmarks.
 *
 * Payloads of up to UNMASK_SHORT_MAX bytes are unmask_short()'s (unmask_short.h): inline, and the same
 * code on every machine. For longer ones there is a variant for each kind of vectors, of which one is
 * chosen before main():
 *
 *   unmask_x86.c    SSE2, AVX2, AVX-512; the compiler is told by function, the build needs no flag
 *   unmask_neon.c   NEON, which every arm64 has
 *   unmask_words.c  64-bit words, for whatever else there is
 */
#ifndef CODEC_UNMASK_H
#define CODEC_UNMASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Up to here unmask_short() beats a call through a pointer (measured: bench/micro); it covers all
 * frames with a length of 7 bits. */
#define UNMASK_SHORT_MAX 128u

/* XORs data[0..len) with `mask`: its four bytes as they lie in memory, the first of which fits data[0].
 * len is more than UNMASK_SHORT_MAX.
 *
 * dst may be data or any place before it, overlapping, at any alignment. Nothing outside data[0..len) is
 * read, nothing outside dst[0..len) is written. */
typedef void unmask_run(uint8_t *dst, const uint8_t *data, size_t len, uint32_t mask);

struct unmask_variant {
  const char *name;
  unmask_run *run;
  bool (*runs_here)(void); /* the processor and the system have what it needs */
  bool (*pays_here)(void); /* and it is no slower than those behind it in the list */
};

/* All variants compiled for this architecture, the most wanted first; the last runs everywhere. */
const struct unmask_variant *unmask_variants(size_t *count);

/* The first of a list that pays on this processor; one does. */
const struct unmask_variant *unmask_first_that_pays(const struct unmask_variant *variants);

/* The one that wsl_unmask() uses: the first of all that pays here. */
const struct unmask_variant *unmask_chosen(void);

/* For tests and benchmarks, while there is one thread: has wsl_unmask() use `variant`, which runs here. */
void unmask_choose(const struct unmask_variant *variant);

/* Attributes of a type that may be read and written at any address, whatever lies there. Not memcpy(): clang
 * with _FORTIFY_SOURCE then keeps vectors on the stack, for a third of the speed. */
#define UNMASK_ANYWHERE aligned(1), may_alias

unmask_run unmask_words;
#if defined(__x86_64__)
unmask_run unmask_sse2, unmask_avx2, unmask_avx512;
#elif defined(__aarch64__)
unmask_run unmask_neon;
#endif

/* The mask as it looks to a byte that lies `count` further on. */
static inline uint32_t unmask_rotate(uint32_t mask, size_t count) {
  uint64_t twice = ((uint64_t)mask << 32) | mask;
  unsigned bits = (unsigned)(count % sizeof(mask)) * 8;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  return (uint32_t)((twice << bits) >> 32);
#else
  return (uint32_t)(twice >> bits);
#endif
}

/* Eight bytes of it. Either byte order: both halves hold the mask as it lies in memory. */
static inline uint64_t unmask_spread(uint32_t mask) {
  return ((uint64_t)mask << 32) | mask;
}

#endif
