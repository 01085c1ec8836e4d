/* What the fuzz targets share: libFuzzer's entry, checks that end the process, and choices taken from the
 * input.
 *
 * A target holds its code to properties (a reference that is too simple to be wrong, another way to cut the
 * same bytes, there and back), since parsers that never crash can still be wrong. Choices are taken from the
 * end of the input, so that a mutation of the bytes before them changes nothing else.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

/* For loops of a target's own over many bytes: libFuzzer would note each compare of theirs. */
#if defined(__clang__)
#define FUZZ_UNSEEN __attribute__((no_sanitize("coverage"), noinline))
#else
#define FUZZ_UNSEEN
#endif

/* The entry that libFuzzer and replay.c call; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says what did not hold, and where, and aborts: libFuzzer keeps the input. */
__attribute__((noreturn, format(printf, 3, 4))) void fuzz_fail(const char *file, int line, const char *format,
                                                               ...);

#define fuzz_check(condition, ...)                                \
  do {                                                            \
    if (!(condition)) fuzz_fail(__FILE__, __LINE__, __VA_ARGS__); \
  } while (false)

/* What is left of an input. */
struct fuzz_input {
  const uint8_t *at;
  size_t len;
};

/* Takes a byte, a number of two bytes, off the end; 0 when nothing is left. */
uint8_t fuzz_choice(struct fuzz_input *input);
uint16_t fuzz_choice_16(struct fuzz_input *input);

/* Takes a byte off the front; 0 when nothing is left. */
uint8_t fuzz_byte(struct fuzz_input *input);

/* Takes what lies before the next `separator` off the front, the separator too. */
struct wsl_span fuzz_piece(struct fuzz_input *input, uint8_t separator);

/* A copy in a block of its own of exactly that size (one byte for none), so that a look past it is seen.
 * Never NULL; free() it. */
void *fuzz_copy(const void *data, size_t len);

/* Likewise with a NUL behind it; a NUL within ends it early. */
char *fuzz_text(struct wsl_span text);

/* Memory that is zeroed; never NULL. */
void *fuzz_memory(size_t size);

/* How a stream is cut: sizes of successive pieces, drawn from a seed. Seed 0 is all at once, 1 byte by byte.
 */
struct fuzz_cuts {
  uint64_t state;
  uint16_t seed;
};

struct fuzz_cuts fuzz_cuts_of(uint16_t seed);

/* The size of the next piece: 1..left (left > 0). */
size_t fuzz_cut(struct fuzz_cuts *cuts, size_t left);

/* Whether `part` lies within whole, or is empty. */
bool fuzz_within(struct wsl_span part, const void *whole, size_t len);

#endif
