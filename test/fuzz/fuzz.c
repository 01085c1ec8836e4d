/* See fuzz.h. */
#include "fuzz/fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/random.h"

#define CUT_BYTE_BY_BYTE 1u
#define LONG_STREAM      4096u

void fuzz_fail(const char *file, int line, const char *format, ...) {
  va_list args;
  va_start(args, format);
  (void)fprintf(stderr, "%s:%d: does not hold: ", file, line);
  (void)vfprintf(stderr, format, args);
  (void)fputc('\n', stderr);
  va_end(args);
  abort();
}

/* ---- taking an input apart ------------------------------------------------------------------------ */

uint8_t fuzz_choice(struct fuzz_input *input) {
  if (input->len == 0) return 0;
  return input->at[--input->len];
}

uint16_t fuzz_choice_16(struct fuzz_input *input) {
  uint8_t low = fuzz_choice(input);
  return (uint16_t)(low | fuzz_choice(input) << 8);
}

uint8_t fuzz_byte(struct fuzz_input *input) {
  if (input->len == 0) return 0;
  input->len--;
  return *input->at++;
}

struct wsl_span fuzz_piece(struct fuzz_input *input, uint8_t separator) {
  const uint8_t *end = input->len == 0 ? NULL : memchr(input->at, separator, input->len);
  struct wsl_span piece = {(const char *)input->at, end == NULL ? input->len : (size_t)(end - input->at)};
  size_t taken = end == NULL ? piece.len : piece.len + 1;
  input->at += taken;
  input->len -= taken;
  return piece;
}

/* ---- memory --------------------------------------------------------------------------------------- */

void *fuzz_memory(size_t size) {
  void *memory = calloc(1, size == 0 ? 1 : size);
  fuzz_check(memory != NULL, "there is memory");
  return memory;
}

void *fuzz_copy(const void *data, size_t len) {
  void *copy = fuzz_memory(len);
  if (len > 0) memcpy(copy, data, len);
  return copy;
}

char *fuzz_text(struct wsl_span text) {
  char *copy = fuzz_memory(text.len + 1);
  if (text.len > 0) memcpy(copy, text.at, text.len);
  return copy;
}

bool fuzz_within(struct wsl_span part, const void *whole, size_t len) {
  const char *begin = whole;
  return part.len == 0 || (part.at >= begin && part.at + part.len <= begin + len);
}

/* ---- cuts ----------------------------------------------------------------------------------------- */

struct fuzz_cuts fuzz_cuts_of(uint16_t seed) {
  struct random_source source;
  random_seed(&source, seed);
  return (struct fuzz_cuts){.state = source.state, .seed = seed};
}

/* Small pieces and large ones, each size of either as likely; of long streams larger ones, so that a run of a
 * target stays short. */
size_t fuzz_cut(struct fuzz_cuts *cuts, size_t left) {
  static const uint32_t bounds[] = {3, 8, 16, 150, 4096};
  if (cuts->seed == 0) return left;
  size_t more = left > LONG_STREAM ? left / 64 : 0;
  if (cuts->seed == CUT_BYTE_BY_BYTE) return 1 + more;
  struct random_source source = {.state = cuts->state};
  uint32_t bound = bounds[random_below(&source, sizeof bounds / sizeof bounds[0])];
  size_t size = 1 + more + random_below(&source, bound);
  cuts->state = source.state;
  return size < left ? size : left;
}
