/* Rows of a table of behaviours, each played with reads and writes whole and in pieces of 1, 2, 3 and 7
 * bytes. */
#ifndef TEST_BRIDGE_ROWS_H
#define TEST_BRIDGE_ROWS_H

#include "bridge/world.h"

/* Plays in a world of its own, and leaves no session behind. */
struct row {
  const char *name;
  void (*play)(struct world *w);
};

#define ROW(name) {#name, name}

/* Runs every row with every chunk as a test of its own; the result is main()'s. */
int rows_play(const struct row *rows, size_t count);

#endif
