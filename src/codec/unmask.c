/* Unmasking (RFC 6455 5.3): short payloads inline, long ones by the variant that suits the processor.
 *
 * The choice is made once, before main() and so before there are threads, and is only read from then on.
 * Should anything be unmasked before that, it is in words, which every processor can do.
 */
#include <string.h>

#include <wsluice/frame.h>

#include "codec/unmask.h"
#include "codec/unmask_short.h"

static bool always(void) {
  return true;
}

#if defined(__x86_64__)

/* These also ask the system whether it saves the registers (XGETBV). */
static bool has_avx2(void) {
  return __builtin_cpu_supports("avx2");
}

static bool has_avx512(void) {
  return __builtin_cpu_supports("avx512f");
}

/* AVX-512 pays from Intel's Ice Lake and AMD's Zen 4 on, which are the first with VBMI2: a store of 64 bytes
 * fills a cache line, and 512 bits hardly cost any clock. On Zen 4, which splits them, it is 16 % faster than
 * AVX2 at 256 bytes, 5 % slower at 1 KB, and as fast from 4 KB on (bench/micro). Intel's before (Skylake-SP
 * to Cooper Lake) lower the core's clock for about a millisecond once 512 bits are used, and halt it for some
 * 10 us to do so: a worker that unmasks now and then would have all its other work slowed down, for a loop
 * that waits for the cache. */
static bool avx512_pays(void) {
  return has_avx512() && __builtin_cpu_supports("avx512vbmi2");
}

#endif

static const struct unmask_variant variants[] = {
#if defined(__x86_64__)
    {"avx512", unmask_avx512, has_avx512, avx512_pays},
    {"avx2", unmask_avx2, has_avx2, has_avx2},
    {"sse2", unmask_sse2, always, always},
#elif defined(__aarch64__)
    {"neon", unmask_neon, always, always},
#endif
    {"words", unmask_words, always, always},
};

#define VARIANTS (sizeof(variants) / sizeof(variants[0]))

static const struct unmask_variant *chosen = &variants[VARIANTS - 1];

const struct unmask_variant *unmask_first_that_pays(const struct unmask_variant *variant) {
  while (!variant->pays_here())
    variant++;
  return variant;
}

__attribute__((constructor)) static void choose(void) {
#if defined(__x86_64__)
  __builtin_cpu_init(); /* the compiler's own constructor for it may come after this one */
#endif
  chosen = unmask_first_that_pays(variants);
}

const struct unmask_variant *unmask_variants(size_t *count) {
  *count = VARIANTS;
  return variants;
}

const struct unmask_variant *unmask_chosen(void) {
  return chosen;
}

void unmask_choose(const struct unmask_variant *variant) {
  chosen = variant;
}

void wsl_unmask(uint8_t *dst, const uint8_t *data, size_t len, const uint8_t mask[4]) {
  uint32_t mask_word;
  memcpy(&mask_word, mask, sizeof(mask_word));
  if (len <= UNMASK_SHORT_MAX) {
    unmask_short(dst, data, len, mask_word);
  } else if (mask_word != 0) {
    chosen->run(dst, data, len, mask_word);
  } else if (dst != data) { /* some clients mask with zeros on purpose, to save both sides the work */
    memmove(dst, data, len);
  }
}
