/* Starting a program as a process of its own, as if whoever started wsluice had started it: the descriptor
 * limit of then, no descriptor of ours but its three standard streams, every signal at its default and
 * none blocked.
 *
 * The new process shares our memory until it has become the program (vfork), so between the two run only
 * system calls on what was made ready before; no page table is copied, and it takes about a millisecond
 * whatever we hold. Only the calling thread waits meanwhile. A program that can't be run is known before
 * child_spawn() returns, with the step that failed.
 *
 * Whoever spawns must wait for the process in the end (net/program/child.h does); nobody else in the program
 * may wait for just any child.
 */
#ifndef NET_PROGRAM_CHILD_STAGE_H
#define NET_PROGRAM_CHILD_STAGE_H

#include <stddef.h>
#include <sys/types.h>

#include <wsluice/span.h>

#include "core/error.h"

/* Where the process stands among others. A signal to the negated process id reaches all of its group. */
enum child_place {
  CHILD_IN_GROUP,   /* leads a process group of its own; the session, and its terminal, stay ours */
  CHILD_IN_SESSION, /* leads a session of its own as well, without a terminal */
  CHILD_ON_TERMINAL /* leads a session whose terminal is descriptors[0], a pseudo-terminal's slave */
};

struct child_request {
  const char *path;        /* the file, as child_find() wrote it */
  const char *const *argv; /* the program's name, then its arguments; ended by NULL */
  const char *const *envp; /* "NAME=value", all that it gets; ended by NULL */
  const char *directory;   /* to work in; NULL: ours */
  int descriptors[3]; /* become its standard input, output and error; may be one. They stay the caller's */
  enum child_place place;
  int orphan_signal; /* which it gets when the thread that spawned it ends, as with all of us; 0: none. The
                        kernel forgets it where the program is set-user-id */
};

struct child_failure {
  int system_errno;
  const char *step; /* what failed, static: "can't be run", "can't enter its directory", ... */
};

/* Takes note of what programs are to be given back: the limit on descriptors and the file mode mask. Marks
 * all descriptors that we were started with, but the standard streams, as not for programs; and makes
 * children waitable where our starter ignored SIGCHLD. At the start of main(), before anything changes
 * these or opens a descriptor. */
void child_stage_remember(void);

/* Finds the file for `program` and writes its absolute path to path[0..cap): as a shell would, by `search`
 * (a PATH; NULL: /usr/local/bin:/usr/bin:/bin) where there is no slash in it, else as seen from the working
 * directory. 0; WSL_NOT_FOUND; WSL_DENIED where there is one that we may not run; WSL_INVALID where the path
 * is too long. */
WSL_MUST_CHECK int child_find(const char *program, const char *search, char *path, size_t cap);

/* Starts the program. 0 with its process id; else an error of the system's, told in `failure` as well:
 * WSL_NOT_FOUND, WSL_DENIED, WSL_NO_DESCRIPTOR, WSL_NO_MEMORY, WSL_AGAIN (too many processes), WSL_IO...
 * Any thread; it waits for the file to be opened, so not on a loop where that may be slow. */
WSL_MUST_CHECK int child_spawn(const struct child_request *request, pid_t *pid,
                               struct child_failure *failure);

/* A line for people: "can't be run: No such file or directory", with what else may be the matter where
 * the system's word misleads. Writes to out[0..cap), and returns it. */
const char *child_failure_text(const struct child_failure *failure, char *out, size_t cap);

#endif
