/* What a process that died while it played says about why: the line of sim_fail(), else what an assertion or
 * a sanitizer wrote, else the signal.
 */
#ifndef SIM_DEATH_H
#define SIM_DEATH_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

#define DEATH_TEXT_MAX 8192u

struct death {
  char fault[SIM_FAULT_MAX]; /* one line */
  char text[DEATH_TEXT_MAX]; /* what it wrote to stderr, as much as fits */
};

/* Where processes that may die write to: a file without a name, empty. */
int death_file(void);

/* In the child: stderr goes there from now on, and no core is dumped. */
void death_expect(int file);

/* In the parent: reads what there is to say and empties the file. `line` is what sim_fault_to() was given. */
void death_read(struct death *death, int wait_status, const char *line, int file);

/* Whether they are of one kind: the same words, whatever the numbers. */
bool death_same_kind(const struct death *a, const struct death *b);

#endif
