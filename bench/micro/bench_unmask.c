/* Unmasking by each variant, from 16 bytes to 1 MB, against memcpy of as many.
 *
 * Payloads lie as they do behind a header of 14 bytes, in place. Short ones are spread over 16 KB, so that
 * none waits for the stores of the one before. "wsl_unmask" is the whole, the choice included; variants are
 * called for what is too long for unmask_short() only. "8 B forward" is the same moved to 8 bytes before.
 */
#include <stdio.h>
#include <string.h>

#include <wsluice/frame.h>

#include "codec/unmask.h"
#include "micro.h"

#define HEADER   14u
#define AREA     (16u * 1024u)
#define LEN_MAX  (1024u * 1024u)
#define SLOT_GAP 64u
#define DISTANCE 8u
#define KILO     1024u

static const uint8_t mask[4] = {0x37, 0xFA, 0x21, 0x3D};
static uint8_t *area, *copy; /* each of LEN_MAX and a header */

/* Where the next payload lies: as many places as fit AREA, one at least. */
static size_t next_slot(size_t slot, size_t len) {
  size_t next = slot + (len + 2 * SLOT_GAP - 1) / SLOT_GAP * SLOT_GAP;
  return next + len + SLOT_GAP <= AREA ? next : 0;
}

static double run_variant(const struct micro_case *measured, uint64_t count) {
  const struct unmask_variant *variant = measured->context;
  uint32_t mask_word;
  memcpy(&mask_word, mask, sizeof(mask_word));
  double start = micro_now();
  for (size_t slot = 0; count > 0; count--) {
    variant->run(area + slot + HEADER, area + slot + HEADER, measured->size, mask_word);
    slot = next_slot(slot, measured->size);
  }
  return micro_now() - start;
}

static double run_whole(const struct micro_case *measured, uint64_t count) {
  double start = micro_now();
  for (size_t slot = 0; count > 0; count--) {
    wsl_unmask(area + slot + HEADER, area + slot + HEADER, measured->size, mask);
    slot = next_slot(slot, measured->size);
  }
  return micro_now() - start;
}

static double run_forward(const struct micro_case *measured, uint64_t count) {
  double start = micro_now();
  for (size_t slot = 0; count > 0; count--) {
    wsl_unmask(area + slot + HEADER - DISTANCE, area + slot + HEADER, measured->size, mask);
    slot = next_slot(slot, measured->size);
  }
  return micro_now() - start;
}

static double run_copy(const struct micro_case *measured, uint64_t count) {
  double start = micro_now();
  for (size_t slot = 0; count > 0; count--) {
    memcpy(copy + slot + HEADER, area + slot + HEADER, measured->size);
    micro_keep(copy[slot + HEADER]);
    slot = next_slot(slot, measured->size);
  }
  return micro_now() - start;
}

static struct micro_case *add_case(struct micro_plan *plan, const char *name, size_t len, micro_run *run) {
  char group[MICRO_NAME_MAX];
  snprintf(group, sizeof(group), len < KILO ? "unmask %zu B" : "unmask %zu KB",
           len < KILO ? len : len / KILO);
  struct micro_case *added = micro_add(plan, group, "%s", name);
  added->run = run;
  added->size = len;
  added->bytes_per_item = (double)len;
  return added;
}

static void add_length(struct micro_plan *plan, size_t len) {
  size_t count;
  const struct unmask_variant *variants = unmask_variants(&count);
  add_case(plan, "memcpy", len, run_copy)->is_anchor = true;
  add_case(plan, "wsl_unmask", len, run_whole);
  add_case(plan, "wsl_unmask, 8 B forward", len, run_forward);
  for (size_t i = 0; i < count && len > UNMASK_SHORT_MAX; i++) {
    if (variants[i].runs_here()) add_case(plan, variants[i].name, len, run_variant)->context = &variants[i];
  }
}

void bench_unmask(struct micro_plan *plan) {
  static const size_t lengths[] = {16,       64,        125,       256,        512,    1 * KILO,
                                   4 * KILO, 16 * KILO, 64 * KILO, 256 * KILO, LEN_MAX};
  area = micro_memory(LEN_MAX + HEADER);
  copy = micro_memory_apart(LEN_MAX + HEADER);
  for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
    add_length(plan, lengths[i]);
}
