/* The process id in a file, for whoever wants to signal the program, and a lock on that file for as long as
 * the process lives: of two instances with one file the second does not start, and one that was killed leaves
 * nothing behind that would keep the next from starting.
 *
 *   pid_file_claim()  before anything starts: refuses what a living process holds, or what is no pid file
 *   pid_file_write()  once it listens: the file appears with the id in it
 *   pid_file_drop()   at the end
 */
#ifndef APP_PID_FILE_H
#define APP_PID_FILE_H

#include <stddef.h>

#include <wsluice/span.h>

struct pid_file {
  const char *path; /* NULL: none */
  int fd;           /* locked; -1: there is no file yet */
};

/* Locks the file at `path` (which lives on; NULL: nothing to do, here and later) if there is one. In the
 * process that is to hold it, behind a fork. 0, or an error with a line in why[0..why_cap): WSL_IN_USE when a
 * living process holds it. */
WSL_MUST_CHECK int pid_file_claim(struct pid_file *file, const char *path, char *why, size_t why_cap);

/* Writes our process id, in place or into a new file. 0, or an error with a line in why[0..why_cap). */
WSL_MUST_CHECK int pid_file_write(struct pid_file *file, char *why, size_t why_cap);

/* Removes it, if it is still ours. Harmless when it was never written, or dropped already. */
void pid_file_drop(struct pid_file *file);

#endif
