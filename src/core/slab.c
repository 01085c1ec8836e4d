/* Slab pages: mmap()ed, aligned to their own size, so that an object's address leads to its page.
 *
 *   | header | used bits | slot | slot | slot ...                 |
 *   ^ multiple of page_size
 *
 * Which slots are taken stands in bits before the slots and not in a list through them: a free slot's
 * bytes are never touched (so they can be poisoned), and giving one back twice is seen for certain.
 */
#include "core/slab.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "core/unmap.h"

#if defined(__SANITIZE_ADDRESS__)
#define SLAB_WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_WITH_ASAN 1
#endif
#endif

#ifdef SLAB_WITH_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(at, len)   ASAN_POISON_MEMORY_REGION(at, len)
#define UNPOISON(at, len) ASAN_UNPOISON_MEMORY_REGION(at, len)
/* Bytes left poisoned behind every object, so that running off its end shows too. */
#define SLOT_GAP_BYTES 16u
#else
#define POISON(at, len)   ((void)(at), (void)(len))
#define UNPOISON(at, len) ((void)(at), (void)(len))
#define SLOT_GAP_BYTES    0u
#endif

/* A multiple of every system page size in use; big enough that mmap() calls are rare. */
#define PAGE_BYTES_MIN   (64u * 1024u)
#define OBJECTS_MIN      8u
#define SLOT_ALIGN_BYTES 16u
#define BITS_A_WORD      64u

struct page {
  struct list node; /* in one of the slab's three lists */
  struct slab *slab;
  size_t in_use;
  size_t fresh;    /* slots from here on were never handed out: still zero from the kernel */
  uint64_t used[]; /* a bit a slot; the last word's spare bits are 0 */
};

static size_t align_up(size_t n, size_t to) {
  return (n + to - 1) / to * to;
}

static size_t slot_size(const struct slab *slab) {
  return align_up(slab->object_size, SLOT_ALIGN_BYTES) + SLOT_GAP_BYTES;
}

static size_t words_for(size_t slots) {
  return (slots + BITS_A_WORD - 1) / BITS_A_WORD;
}

/* Where the slots of a page with that many of them begin. */
static size_t first_slot_offset(size_t slots) {
  return align_up(sizeof(struct page) + words_for(slots) * sizeof(uint64_t), SLOT_ALIGN_BYTES);
}

static char *slot_at(const struct slab *slab, struct page *page, size_t slot) {
  return (char *)page + first_slot_offset(slab->objects_a_page) + slot * slot_size(slab);
}

void slab_init(struct slab *slab, size_t object_size) {
  assert(object_size > 0 && object_size <= SIZE_MAX / (4 * OBJECTS_MIN));
  *slab = (struct slab){.object_size = object_size, .page_size = PAGE_BYTES_MIN};
  list_init(&slab->partial);
  list_init(&slab->full);
  list_init(&slab->empty);

  size_t needed = first_slot_offset(OBJECTS_MIN) + OBJECTS_MIN * slot_size(slab);
  while (slab->page_size < needed)
    slab->page_size *= 2; /* a power of two: page_of() masks */
  size_t slots = (slab->page_size - sizeof(struct page)) / slot_size(slab);
  while (first_slot_offset(slots) + slots * slot_size(slab) > slab->page_size)
    slots--;
  slab->objects_a_page = slots;
}

size_t slab_bytes_each(const struct slab *slab) {
  return (slab->page_size + slab->objects_a_page - 1) / slab->objects_a_page;
}

/* Maps `size` bytes at a multiple of `size`, a power of two; NULL when there is no memory. The kernel
 * puts maps side by side, so after the first one the plain try mostly comes out aligned. */
static void *map_aligned(size_t size) {
  const int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
  void *plain = mmap(NULL, size, protection, flags, -1, 0);
  if (plain == MAP_FAILED) return NULL;
  if (((uintptr_t)plain & (size - 1)) == 0) return plain;
  unmap(plain, size);

  char *wide = mmap(NULL, 2 * size, protection, flags, -1, 0);
  if (wide == MAP_FAILED) return NULL;
  size_t before = (size - ((uintptr_t)wide & (size - 1))) & (size - 1);
  if (before > 0) unmap(wide, before);
  if (before < size) unmap(wide + before + size, size - before);
  return wide + before;
}

/* An empty page in no list, or NULL. */
static struct page *page_new(struct slab *slab) {
  struct page *page = map_aligned(slab->page_size);
  if (!page) return NULL;
  list_init(&page->node);
  page->slab = slab;
  size_t head = first_slot_offset(slab->objects_a_page);
  POISON((char *)page + head, slab->page_size - head);
  slab->pages++;
  return page;
}

static void page_free(struct slab *slab, struct page *page) {
  assert(page->in_use == 0);
  list_remove(&page->node);
  /* The shadow outlives the mapping: what is mapped here next must not be born poisoned. */
  UNPOISON(page, slab->page_size);
  unmap(page, slab->page_size);
  slab->pages--;
}

static struct page *page_of(const struct slab *slab, void *object) {
  struct page *page = (struct page *)(void *)((char *)object - ((uintptr_t)object & (slab->page_size - 1)));
  assert(page->slab == slab);
  return page;
}

/* A page with a free slot: a begun one before the empty one, so that pages can become empty. */
static struct page *page_with_room(struct slab *slab) {
  if (!list_empty(&slab->partial)) return LIST_ENTRY(slab->partial.next, struct page, node);
  if (!list_empty(&slab->empty)) return LIST_ENTRY(slab->empty.next, struct page, node);
  return page_new(slab);
}

/* The lowest free slot: what is in use stays packed, and fresh slots come last. */
static size_t lowest_free(const struct slab *slab, const struct page *page) {
  size_t word = 0;
  while (page->used[word] == UINT64_MAX)
    word++;
  size_t slot = word * BITS_A_WORD + (size_t)__builtin_ctzll(~page->used[word]);
  assert(slot < slab->objects_a_page);
  (void)slab;
  return slot;
}

/* Puts the page into the list that its count of used slots belongs to. */
static void list_by_use(struct slab *slab, struct page *page) {
  list_remove(&page->node);
  struct list *list = &slab->partial;
  if (page->in_use == 0) list = &slab->empty;
  if (page->in_use == slab->objects_a_page) list = &slab->full;
  list_append(list, &page->node);
}

void *slab_take(struct slab *slab) {
  struct page *page = page_with_room(slab);
  if (!page) return NULL;
  size_t slot = lowest_free(slab, page);
  page->used[slot / BITS_A_WORD] |= UINT64_C(1) << slot % BITS_A_WORD;
  page->in_use++;
  slab->in_use++;
  if (page->in_use == 1 || page->in_use == slab->objects_a_page) list_by_use(slab, page);

  char *object = slot_at(slab, page, slot);
  UNPOISON(object, slab->object_size);
  if (slot < page->fresh) {
    memset(object, 0, slab->object_size);
  } else {
    page->fresh = slot + 1;
  }
  return object;
}

void slab_give(struct slab *slab, void *object) {
  if (!object) return;
  struct page *page = page_of(slab, object);
  size_t offset = (size_t)((char *)object - slot_at(slab, page, 0));
  size_t slot = offset / slot_size(slab);
  uint64_t bit = UINT64_C(1) << slot % BITS_A_WORD;
  assert(offset % slot_size(slab) == 0 && slot < slab->objects_a_page);
  assert(page->used[slot / BITS_A_WORD] & bit); /* else it was given back twice */

  POISON(object, slab->object_size);
  page->used[slot / BITS_A_WORD] &= ~bit;
  page->in_use--;
  slab->in_use--;
  if (page->in_use == 0 && !list_empty(&slab->empty)) {
    page_free(slab, page);
  } else if (page->in_use == 0 || page->in_use == slab->objects_a_page - 1) {
    list_by_use(slab, page);
  }
}

void slab_destroy(struct slab *slab) {
  assert(slab->in_use == 0 && list_empty(&slab->partial) && list_empty(&slab->full));
  while (!list_empty(&slab->empty))
    page_free(slab, LIST_ENTRY(slab->empty.next, struct page, node));
}
