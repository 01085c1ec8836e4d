/* core/unmap: memory goes back, also when the kernel refuses to part a map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/unmap.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t page_bytes(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

static void *map(size_t len, int protection) {
  void *memory = mmap(NULL, len, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

static void a_map_is_gone(void **state) {
  (void)state;
  unsigned char residency;
  void *memory = map(page_bytes(), PROT_READ | PROT_WRITE);
  assert_non_null(memory);
  unmap(memory, page_bytes());
  assert_int_equal(mincore(memory, page_bytes(), &residency), -1);
  assert_int_equal(errno, ENOMEM); /* no such map */
}

/* Four times vm.max_map_count's default, so that most settings can be reached. */
#define MAPS_TRIED ((size_t)4 * 65536)

/* Parts one map into as many as the kernel allows; false: it allows more than are tried. */
static bool use_up_maps(void) {
  size_t page = page_bytes();
  char *pages = map(MAPS_TRIED * page, PROT_NONE);
  if (pages == NULL) return false;
  for (size_t i = 1; i < MAPS_TRIED; i += 2)
    if (mprotect(pages + i * page, page, PROT_READ) != 0) return errno == ENOMEM;
  return false;
}

enum outcome { GIVEN_BACK, STILL_THERE, NOT_REFUSED };

/* Out of the middle of three pages that are in use. Runs in a process of its own, which can do little else
 * then.
 */
static enum outcome unmap_where_refused(void) {
  size_t page = page_bytes();
  char *pages = map(3 * page, PROT_READ | PROT_WRITE);
  if (pages == NULL) return NOT_REFUSED;
  memset(pages, 'x', 3 * page);
  if (!use_up_maps() || munmap(pages + page, page) == 0) return NOT_REFUSED;
  unmap(pages + page, page);
  bool neighbours_stay = pages[page - 1] == 'x' && pages[2 * page] == 'x';
  return pages[page] == 0 && neighbours_stay ? GIVEN_BACK : STILL_THERE;
}

static void where_the_kernel_refuses_the_pages_go(void **state) {
  (void)state;
  int status;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) _exit((int)unmap_where_refused());
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == NOT_REFUSED) skip();
  assert_int_equal(WEXITSTATUS(status), GIVEN_BACK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_map_is_gone),
      cmocka_unit_test(where_the_kernel_refuses_the_pages_go),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
