/* Incremental UTF-8 validation (RFC 3629): a state of three bytes, stepped once per byte.
 *
 * All of UTF-8's exceptions (overlong forms, surrogates, the end at U+10FFFF) concern the second
 * byte of a sequence only, so that bounds for "the next byte" are all there is to remember. ASCII,
 * which is most of real text, is skipped in words.
 */
#include <string.h>

#include <wsluice/utf8.h>

#define CONTINUATION_LOW  0x80u
#define CONTINUATION_HIGH 0xBFu
#define HIGH_BITS         UINT64_C(0x8080808080808080) /* set in any byte that is not ASCII */

void wsl_utf8_init(struct wsl_utf8 *utf8) {
  *utf8 = (struct wsl_utf8){0, CONTINUATION_LOW, CONTINUATION_HIGH};
}

/* Leading ASCII bytes of data[0..len). */
static size_t ascii_run(const uint8_t *data, size_t len) {
  size_t i = 0;
  for (; len - i >= 4 * sizeof(uint64_t); i += 4 * sizeof(uint64_t)) {
    uint64_t word[4];
    memcpy(word, data + i, sizeof(word));
    if ((word[0] | word[1] | word[2] | word[3]) & HIGH_BITS) break;
  }
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

size_t wsl_utf8_feed(struct wsl_utf8 *utf8, const uint8_t *data, size_t len) {
  struct wsl_utf8 state = *utf8; /* a copy: `data` might alias what *utf8 is in, and cost reloads */
  size_t i = 0;
  while (i < len) {
    if (state.left == 0) {
      i += ascii_run(data + i, len - i);
      if (i == len || !begin_sequence(&state, data[i])) break;
    } else {
      if (data[i] < state.low || data[i] > state.high) break;
      state = (struct wsl_utf8){(uint8_t)(state.left - 1), CONTINUATION_LOW, CONTINUATION_HIGH};
    }
    i++;
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
