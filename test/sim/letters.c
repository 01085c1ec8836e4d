/* See letters.h. */
#include "letters.h"

/* What may follow a first byte: how many, and the bounds of the second. False: it is none. */
static bool first_of_character(struct letters *l, uint8_t byte) {
  static const struct {
    uint8_t from, to, more, low, high;
  } rows[] = {
      {0x00, 0x7F, 0, 0, 0},       {0xC2, 0xDF, 1, 0x80, 0xBF}, {0xE0, 0xE0, 2, 0xA0, 0xBF},
      {0xE1, 0xEC, 2, 0x80, 0xBF}, {0xED, 0xED, 2, 0x80, 0x9F}, {0xEE, 0xEF, 2, 0x80, 0xBF},
      {0xF0, 0xF0, 3, 0x90, 0xBF}, {0xF1, 0xF3, 3, 0x80, 0xBF}, {0xF4, 0xF4, 3, 0x80, 0x8F},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (byte < rows[i].from || byte > rows[i].to) continue;
    *l = (struct letters){rows[i].more, rows[i].low, rows[i].high};
    return true;
  }
  return false;
}

bool letters_take(struct letters *l, uint8_t byte) {
  if (l->left == 0) return first_of_character(l, byte);
  if (byte < l->low || byte > l->high) return false;
  *l = (struct letters){l->left - 1, 0x80, 0xBF};
  return true;
}

bool letters_are_whole(const uint8_t *bytes, size_t len) {
  struct letters letters = {0, 0, 0};
  for (size_t i = 0; i < len; i++)
    if (!letters_take(&letters, bytes[i])) return false;
  return letters.left == 0;
}
