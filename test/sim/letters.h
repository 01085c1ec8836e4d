/* UTF-8 a second time, as RFC 3629 section 4 has it in its table: what may follow what. Shares nothing with
 * codec/.
 */
#ifndef SIM_LETTERS_H
#define SIM_LETTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero: between characters. */
struct letters {
  unsigned left, low, high; /* bytes to come, bounds of the next */
};

/* Whether the byte may stand there; if not, nothing has changed. */
bool letters_take(struct letters *letters, uint8_t byte);

/* All of it is text, and ends with a whole character. */
bool letters_are_whole(const uint8_t *bytes, size_t len);

#endif
