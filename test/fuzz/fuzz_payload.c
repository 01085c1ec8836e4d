/* fuzz: max_len=1024
 *
 * What is done to each byte of payload: unmasking by every variant that this machine has, against one byte at
 * a time, from any place to any place before it; and UTF-8, cut anywhere, against characters looked at one by
 * one.
 */
#include <stdlib.h>

#include "codec/unmask.h"
#include "fuzz/reference.h"

#define MASK_SIZE 4u
#define GAP_MASK  0x3Fu /* destinations up to 63 bytes before the source: past a vector */

static void check_unmask(const uint8_t *data, size_t len, const uint8_t *mask, size_t gap) {
  uint8_t *buffer = fuzz_memory(gap + len), *before = fuzz_memory(gap + len);
  if (len > 0) memcpy(buffer + gap, data, len);
  memcpy(before, buffer, gap + len);
  wsl_unmask(buffer, buffer + gap, len, mask);
  for (size_t i = 0; i < len; i++)
    fuzz_check(buffer[i] == (data[i] ^ mask[i % MASK_SIZE]), "byte %zu of %zu, moved by %zu", i, len, gap);
  for (size_t i = len; i < gap + len; i++)
    fuzz_check(buffer[i] == before[i], "byte %zu behind the %zu written, moved by %zu", i, len, gap);
  free(buffer);
  free(before);
}

static void check_variants(const uint8_t *data, size_t len, const uint8_t *mask, size_t gap) {
  size_t count;
  const struct unmask_variant *variants = unmask_variants(&count);
  for (size_t i = 0; i < count; i++) {
    if (!variants[i].runs_here()) continue;
    unmask_choose(&variants[i]);
    check_unmask(data, len, mask, gap);
  }
}

static void check_utf8(const uint8_t *data, size_t len, struct fuzz_cuts cuts) {
  size_t valid = reference_utf8_prefix(data, len);
  bool whole = reference_utf8_begun(data, valid) == valid;
  struct wsl_utf8 utf8;
  wsl_utf8_init(&utf8);
  size_t at = 0, piece = 0, fine = 0;
  while (at < len && fine == piece) {
    piece = fuzz_cut(&cuts, len - at);
    uint8_t *block = fuzz_copy(data + at, piece);
    fine = wsl_utf8_feed(&utf8, block, piece);
    free(block);
    at += fine;
  }
  fuzz_check(at == valid, "valid up to %zu, and not %zu", valid, at);
  fuzz_check(wsl_utf8_complete(&utf8) == whole, "complete at byte %zu: %d", valid, whole);
  fuzz_check(wsl_utf8_valid(data, len) == (valid == len && whole), "valid as a whole");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  struct fuzz_cuts cuts = fuzz_cuts_of(fuzz_choice_16(&input));
  size_t gap = fuzz_choice(&input) & GAP_MASK;
  uint8_t mask[MASK_SIZE];
  for (size_t i = 0; i < MASK_SIZE; i++)
    mask[i] = fuzz_choice(&input);
  check_variants(input.at, input.len, mask, gap);
  check_utf8(input.at, input.len, cuts);
  return 0;
}
