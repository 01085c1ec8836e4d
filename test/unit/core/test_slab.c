/* core/slab: random takes and gives against a model, pages that really go back, and the mistakes that
 * it must catch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/random.h"
#include "core/slab.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void pages_hold_objects_of_every_size(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 16, 17, 100, 1000, 1024, 8000, 8192, 65536, 300000};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    struct slab slab;
    void *objects[4096];
    slab_init(&slab, sizes[i]);
    assert_int_equal(slab.pages, 0);
    assert_true(slab.objects_a_page >= 8 && slab.objects_a_page < COUNT(objects));
    assert_true(slab_bytes_each(&slab) >= sizes[i]);
    assert_in_range(slab_bytes_each(&slab) * slab.objects_a_page, slab.page_size,
                    slab.page_size + slab.objects_a_page);
    size_t taken = 0;
    while (taken <= slab.objects_a_page) {
      assert_int_equal(slab.pages, taken > 0);
      objects[taken] = slab_take(&slab);
      assert_non_null(objects[taken]);
      assert_int_equal((uintptr_t)objects[taken] % 16, 0);
      memset(objects[taken], (int)taken, sizes[i]);
      taken++;
    }
    assert_int_equal(slab.pages, 2);
    for (size_t n = 0; n < taken; n++) {
      const unsigned char *bytes = objects[n];
      assert_int_equal(bytes[0], n & 0xff);
      assert_int_equal(bytes[sizes[i] - 1], n & 0xff);
      slab_give(&slab, objects[n]);
    }
    slab_destroy(&slab);
    assert_int_equal(slab.pages, 0);
  }
}

static bool all_bytes_are(const unsigned char *bytes, size_t len, unsigned char value) {
  for (size_t i = 0; i < len; i++) {
    if (bytes[i] != value) return false;
  }
  return true;
}

#define MODEL_OBJECTS 1500

/* The model: which objects are out, each filled with a byte of its own that nobody else may change. */
static void random_takes_and_gives(void **state) {
  (void)state;
  static const size_t sizes[] = {24, 200, 1000, 5000};
  static unsigned char *objects[MODEL_OBJECTS];
  for (size_t i = 0; i < COUNT(sizes); i++) {
    struct slab slab;
    struct random_source random;
    size_t in_use = 0;
    random_seed(&random, sizes[i]);
    slab_init(&slab, sizes[i]);
    memset(objects, 0, sizeof objects);
    for (int step = 0; step < 30000; step++) {
      /* Waves: the number of objects grows and falls, so that pages come and go. */
      bool growing = step / 5000 % 2 == 0;
      size_t n = random_below(&random, MODEL_OBJECTS);
      if (!objects[n] && (growing || random_below(&random, 4) == 0)) {
        objects[n] = slab_take(&slab);
        assert_non_null(objects[n]);
        assert_true(all_bytes_are(objects[n], sizes[i], 0));
        memset(objects[n], (int)(n & 0xff) | 1, sizes[i]);
        in_use++;
      } else if (objects[n] && (!growing || random_below(&random, 4) == 0)) {
        assert_true(all_bytes_are(objects[n], sizes[i], (unsigned char)((n & 0xff) | 1)));
        slab_give(&slab, objects[n]);
        objects[n] = NULL;
        in_use--;
      }
      assert_int_equal(slab.in_use, in_use);
      assert_true(slab.pages * slab.objects_a_page >= in_use);
    }
    for (size_t n = 0; n < MODEL_OBJECTS; n++)
      slab_give(&slab, objects[n]);
    assert_int_equal(slab.in_use, 0);
    assert_int_equal(slab.pages, 1);
    slab_destroy(&slab);
  }
}

static void holes_in_full_pages_are_filled_first(void **state) {
  (void)state;
  struct slab slab;
  void *objects[2 * 64] = {NULL};
  slab_init(&slab, 4000);
  size_t count = 2 * slab.objects_a_page;
  assert_true(count <= COUNT(objects));
  for (size_t i = 0; i < count; i++)
    objects[i] = slab_take(&slab);
  slab_give(&slab, objects[3]);
  slab_give(&slab, objects[count - 2]);
  void *first = slab_take(&slab), *second = slab_take(&slab);
  assert_int_equal(slab.pages, 2);
  assert_true(first == objects[3] || second == objects[3]);
  for (size_t i = 0; i < count; i++)
    slab_give(&slab, objects[i]);
  slab_destroy(&slab);
}

/* mincore() says ENOMEM of an address that is not mapped. */
static bool is_mapped(void *object) {
  uintptr_t system_page = (uintptr_t)sysconf(_SC_PAGESIZE);
  unsigned char residency;
  return mincore((char *)object - (uintptr_t)object % system_page, 1, &residency) == 0 || errno != ENOMEM;
}

static void empty_pages_go_back_but_one(void **state) {
  (void)state;
  enum { PAGES = 20 };
  struct slab slab;
  slab_init(&slab, 4000);
  static void *objects[PAGES * 64];
  size_t count = PAGES * slab.objects_a_page;
  assert_true(count <= COUNT(objects));
  for (size_t i = 0; i < count; i++)
    objects[i] = slab_take(&slab);
  assert_int_equal(slab.pages, PAGES);
  for (size_t i = 0; i < count; i++)
    slab_give(&slab, objects[i]);
  assert_int_equal(slab.pages, 1);
  size_t mapped = 0;
  for (size_t i = 0; i < count; i += slab.objects_a_page)
    mapped += is_mapped(objects[i]);
  assert_int_equal(mapped, 1);

  /* A trickle of one object uses the page that was kept. */
  for (int i = 0; i < 100; i++) {
    void *object = slab_take(&slab);
    assert_int_equal(slab.pages, 1);
    slab_give(&slab, object);
  }
  slab_destroy(&slab);
  assert_false(is_mapped(objects[0]));
}

/* ---- mistakes ------------------------------------------------------------------------------------- */

static void give_twice(struct slab *slab, void *object) {
  slab_give(slab, object);
  slab_give(slab, object);
}

static void give_an_address_inside(struct slab *slab, void *object) {
  slab_give(slab, (char *)object + 8);
}

static void give_to_another_slab(struct slab *slab, void *object) {
  struct slab other;
  (void)slab;
  slab_init(&other, 100);
  slab_give(&other, object);
}

static void destroy_while_in_use(struct slab *slab, void *object) {
  (void)object;
  slab_destroy(slab);
}

static void mistakes_abort(void **state) {
  (void)state;
  static const struct {
    const char *name;
    void (*make)(struct slab *slab, void *object);
  } mistakes[] = {{"given twice", give_twice},
                  {"an address inside an object", give_an_address_inside},
                  {"another slab's object", give_to_another_slab},
                  {"destroyed while in use", destroy_while_in_use}};
  for (size_t i = 0; i < COUNT(mistakes); i++) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      close(STDERR_FILENO);     /* the assertion's message is expected */
      signal(SIGABRT, SIG_DFL); /* cmocka catches it otherwise */
      struct slab slab;
      slab_init(&slab, 100);
      slab_take(&slab); /* keeps the page alive */
      mistakes[i].make(&slab, slab_take(&slab));
      _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) fail_msg("%s: not caught", mistakes[i].name);
  }
}

static void address_sanitizer_sees_free_objects(void **state) {
  (void)state;
#ifdef WITH_ASAN
  struct slab slab;
  slab_init(&slab, 96); /* a multiple of 16: nothing is left over behind it by rounding */
  char *kept = slab_take(&slab), *given = slab_take(&slab);
  assert_null(__asan_region_is_poisoned(given, 96));
  assert_true(__asan_address_is_poisoned(kept + 96)); /* running off one must not reach the next */
  slab_give(&slab, given);
  for (size_t i = 0; i < 100; i++)
    assert_true(__asan_address_is_poisoned(given + i));
  assert_null(__asan_region_is_poisoned(kept, 96));
  slab_give(&slab, kept);
  slab_destroy(&slab);
  assert_false(__asan_address_is_poisoned(kept)); /* the next map at this place is somebody else's */
#else
  skip();
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pages_hold_objects_of_every_size),
      cmocka_unit_test(random_takes_and_gives),
      cmocka_unit_test(holes_in_full_pages_are_filled_first),
      cmocka_unit_test(empty_pages_go_back_but_one),
      cmocka_unit_test(mistakes_abort),
      cmocka_unit_test(address_sanitizer_sees_free_objects),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
