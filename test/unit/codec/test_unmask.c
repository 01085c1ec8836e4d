/* Unmasking against its definition, byte by byte (RFC 6455 5.3): every variant that this machine has, at
 * all alignments, phases of the mask and lengths to 300, longer ones at random, in place and moved. Those
 * that it lacks are reported as skipped.
 */
#include "support.h"

#include <sys/mman.h>
#include <unistd.h>

#include <wsluice/frame.h>

#include "codec/unmask.h"

#define LEN_MAX        300u
#define LONG_LEN_MAX   100000u
#define LONG_TRIES     150u
#define ALIGNMENTS     64u
#define DISTANCE_MAX   200u
#define GUARD_BYTES    64u
#define PHASES         4u
#define AREA_SIZE(len) (GUARD_BYTES + ALIGNMENTS + DISTANCE_MAX + (len) + GUARD_BYTES)

static const uint8_t mask[4] = {0x37, 0xFA, 0x21, 0x3D};

static const struct unmask_variant *variant; /* the one that this run of the tests is about */

/* Two areas with the same bytes: one is unmasked, the other shows how it should look. */
static uint8_t *area, *model;

static int make_areas(void **state) {
  (void)state;
  uint64_t seed = 1;
  size_t size = AREA_SIZE(LONG_LEN_MAX);
  area = aligned_alloc(ALIGNMENTS, (size + ALIGNMENTS - 1) / ALIGNMENTS * ALIGNMENTS);
  model = malloc(size);
  if (area == NULL || model == NULL) return -1;
  random_fill(&seed, area, size);
  memcpy(model, area, size);
  if (variant->runs_here()) unmask_choose(variant);
  return 0;
}

static int free_areas(void **state) {
  (void)state;
  free(area);
  free(model);
  return 0;
}

static void need_variant(void) {
  if (variant->runs_here()) return;
  print_message("this machine has no %s\n", variant->name);
  skip();
}

/* The mask as it looks to a payload that goes on at `phase`. */
static void mask_at_phase(size_t phase, uint8_t out[4]) {
  for (size_t i = 0; i < 4; i++)
    out[i] = mask[(phase + i) % 4];
}

static void unmask_by_definition(uint8_t *dst, const uint8_t *data, size_t len, const uint8_t with[4]) {
  for (size_t i = 0; i < len; i++)
    dst[i] = data[i] ^ with[i % 4];
}

/* One payload, moved by `distance`; what lies before and behind must stay as it is. */
static void check(size_t alignment, size_t distance, const uint8_t with[4], size_t len) {
  size_t dst = GUARD_BYTES + alignment, data = dst + distance;
  wsl_unmask(area + dst, area + data, len, with);
  unmask_by_definition(model + dst, model + data, len, with);
  if (memcmp(area, model, AREA_SIZE(len)) == 0) return;
  size_t at = 0;
  while (area[at] == model[at])
    at++;
  fail_msg("%s: alignment %zu, moved by %zu, %zu bytes: wrong at %zd", variant->name, alignment, distance,
           len, (ssize_t)at - (ssize_t)dst);
}

static void in_place_at_every_alignment_phase_and_length(void **state) {
  (void)state;
  need_variant();
  for (size_t alignment = 0; alignment < ALIGNMENTS; alignment++) {
    for (size_t phase = 0; phase < PHASES; phase++) {
      uint8_t rotated[4];
      mask_at_phase(phase, rotated);
      for (size_t len = 0; len <= LEN_MAX; len++)
        check(alignment, 0, rotated, len);
    }
  }
}

static void onto_any_place_before_that_overlaps(void **state) {
  (void)state;
  need_variant();
  uint64_t seed = 2;
  for (size_t distance = 1; distance <= DISTANCE_MAX; distance++) {
    for (size_t len = 0; len <= LEN_MAX; len++) {
      uint8_t rotated[4];
      mask_at_phase(random_below(&seed, PHASES), rotated);
      check(random_below(&seed, ALIGNMENTS), distance, rotated, len);
    }
  }
}

static void longer_ones_at_random(void **state) {
  (void)state;
  need_variant();
  uint64_t seed = 3;
  for (unsigned i = 0; i < LONG_TRIES; i++) {
    uint8_t rotated[4];
    mask_at_phase(random_below(&seed, PHASES), rotated);
    size_t distance = i % 2 ? random_below(&seed, DISTANCE_MAX + 1) : 0;
    check(random_below(&seed, ALIGNMENTS), distance, rotated, random_below(&seed, LONG_LEN_MAX + 1));
  }
}

static void a_zero_mask_only_moves(void **state) {
  (void)state;
  need_variant();
  static const uint8_t zero[4] = {0};
  for (size_t distance = 0; distance <= DISTANCE_MAX; distance += 1 + distance / 8) {
    for (size_t len = 0; len <= LEN_MAX; len++)
      check(3, distance, zero, len);
  }
}

/* A mask of which only one byte is zero or only one is not must not pass for a zero mask. */
static void masks_with_zero_bytes(void **state) {
  (void)state;
  need_variant();
  for (size_t i = 0; i < 4; i++) {
    uint8_t one_set[4] = {0}, one_clear[4] = {1, 2, 3, 4};
    one_set[i] = 0x80;
    one_clear[i] = 0;
    for (size_t len = 0; len <= LEN_MAX; len++) {
      check(1, 0, one_set, len);
      check(1, 5, one_clear, len);
    }
  }
}

/* Pages that nobody may touch on both sides of one: a byte too far is a crash, also without a sanitizer. */
static void no_byte_past_either_end(void **state) {
  (void)state;
  need_variant();
  size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *pages = mmap(NULL, 3 * page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_ptr_not_equal(pages, MAP_FAILED);
  uint8_t *page = pages + page_size, *page_end = page + page_size;
  assert_int_equal(mprotect(page, page_size, PROT_READ | PROT_WRITE), 0);
  uint8_t expected[LEN_MAX + 1];
  for (size_t len = 0; len <= LEN_MAX; len++) {
    memset(page, 'x', page_size);
    unmask_by_definition(expected, page, len, mask);
    wsl_unmask(page, page, len, mask);
    assert_memory_equal(page, expected, len);
    wsl_unmask(page_end - len, page_end - len, len, mask);
    assert_memory_equal(page_end - len, expected, len);
  }
  assert_int_equal(munmap(pages, 3 * page_size), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(in_place_at_every_alignment_phase_and_length),
      cmocka_unit_test(onto_any_place_before_that_overlaps),
      cmocka_unit_test(longer_ones_at_random),
      cmocka_unit_test(a_zero_mask_only_moves),
      cmocka_unit_test(masks_with_zero_bytes),
      cmocka_unit_test(no_byte_past_either_end),
  };
  size_t count;
  const struct unmask_variant *variants = unmask_variants(&count);
  int failed = 0;
  for (size_t i = 0; i < count; i++) {
    variant = &variants[i];
    failed += cmocka_run_group_tests_name(variant->name, tests, make_areas, free_areas);
  }
  return failed;
}
