/* Unmasking with x86-64's vectors: SSE2, which every such processor has, AVX2, and AVX-512.
 *
 * Each function names the instructions that it may use, so that the program starts on any processor and
 * unmask.c chooses when it runs. The compilers put a vzeroupper behind each.
 */
#include "codec/unmask.h"

#if defined(__x86_64__)

typedef uint64_t sse2_vector __attribute__((vector_size(16), UNMASK_ANYWHERE));
typedef uint64_t avx2_vector __attribute__((vector_size(32), UNMASK_ANYWHERE));
typedef uint64_t avx512_vector __attribute__((vector_size(64), UNMASK_ANYWHERE));

#define UNMASK_NAME   unmask_sse2
#define UNMASK_VECTOR sse2_vector
#define UNMASK_TARGET
#include "codec/unmask_loop.h"

#define UNMASK_NAME   unmask_avx2
#define UNMASK_VECTOR avx2_vector
#define UNMASK_TARGET __attribute__((target("avx2")))
#include "codec/unmask_loop.h"

#define UNMASK_NAME   unmask_avx512
#define UNMASK_VECTOR avx512_vector
#define UNMASK_TARGET __attribute__((target("avx512f")))
#include "codec/unmask_loop.h"

#endif
