/* Unmasking with arm64's NEON, which every such processor has, so that nothing is to be chosen. */
#include "codec/unmask.h"

#if defined(__aarch64__)

typedef uint64_t neon_vector __attribute__((vector_size(16), UNMASK_ANYWHERE));

#define UNMASK_NAME   unmask_neon
#define UNMASK_VECTOR neon_vector
#define UNMASK_TARGET
#include "codec/unmask_loop.h"

#endif
