/* What the frame decoder does to a payload of up to 125 bytes that lies whole in the buffer: the same few
 * vectors whatever its length. Private to frame_decode.c.
 *
 * A branch on lengths that change is mispredicted half of the time (measured: 6.4 ns a frame of 1 to 125
 * bytes against 3.6), so nothing here depends on the length but addresses.
 */
#ifndef CODEC_FRAME_PLAIN_H
#define CODEC_FRAME_PLAIN_H

#include "codec/unmask_short.h"

enum plain_reach {
  PLAIN_EXACT, /* the payload's bytes only */
  PLAIN_STEP   /* UNMASK_STEP bytes were written, of which the payload's count */
};

/* Unmasks payload[0..len), behind its mask, to out, at or before it. `end` is the buffer's.
 *
 * A step reads past the payload's end, so that must not be the buffer's; and it writes past the end of what
 * it puts out, so that must not reach what is not used up yet. Both hold from the 20th frame or so of a
 * read on, as each leaves its header's room behind, to the last but a few. */
static inline enum plain_reach plain_unmask(uint8_t *out, const uint8_t *payload, size_t len,
                                            const uint8_t *end) {
  uint32_t mask;
  memcpy(&mask, payload - sizeof(mask), sizeof(mask));
  bool may_read = (size_t)(end - payload) >= UNMASK_STEP;
  bool may_write = (size_t)(payload + len - out) >= UNMASK_STEP;
  if (may_read && may_write) {
    unmask_step(out, payload, mask);
    return PLAIN_STEP;
  }
  unmask_short(out, payload, len, mask);
  return PLAIN_EXACT;
}

#define PLAIN_HIGH UINT64_C(0x8080808080808080) /* set in any byte that is not ASCII */

/* Selects UNMASK_STEP bytes' high bits, then as many bytes' none: read from `len` bytes before its middle
 * on, those of just the first `len` bytes. */
static const uint64_t plain_select[2 * UNMASK_STEP / sizeof(uint64_t)] = {
    PLAIN_HIGH, PLAIN_HIGH, PLAIN_HIGH, PLAIN_HIGH, PLAIN_HIGH, PLAIN_HIGH, PLAIN_HIGH, PLAIN_HIGH,
    PLAIN_HIGH, PLAIN_HIGH, PLAIN_HIGH, PLAIN_HIGH, PLAIN_HIGH, PLAIN_HIGH, PLAIN_HIGH, PLAIN_HIGH};

/* Whether text[0..len) is ASCII, where a whole step may be read. */
static inline bool plain_is_ascii(const uint8_t *text, size_t len) {
  const uint8_t *select = (const uint8_t *)plain_select + UNMASK_STEP - len;
  unmask_block any = {0, 0};
  for (size_t i = 0; i < UNMASK_STEP; i += UNMASK_BLOCK) {
    any |= *(const unmask_block *)(text + i) & *(const unmask_block *)(select + i);
  }
  return (any[0] | any[1]) == 0;
}

#endif
