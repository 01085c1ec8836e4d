/* The process id in a file, for whoever wants to signal the program, and a lock on it, so that two instances
 * with one file don't start.
 */
#ifndef APP_PID_FILE_H
#define APP_PID_FILE_H

#include <stddef.h>

#include <wsluice/span.h>

struct pid_file {
  const char *path; /* NULL: none */
  int fd;
};

/* Takes the file at `path` (which lives on; NULL: nothing to do), makes it where it is missing. In the
 * process that is to hold it: a fork's child must take its own. 0, or an error with a line in
 * why[0..why_cap): WSL_IN_USE when a living process holds it. */
WSL_MUST_CHECK int pid_file_take(struct pid_file *file, const char *path, char *why, size_t why_cap);

/* Writes our process id. 0 or WSL_IO. */
WSL_MUST_CHECK int pid_file_write(const struct pid_file *file);

/* Removes it, if it is still ours. */
void pid_file_drop(struct pid_file *file);

#endif
