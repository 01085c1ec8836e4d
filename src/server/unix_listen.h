/* A Unix socket to listen on (--unix-listen): takes the place of one that nobody answers on any more, leaves
 * alone whatever else is there, and is removed at the end if it is still ours. At start and end only: blocks.
 */
#ifndef SERVER_UNIX_LISTEN_H
#define SERVER_UNIX_LISTEN_H

#include <sys/types.h>

#include "net/address.h"

/* All zero: none. */
struct unix_listen {
  const char *path; /* the caller's, while it is open */
  dev_t device;     /* which file it is: another may have taken the name since */
  ino_t inode;
};

/* Binds and listens with the file mode `mode`, from the first moment on. Returns the descriptor, with
 * *address where it listens; or an error with a line in why[0..why_cap): WSL_IN_USE where somebody answers,
 * WSL_INVALID for a file that is no socket, WSL_DENIED, WSL_NOT_FOUND (the folder), ... */
WSL_MUST_CHECK int unix_listen_open(struct unix_listen *listen, const char *path, unsigned mode, int backlog,
                                    struct address *address, char *why, size_t why_cap);

/* Removes the file. Harmless when none is open. */
void unix_listen_remove(struct unix_listen *listen);

#endif
