/* See core/unmap.h. */
#include "core/unmap.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>

void unmap(void *memory, size_t len) {
  if (munmap(memory, len) == 0) return;
  assert(errno == ENOMEM); /* anything else is no mapping of ours */
  (void)madvise(memory, len, MADV_DONTNEED);
}
