/* Small files read whole: keys, passwords, what says a target. */
#ifndef CORE_READ_ALL_H
#define CORE_READ_ALL_H

#include <stddef.h>
#include <sys/types.h>

#include <wsluice/span.h>

/* Reads to the file's end, in as many pieces as a pipe gives (a shell's <(...)), but no more than `cap`
 * bytes: as many may mean that there is more. How many, or -1 with errno. Blocks as the descriptor does. */
WSL_MUST_CHECK ssize_t read_all(int fd, void *bytes, size_t cap);

#endif
