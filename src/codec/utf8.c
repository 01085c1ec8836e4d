/* Incremental UTF-8 validation (RFC 3629): a state of three bytes, stepped once per byte.
 *
 * All of UTF-8's exceptions (overlong forms, surrogates, the end at U+10FFFF) concern the second
 * byte of a sequence only, so that bounds for "the next byte" are all there is to remember.
 *
 * What is long goes by blocks first: those of ASCII, which is most of real text, in words; the others
 * through an automaton whose step is a load and a shift, without a branch (0.6 ns a byte of
 * dense text, against 4.5 by the bounds). It only tells that a block is fine: where one is not, the
 * bounds say at which byte.
 */
#include <string.h>

#include <wsluice/utf8.h>

#define CONTINUATION_LOW  0x80u
#define CONTINUATION_HIGH 0xBFu
#define HIGH_BITS         UINT64_C(0x8080808080808080) /* set in any byte that is not ASCII */
#define BLOCK             16u                          /* bytes */

void wsl_utf8_init(struct wsl_utf8 *utf8) {
  *utf8 = (struct wsl_utf8){0, CONTINUATION_LOW, CONTINUATION_HIGH};
}

static bool is_continuation(uint8_t byte) {
  return (byte & 0xC0) == 0x80;
}

static bool is_ascii(const uint8_t block[BLOCK]) {
  uint64_t word[BLOCK / sizeof(uint64_t)];
  memcpy(word, block, sizeof(word));
  return ((word[0] | word[1]) & HIGH_BITS) == 0;
}

/* Leading ASCII of data[0..len), in whole blocks. */
static size_t ascii_blocks(const uint8_t *data, size_t len) {
  size_t i = 0;
  for (; len - i >= 2 * BLOCK; i += 2 * BLOCK) {
    if (!is_ascii(data + i) || !is_ascii(data + i + BLOCK)) break;
  }
  for (; len - i >= BLOCK && is_ascii(data + i); i += BLOCK)
    ;
  return i;
}

/* Leading ASCII bytes of data[0..len), of less than two blocks. */
static size_t ascii_run(const uint8_t *data, size_t len) {
  size_t i = 0;
  for (; len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, data + i, sizeof(word));
    if (word & HIGH_BITS) break;
  }
  while (i < len && data[i] < 0x80)
    i++;
  return i;
}

/* Sets the state behind the first byte of a sequence of two to four; false when `lead` begins none:
 * a continuation byte, C0 and C1 (always overlong), F5 and up (past U+10FFFF). */
static bool begin_sequence(struct wsl_utf8 *utf8, uint8_t lead) {
  if (lead < 0xC2 || lead > 0xF4) return false;
  utf8->left = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
  switch (lead) {
    case 0xE0: /* below A0 it would fit two bytes */
      utf8->low = 0xA0;
      break;
    case 0xED: /* above 9F lie the surrogates, D800 to DFFF */
      utf8->high = 0x9F;
      break;
    case 0xF0: /* below 90 it would fit three bytes */
      utf8->low = 0x90;
      break;
    case 0xF4: /* above 8F it passes U+10FFFF */
      utf8->high = 0x8F;
      break;
    default:
      break;
  }
  return true;
}

/* ---- blocks ---- */

/* States of the automaton: how far a row is shifted for what follows them. */
enum { BROKEN = 0, BETWEEN = 6, ONE_LEFT = 12, TWO_LEFT = 18, THREE_LEFT = 24 };
enum { BEHIND_E0 = 30, BEHIND_ED = 36, BEHIND_F0 = 42, BEHIND_F4 = 48 };

#define STATE_BITS     UINT64_C(0x3F)
#define FROM(from, to) ((uint64_t)(to) << (from)) /* what no row names leads to BROKEN, which stays */

/* clang-format off */
#define CONTINUES (FROM(ONE_LEFT, BETWEEN) | FROM(TWO_LEFT, ONE_LEFT) | FROM(THREE_LEFT, TWO_LEFT))
#define X4(row)   row, row, row, row
#define X16(row)  X4(row), X4(row), X4(row), X4(row)

/* A row for each byte: six bits for what it makes of each state. */
static const uint64_t rows[256] = {
    /* 00 */ X16(FROM(BETWEEN, BETWEEN)), X16(FROM(BETWEEN, BETWEEN)), X16(FROM(BETWEEN, BETWEEN)), X16(FROM(BETWEEN, BETWEEN)),
    /* 40 */ X16(FROM(BETWEEN, BETWEEN)), X16(FROM(BETWEEN, BETWEEN)), X16(FROM(BETWEEN, BETWEEN)), X16(FROM(BETWEEN, BETWEEN)),
    /* 80 */ X16(CONTINUES | FROM(BEHIND_ED, ONE_LEFT) | FROM(BEHIND_F4, TWO_LEFT)),
    /* 90 */ X16(CONTINUES | FROM(BEHIND_ED, ONE_LEFT) | FROM(BEHIND_F0, TWO_LEFT)),
    /* A0 */ X16(CONTINUES | FROM(BEHIND_E0, ONE_LEFT) | FROM(BEHIND_F0, TWO_LEFT)),
    /* B0 */ X16(CONTINUES | FROM(BEHIND_E0, ONE_LEFT) | FROM(BEHIND_F0, TWO_LEFT)),
    /* C0 */ BROKEN, BROKEN, FROM(BETWEEN, ONE_LEFT), FROM(BETWEEN, ONE_LEFT),
    /* C4 */ X4(FROM(BETWEEN, ONE_LEFT)), X4(FROM(BETWEEN, ONE_LEFT)), X4(FROM(BETWEEN, ONE_LEFT)),
    /* D0 */ X16(FROM(BETWEEN, ONE_LEFT)),
    /* E0 */ FROM(BETWEEN, BEHIND_E0), FROM(BETWEEN, TWO_LEFT), FROM(BETWEEN, TWO_LEFT), FROM(BETWEEN, TWO_LEFT),
    /* E4 */ X4(FROM(BETWEEN, TWO_LEFT)), X4(FROM(BETWEEN, TWO_LEFT)),
    /* EC */ FROM(BETWEEN, TWO_LEFT), FROM(BETWEEN, BEHIND_ED), FROM(BETWEEN, TWO_LEFT), FROM(BETWEEN, TWO_LEFT),
    /* F0 */ FROM(BETWEEN, BEHIND_F0), FROM(BETWEEN, THREE_LEFT), FROM(BETWEEN, THREE_LEFT), FROM(BETWEEN, THREE_LEFT),
    /* F4 */ FROM(BETWEEN, BEHIND_F4), /* and all behind it: BROKEN */
};
/* clang-format on */

static uint64_t step_block(uint64_t state, const uint8_t block[BLOCK]) {
  for (size_t i = 0; i < BLOCK; i++)
    state = rows[block[i]] >> (state & STATE_BITS);
  return state;
}

/* Bytes of valid, whole characters at the start of data[0..len): up to the block with a fault, or all but
 * what is less than a block. */
static size_t sound_blocks(const uint8_t *data, size_t len) {
  uint64_t state = BETWEEN;
  size_t sound = 0; /* bytes, of whole blocks; their last character may go on */
  for (; len - sound >= BLOCK; sound += BLOCK) {
    if ((state & STATE_BITS) == BETWEEN) {
      sound += ascii_blocks(data + sound, len - sound);
      if (len - sound < BLOCK) break;
    }
    uint64_t next = step_block(state, data + sound);
    if ((next & STATE_BITS) == BROKEN) break;
    state = next;
  }
  if ((state & STATE_BITS) == BETWEEN) return sound;
  do {
    sound--;
  } while (is_continuation(data[sound]));
  return sound;
}

/* ---- feeding ---- */

/* Goes on until the next character begins; returns the bytes that are fine. */
static size_t finish_sequence(struct wsl_utf8 *utf8, const uint8_t *data, size_t len) {
  size_t i = 0;
  for (; i < len && utf8->left > 0; i++) {
    if (data[i] < utf8->low || data[i] > utf8->high) break;
    *utf8 = (struct wsl_utf8){(uint8_t)(utf8->left - 1), CONTINUATION_LOW, CONTINUATION_HIGH};
  }
  return i;
}

size_t wsl_utf8_feed(struct wsl_utf8 *utf8, const uint8_t *data, size_t len) {
  struct wsl_utf8 state = *utf8; /* a copy: `data` might alias what *utf8 is in, and cost reloads */
  size_t i = finish_sequence(&state, data, len);
  if (state.left == 0) i += sound_blocks(data + i, len - i);
  while (i < len && state.left == 0) {
    i += ascii_run(data + i, len - i);
    if (i == len || !begin_sequence(&state, data[i])) break;
    i++;
    i += finish_sequence(&state, data + i, len - i);
  }
  *utf8 = state;
  return i;
}

bool wsl_utf8_complete(const struct wsl_utf8 *utf8) {
  return utf8->left == 0;
}

bool wsl_utf8_valid(const uint8_t *data, size_t len) {
  struct wsl_utf8 utf8;
  wsl_utf8_init(&utf8);
  return wsl_utf8_feed(&utf8, data, len) == len && wsl_utf8_complete(&utf8);
}
