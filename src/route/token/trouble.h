/* Whether a source could be read the last time: the log hears when that changes, not at every lookup, since
 * clients' requests have lines of their own. Any thread.
 */
#ifndef ROUTE_TOKEN_TROUBLE_H
#define ROUTE_TOKEN_TROUBLE_H

#include <stdatomic.h>
#include <stddef.h>

#include "core/error.h"
#include "route/router.h"

/* Errors with sentences of their own here: there is something, of another kind. */
#define TOKEN_SOURCE_OTHER        WSL_INVALID     /* neither a file nor a directory */
#define TOKEN_SOURCE_NO_DIRECTORY WSL_UNSUPPORTED /* where only a directory will do */

struct token_trouble {
  atomic_int error; /* of the last reading */
};

/* After each reading of `path`, with its error or 0: a line when it begins to fail, in another way perhaps,
 * and one when it is over. */
void token_trouble_note(struct token_trouble *trouble, const char *path, int error);

/* What clients get for an error: ROUTE_BUSY for our own want of memory, descriptors or ports, else
 * ROUTE_FAILED. */
enum route_outcome token_trouble_outcome(int error);

/* A source that can't be read at the start: writes why, returns the error. */
int token_trouble_refuse(int error, const char *path, char *why, size_t why_cap);

#endif
