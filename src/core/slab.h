/* Slab: objects of one size from pages that go back to the system when they are empty.
 *
 * For what comes and goes by the thousand (sessions, connections). Not thread-safe: one slab
 * belongs to one worker. Under AddressSanitizer free slots are poisoned, so that use after free shows.
 */
#ifndef CORE_SLAB_H
#define CORE_SLAB_H

#include <stddef.h>

#include "core/list.h"

struct slab {
  size_t object_size;
  size_t objects_a_page;
  size_t page_size;
  struct list partial; /* pages with at least one free slot and one in use */
  struct list full;    /* pages without a free slot                        */
  struct list empty;   /* at most one page is kept here, so that a steady trickle does not mmap */
  size_t in_use;       /* objects handed out */
  size_t pages;
};

/* Objects of `object_size` bytes, 16-byte aligned. No allocation yet. The slab must not be moved
 * afterwards: its pages point at it. */
void slab_init(struct slab *slab, size_t object_size);

/* Frees the pages. Every object must have been given back (asserted). */
void slab_destroy(struct slab *slab);

/* A zeroed object, or NULL when the system has no memory. */
void *slab_take(struct slab *slab);

/* Bytes of memory that an object costs, its share of what pages hold beside objects included. */
size_t slab_bytes_each(const struct slab *slab);

/* Gives an object of this slab back; NULL is ignored. Twice is asserted against. */
void slab_give(struct slab *slab, void *object);

#endif
