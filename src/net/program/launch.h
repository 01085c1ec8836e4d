/* A program for one client is started: its streams made, its process spawned. Blocks for a millisecond or so:
 * for the thread pool.
 */
#ifndef NET_PROGRAM_LAUNCH_H
#define NET_PROGRAM_LAUNCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <wsluice/span.h>

#include "core/error.h"
#include "net/program/child_stage.h"

/* A terminal's size in characters; 0: not said. */
struct terminal_size {
  uint16_t columns, rows;
};

enum program_streams { PROGRAM_ON_PIPES, PROGRAM_ON_TERMINAL };

/* What the operator chose; immutable while programs run, and alive as long. */
struct program_settings {
  const char *path;               /* as child_find() wrote it; NULL: clients get no programs */
  const char *const *argv;        /* ended by NULL */
  const char *directory;          /* to work in; NULL: ours */
  const char *const *environment; /* "NAME=value", for all of them; ended by NULL */
  enum program_streams streams;
  struct terminal_size size; /* where the client says none */
  size_t limit;              /* of programs at once, in all workers */
  uint64_t grace_ms;         /* to end in when its client has gone, before it is made to; and again */
};

/* What has come of it. The descriptors are ours, non-blocking where they are to be; -1: none. */
struct program_launch {
  pid_t pid;
  int output, input; /* of a terminal both are its master */
  int errors;        /* its standard error; -1 for a terminal */
  struct child_failure failure;
};

/* Starts the program with `environment` (all that it gets; ended by NULL). 0, or an error with nothing left
 * open and the failure told. */
WSL_MUST_CHECK int program_launch(const struct program_settings *settings, const char *const *environment,
                                  struct terminal_size size, struct program_launch *launch);

/* Closes what a launch has opened, for whom nobody waits any more; the process is not touched. */
void program_launch_close(struct program_launch *launch);

#endif
