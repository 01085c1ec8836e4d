/* See translation.h. */
#include "translation.h"

#include <string.h>

void translation_init(struct translation *t, enum frames_mode mode, size_t max, bool invalid_closes) {
  struct bytes line = t->line;
  bytes_clear(&line);
  *t = (struct translation){.mode = mode, .max = max, .invalid_closes = invalid_closes, .line = line};
}

/* ---- lines ---- */

static void end_message(struct translation *t, struct bytes *out) {
  bytes_add(out, t->line.data, t->line.len);
  bytes_push(out, '\n');
  bytes_clear(&t->line);
}

static void add_to_line(struct translation *t, const uint8_t *character, size_t len, struct bytes *out) {
  if (t->line.len > 0 && t->line.len + len > t->max) end_message(t, out);
  bytes_add(&t->line, character, len);
}

static void settle_cr(struct translation *t, struct bytes *out) {
  if (t->cr) add_to_line(t, (const uint8_t *)"\r", 1, out);
  t->cr = false;
}

static void take_for_lines(struct translation *t, const uint8_t *character, size_t len, struct bytes *out) {
  if (*character == '\n') {
    t->cr = false;
    end_message(t, out);
    return;
  }
  settle_cr(t, out);
  t->cr = *character == '\r';
  if (!t->cr) add_to_line(t, character, len, out);
}

/* ---- characters ---- */

static bool in_lines(const struct translation *t) {
  return t->mode == FRAMES_LINES || t->mode == FRAMES_BINARY_LINES;
}

static void take(struct translation *t, const uint8_t *character, size_t len, struct bytes *out) {
  if (in_lines(t)) {
    take_for_lines(t, character, len, out);
  } else {
    bytes_add(out, character, len);
  }
}

static void take_invalid(struct translation *t, struct bytes *out) {
  t->character_len = 0;
  t->letters.left = 0;
  if (t->invalid_closes) {
    t->broken = true;
  } else {
    take(t, (const uint8_t *)"\xEF\xBF\xBD", 3, out);
  }
}

/* A byte that ends what can't be a character may begin another. */
static void take_text(struct translation *t, uint8_t byte, struct bytes *out) {
  if (!letters_take(&t->letters, byte)) {
    bool alone = t->character_len == 0;
    take_invalid(t, out);
    if (!alone && !t->broken) take_text(t, byte, out);
    return;
  }
  t->character[t->character_len++] = byte;
  if (t->letters.left > 0) return;
  size_t len = t->character_len;
  t->character_len = 0;
  take(t, t->character, len, out);
}

/* ---- auto ---- */

static void note_tail(struct translation *t, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (t->tail_len == sizeof t->tail) memmove(t->tail, t->tail + 1, --t->tail_len);
    t->tail[t->tail_len++] = bytes[i];
  }
}

/* Whether what was sent as binary ends in the middle of a character. */
static bool hangs(const struct translation *t) {
  for (size_t begin = 0; begin < t->tail_len; begin++) {
    struct letters letters = {0, 0, 0};
    size_t at = begin;
    while (at < t->tail_len && letters_take(&letters, t->tail[at]) && letters.left > 0)
      at++;
    if (at == t->tail_len && letters.left > 0) return true;
  }
  return false;
}

static void decide(struct translation *t, uint8_t next, enum heard_first first) {
  bool between = !hangs(t) || (next & 0xC0) != 0x80;
  if (first == FIRST_TEXT && between) t->mode = FRAMES_TEXT;
}

/* ---- all ---- */

void translation_read(struct translation *t, const uint8_t *bytes, size_t len, enum heard_first first,
                      struct bytes *out) {
  if (t->mode == FRAMES_AUTO) decide(t, bytes[0], first);
  if (t->mode == FRAMES_AUTO) note_tail(t, bytes, len);
  bool text = t->mode == FRAMES_TEXT || t->mode == FRAMES_LINES;
  for (size_t i = 0; i < len && !t->broken; i++) {
    if (text) {
      take_text(t, bytes[i], out);
    } else {
      take(t, bytes + i, 1, out);
    }
  }
  if (t->broken) translation_end(t, out);
}

void translation_end(struct translation *t, struct bytes *out) {
  if (t->character_len > 0) take_invalid(t, out);
  settle_cr(t, out);
  if (t->line.len > 0) end_message(t, out);
}
