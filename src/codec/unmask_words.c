/* Unmasking in words of 64 bits, for processors of which we know no vectors. */
#include "codec/unmask.h"

typedef uint64_t word __attribute__((UNMASK_ANYWHERE));

#define UNMASK_NAME   unmask_words
#define UNMASK_VECTOR word
#define UNMASK_TARGET
#include "codec/unmask_loop.h"
