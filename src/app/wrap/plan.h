/* How a wrapped program (-- PROGRAM ARGS) is started and where it is reached, chosen from the command line:
 *
 *   a target is named too             TARGET_NAMED   it is started as it stands; it listens there by itself
 *   {port} in ARGS, or --wrap-env     PORT_TOLD      it is told a free port
 *   {socket} in ARGS                  SOCKET_TOLD    it is told the path of a Unix socket, in a folder of its
 * own nothing of that                   PORT_MOVED     as websockify: it listens on the port that wsluice
 * listens on, and a preloaded library moves that to a free one
 *
 * A program that takes no preloaded library is known by its file mostly (program_file.h), and refused with a
 * sentence that names the other ways. Used at start, blocks.
 */
#ifndef APP_WRAP_PLAN_H
#define APP_WRAP_PLAN_H

#include <limits.h>

#include "app/option/options.h"
#include "app/wrap/folder.h"
#include "app/wrap/port.h"

enum wrap_way { WRAP_TARGET_NAMED, WRAP_PORT_TOLD, WRAP_SOCKET_TOLD, WRAP_PORT_MOVED };

#define WRAP_ADDITIONS_MAX (OPTIONS_LIST_MAX + 4u)
#define WRAP_ENTRY_MAX     (2u * PATH_MAX)

/* All zero: none. Stays where it is: the settings point into it. */
struct wrap_plan {
  enum wrap_way way;
  char path[PATH_MAX];              /* of the program's file */
  const char **argv, **environment; /* its own, malloc'ed */
  struct wrap_port port;
  uint16_t old_port;      /* PORT_MOVED: what it believes to listen on */
  char library[PATH_MAX]; /* PORT_MOVED: as the loader is told it */
  struct wrap_folder
      folder; /* of the socket; or of a link to a library whose path the loader would not take */
  char target_text[WRAP_WITHIN_MAX + 8];
  struct target_start start;
  char *entries; /* what `environment` has of ours, malloc'ed */
};

/* Finds the program and its target, which goes to options->server. 0, or an error with one line in
 * why[0..why_cap). Either way to be dropped. */
WSL_MUST_CHECK int wrap_plan_make(struct wrap_plan *plan, struct options *options, char *why, size_t why_cap);

/* What only a server that listens can tell: fills in argv and environment. 0, or likewise. */
WSL_MUST_CHECK int wrap_plan_complete(struct wrap_plan *plan, const struct options *options,
                                      const char *const *environment, uint16_t listen_port, char *why,
                                      size_t why_cap);

/* Whether the program listens where it is expected; true where that can't be told. */
bool wrap_plan_is_listening(const struct wrap_plan *plan);

/* Lets port, folder and memory go: at the end, since the program may start others. */
void wrap_plan_drop(struct wrap_plan *plan);

#endif
