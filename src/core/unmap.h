/* Giving a mapping back, for certain.
 *
 * Neighbouring maps are one to the kernel, and a process may have only so many (vm.max_map_count): taking one
 * out of their middle makes one more and may be refused.
 */
#ifndef CORE_UNMAP_H
#define CORE_UNMAP_H

#include <stddef.h>

/* Unmaps memory[0..len), which is mmap()ed, private and anonymous. Where the kernel refuses, its pages go all
 * the same, and only its addresses stay. */
void unmap(void *memory, size_t len);

#endif
