/* Bytes that are to become text: where a piece of a stream may be cut, and what takes the place of bytes that
 * are no UTF-8. Everything stands on wsl_utf8_feed(), so there is one opinion of what UTF-8 is.
 *
 * The repaired text ends where its source ended: nothing grows at the end, and what stands before any place
 * has grown less than all that stands behind the start, so writing forward never overtakes reading.
 */
#include <string.h>

#include <wsluice/utf8.h>

static const uint8_t replacement[] = {0xEF, 0xBF, 0xBD}; /* U+FFFD */

static bool is_continuation(uint8_t byte) {
  return (byte & 0xC0) == 0x80;
}

/* Whole characters, and behind them the maximal subpart that is none. */
struct piece {
  size_t sound;
  size_t fault; /* 1 to 3; 0: the data ends here */
};

static struct piece next_piece(const uint8_t *data, size_t len) {
  struct wsl_utf8 utf8;
  wsl_utf8_init(&utf8);
  size_t fine = wsl_utf8_feed(&utf8, data, len);
  size_t begun = 0;
  if (!wsl_utf8_complete(&utf8)) {
    do {
      begun++;
    } while (is_continuation(data[fine - begun]));
  }
  if (begun > 0) return (struct piece){fine - begun, begun};
  return (struct piece){fine, fine < len ? 1 : 0};
}

size_t wsl_utf8_unfinished(const uint8_t *data, size_t len) {
  size_t most = len < WSL_UTF8_UNFINISHED_MAX ? len : WSL_UTF8_UNFINISHED_MAX;
  for (size_t count = 1; count <= most; count++) {
    if (is_continuation(data[len - count])) continue;
    struct wsl_utf8 utf8;
    wsl_utf8_init(&utf8);
    bool begins = wsl_utf8_feed(&utf8, data + len - count, count) == count;
    return begins && !wsl_utf8_complete(&utf8) ? count : 0;
  }
  return 0;
}

size_t wsl_utf8_sound(const uint8_t *data, size_t len) {
  return next_piece(data, len).sound;
}

/* How much longer the text becomes. */
static size_t growth(const uint8_t *data, size_t len, size_t *replaced) {
  size_t more = 0;
  *replaced = 0;
  for (size_t at = 0; at < len;) {
    struct piece piece = next_piece(data + at, len - at);
    at += piece.sound + piece.fault;
    if (piece.fault == 0) break;
    more += sizeof(replacement) - piece.fault;
    ++*replaced;
  }
  return more;
}

struct wsl_utf8_repaired wsl_utf8_repair(uint8_t *data, size_t len) {
  struct wsl_utf8_repaired text;
  size_t more = growth(data, len, &text.replaced);
  text.at = data - more;
  text.len = len + more;
  if (text.replaced == 0) return text;
  uint8_t *out = text.at;
  for (size_t at = 0; at < len;) {
    struct piece piece = next_piece(data + at, len - at);
    memmove(out, data + at, piece.sound);
    out += piece.sound;
    if (piece.fault > 0) {
      memcpy(out, replacement, sizeof(replacement));
      out += sizeof(replacement);
    }
    at += piece.sound + piece.fault;
  }
  return text;
}
