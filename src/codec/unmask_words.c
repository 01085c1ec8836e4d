/* Unmasking in words of 64 bits, for processors of which we know no vectors. */
#include <string.h>

#include "codec/unmask.h"

#define UNMASK_NAME   unmask_words
#define UNMASK_VECTOR uint64_t
#define UNMASK_TARGET
#include "codec/unmask_loop.h"
