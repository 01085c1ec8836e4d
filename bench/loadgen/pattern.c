/* The pattern that streams carry, and the check of what arrives (pattern.h). */
#include "loadgen/pattern.h"

#include <string.h>

#include "core/random.h"

#define PATTERN_SEED     0x77736c7569636531u
#define FIRST_PRINTABLE  0x20u
#define PRINTABLE_VALUES 95u

void pattern_init(struct pattern *pattern) {
  struct random_source source;
  random_seed(&source, PATTERN_SEED);
  for (size_t i = 0; i < PATTERN_PERIOD; i++)
    pattern->bytes[i] = (uint8_t)(FIRST_PRINTABLE + random_below(&source, PRINTABLE_VALUES));
  for (size_t i = PATTERN_PERIOD; i < PATTERN_TABLE_LEN; i++)
    pattern->bytes[i] = pattern->bytes[i - PATTERN_PERIOD];
}

/* memcmp has found a difference: where. */
static size_t equal_bytes(const uint8_t *a, const uint8_t *b, size_t len) {
  size_t i = 0;
  while (i < len && a[i] == b[i])
    i++;
  return i;
}

size_t pattern_check(const struct pattern *pattern, uint64_t offset, const uint8_t *data, size_t len) {
  size_t at = (size_t)(offset % PATTERN_PERIOD);
  size_t done = 0;
  while (done < len) {
    size_t run = PATTERN_TABLE_LEN - at;
    if (run > len - done) run = len - done;
    if (memcmp(pattern->bytes + at, data + done, run) != 0)
      return done + equal_bytes(pattern->bytes + at, data + done, run);
    done += run;
    at = 0; /* the table's length is a multiple of the period */
  }
  return len;
}
