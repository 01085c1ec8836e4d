/* A preloaded allocator that refuses the n-th request, for tests/faults (refusing.py drives it).
 *
 * LD_PRELOAD puts it before the C library, and before the sanitizer's runtime where there is one, so that it
 * sees every request of wsluice, of mbedTLS, libuv and c-ares, and of the C library's own (fopen, opendir).
 * A test and this library share a piece of memory, the file that $REFUSING_PAGE names: the test arms a
 * refusal there and reads what was seen, refused and is still held.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

#define FRAMES_MAX 48
#define WAYS_MAX   16384
/* Callers that tell one way to a request from another: further out all are the loop's. */
#define WAY_FRAMES 12
#define HASH_PRIME UINT64_C(0x100000001b3) /* FNV's */

/* Which requests are counted and refused, as bits. */
#define KIND_HEAP 1u
#define KIND_MAPS 2u

/* What is shared; refusing.py has the same fields in the same order. Each is 64 bits wide. */
struct page {
  /* The test's. */
  atomic_uint_fast64_t first; /* refuse from this request on, 1 is the next; 0: count nothing */
  atomic_uint_fast64_t count; /* so many requests in a row */
  atomic_uint_fast64_t kinds;
  atomic_uint_fast64_t notes_ways; /* not 0: note by which way each request came */
  /* Ours. */
  atomic_uint_fast64_t seen; /* requests since `first` was set; the test sets it to 0 before that */
  atomic_uint_fast64_t refused;
  atomic_uint_fast64_t refused_size; /* of the first one that was refused */
  atomic_uint_fast64_t live_blocks;
  atomic_uint_fast64_t live_aligned; /* blocks of posix_memalign() and the like, not among live_blocks */
  atomic_uint_fast64_t mapped_bytes; /* anonymous maps: slabs' pages */
  atomic_uint_fast64_t frames_len;
  atomic_uint_fast64_t frames[FRAMES_MAX]; /* who asked when the first one was refused */
  atomic_uint_fast64_t ways[WAYS_MAX];     /* a hash of the callers of each request seen */
};

_Static_assert(sizeof(atomic_uint_fast64_t) == 8, "refusing.py reads 64 bits a field");

/* Data buffers, of which the pool keeps now more and now fewer: so they are counted apart. */
#define ALIGNED_MAX   256
#define ALIGNED_BYTES 64u
static _Atomic(void *) aligned[ALIGNED_MAX];

static struct page unshared; /* until the constructor has run, and without a test */
static struct page *page = &unshared;

/* Requests that are not the program's: the unwinder's, and a sanitizer's. */
static _Thread_local bool inside __attribute__((tls_model("initial-exec")));

/* What comes behind us: the C library, or a sanitizer's runtime. */
static struct {
  void *(*malloc)(size_t);
  void *(*calloc)(size_t, size_t);
  void *(*realloc)(void *, size_t);
  void *(*memalign)(size_t, size_t);
  void (*free)(void *);
  void *(*mmap)(void *, size_t, int, int, int, off_t);
  int (*munmap)(void *, size_t);
  int (*getattr)(pthread_t, pthread_attr_t *);
  bool searching;
} next;

/* An object pointer is made a function's as POSIX's dlsym() has it. */
static void find(void *function, const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  memcpy(function, &found, sizeof(found));
}

/* Before every use. The first one is the loader's or a constructor's: there are no threads yet. */
static void find_next(void) {
  if (next.munmap != NULL || next.searching) return;
  next.searching = true;
  find(&next.free, "free");
  find(&next.malloc, "malloc");
  find(&next.calloc, "calloc");
  find(&next.realloc, "realloc");
  find(&next.memalign, "memalign");
  find(&next.mmap, "mmap");
  find(&next.getattr, "pthread_getattr_np");
  find(&next.munmap, "munmap");
  next.searching = false;
}

static void attach(void) {
  const char *path = getenv("REFUSING_PAGE");
  if (path == NULL) return;
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) abort();
  struct page *shared = next.mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared == MAP_FAILED) abort();
  close(fd);
  atomic_store(&shared->live_blocks, atomic_load(&unshared.live_blocks));
  page = shared;
}

__attribute__((constructor)) static void begin(void) {
  find_next();
  attach();
}

struct walk {
  uint64_t len;
  uint64_t hash;
};

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *context, void *argument) {
  struct walk *walk = argument;
  if (walk->len == FRAMES_MAX) return _URC_END_OF_STACK;
  atomic_store(&page->frames[walk->len++], _Unwind_GetIP(context));
  return _URC_NO_REASON;
}

/* Not backtrace(): it loads a library at its first call. */
static _Unwind_Reason_Code hash_frame(struct _Unwind_Context *context, void *argument) {
  struct walk *walk = argument;
  if (walk->len++ == WAY_FRAMES) return _URC_END_OF_STACK;
  walk->hash = (walk->hash ^ _Unwind_GetIP(context)) * HASH_PRIME;
  return _URC_NO_REASON;
}

static void note_way(uint64_t number) {
  if (atomic_load(&page->notes_ways) == 0 || number > WAYS_MAX) return;
  struct walk walk = {.len = 0, .hash = 0};
  inside = true;
  (void)_Unwind_Backtrace(hash_frame, &walk);
  inside = false;
  atomic_store(&page->ways[number - 1], walk.hash);
}

static void note_refused(size_t size) {
  if (atomic_fetch_add(&page->refused, 1) > 0) return;
  struct walk walk = {.len = 0, .hash = 0};
  inside = true;
  (void)_Unwind_Backtrace(note_frame, &walk);
  inside = false;
  atomic_store(&page->refused_size, size);
  atomic_store(&page->frames_len, walk.len);
}

static bool refuses(unsigned kind, size_t size) {
  find_next();
  uint64_t first = atomic_load(&page->first);
  if (first == 0 || inside || (atomic_load(&page->kinds) & kind) == 0) return false;
  uint64_t number = atomic_fetch_add(&page->seen, 1) + 1;
  note_way(number);
  if (number < first || number - first >= atomic_load(&page->count)) return false;
  note_refused(size);
  errno = ENOMEM;
  return true;
}

static void *born(void *block) {
  if (block != NULL) atomic_fetch_add(&page->live_blocks, 1);
  return block;
}

void *malloc(size_t size) {
  return refuses(KIND_HEAP, size) ? NULL : born(next.malloc(size));
}

void *calloc(size_t count, size_t size) {
  return refuses(KIND_HEAP, count * size) ? NULL : born(next.calloc(count, size));
}

void *realloc(void *block, size_t size) {
  if (block == NULL) return malloc(size);
  if (size == 0) {
    free(block);
    return NULL;
  }
  if (refuses(KIND_HEAP, size)) return NULL;
  return next.realloc(block, size);
}

void *reallocarray(void *block, size_t count, size_t size) {
  size_t bytes;
  if (!__builtin_mul_overflow(count, size, &bytes)) return realloc(block, bytes);
  errno = ENOMEM;
  return NULL;
}

/* Changes one entry that is `from`; false where there is none. */
static bool change_aligned(void *from, void *to) {
  for (size_t i = 0; i < ALIGNED_MAX; i++) {
    void *expected = from;
    if (atomic_compare_exchange_strong(&aligned[i], &expected, to)) return true;
  }
  return false;
}

void *memalign(size_t alignment, size_t size) {
  if (refuses(KIND_HEAP, size)) return NULL;
  void *block = next.memalign(alignment, size);
  if (block == NULL) return NULL;
  if (!change_aligned(NULL, block)) abort();
  atomic_fetch_add(&page->live_aligned, 1);
  return block;
}

static bool was_aligned(void *block) {
  return (uintptr_t)block % ALIGNED_BYTES == 0 && change_aligned(block, NULL);
}

void *aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
  int before = errno;
  void *made = memalign(alignment, size);
  errno = before; /* POSIX: the error is the result, errno stays */
  if (made == NULL) return ENOMEM;
  *block = made;
  return 0;
}

/* AddressSanitizer's own would not come by here. */
char *strndup(const char *text, size_t len_max) {
  size_t len = strnlen(text, len_max);
  char *copy = malloc(len + 1);
  if (copy == NULL) return NULL;
  memcpy(copy, text, len);
  copy[len] = '\0';
  return copy;
}

char *strdup(const char *text) {
  return strndup(text, strlen(text));
}

void free(void *block) {
  find_next();
  /* dlsym() frees the message of an older failure; that one is left where it lies. */
  if (block == NULL || next.free == NULL) return;
  atomic_fetch_sub(was_aligned(block) ? &page->live_aligned : &page->live_blocks, 1);
  next.free(block);
}

void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset) {
  find_next();
  bool anonymous = (flags & MAP_ANONYMOUS) != 0;
  if (anonymous && refuses(KIND_MAPS, len)) return MAP_FAILED;
  void *map = next.mmap(at, len, protection, flags, fd, offset);
  if (anonymous && map != MAP_FAILED) atomic_fetch_add(&page->mapped_bytes, len);
  return map;
}

int munmap(void *at, size_t len) {
  find_next();
  int error = next.munmap(at, len);
  if (error == 0) atomic_fetch_sub(&page->mapped_bytes, len);
  return error;
}

/* With it AddressSanitizer looks at every new thread's stack, and ends the process when it can't. */
int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes) {
  find_next();
  inside = true;
  int error = next.getattr(thread, attributes);
  inside = false;
  return error;
}
