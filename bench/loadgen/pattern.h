/* What every stream of the bench carries: bytes of which anybody knows, at any offset, what they are.
 *
 * Byte n of a stream is byte n % PATTERN_PERIOD of the pattern, whoever sends it and however it is cut
 * into messages. So each end checks what arrives by memcmp with a small table that stays in the cache,
 * and two ends on different hosts need to agree on nothing. The period is a prime: what a bridge could
 * displace, lose or repeat (a buffer, a frame, a header) has a length that it does not divide, and shows.
 * Printable ASCII, so that a text message cut anywhere is valid UTF-8.
 */
#ifndef LOADGEN_PATTERN_H
#define LOADGEN_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

#define PATTERN_PERIOD 509u

/* A multiple of the period and of the 4 bytes of a mask; some 64 KB: fewer pieces a write than a shorter
 * one, and still in a second-level cache. */
#define PATTERN_TABLE_LEN (PATTERN_PERIOD * 4u * 32u)

struct pattern {
  uint8_t bytes[PATTERN_TABLE_LEN]; /* the pattern, from its beginning, again and again */
};

/* Always the same bytes. */
void pattern_init(struct pattern *pattern);

/* How many bytes of data[0..len), the stream from `offset` on, are right before the first that is not;
 * `len` when all are. */
WSL_MUST_CHECK size_t pattern_check(const struct pattern *pattern, uint64_t offset, const uint8_t *data,
                                    size_t len);

/* The byte at `offset`. */
static inline uint8_t pattern_at(const struct pattern *pattern, uint64_t offset) {
  return pattern->bytes[offset % PATTERN_PERIOD];
}

#endif
