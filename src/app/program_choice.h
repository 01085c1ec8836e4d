/* From the options to the program that each client gets (--exec): which file that is, and what of our
 * environment it may see. */
#ifndef APP_PROGRAM_CHOICE_H
#define APP_PROGRAM_CHOICE_H

#include <limits.h>

#include "app/option/options.h"
#include "net/program/launch.h"

/* Variables that all programs get, "--exec-env" among them. */
#define PROGRAM_VARIABLES_MAX 128u

struct program_choice {
  struct program_settings settings;
  char path[PATH_MAX], directory[PATH_MAX];
  char text[OPTIONS_HOST_MAX];  /* "exec:PROGRAM", for the log */
  const char *const *arguments; /* malloc'ed */
  const char *environment[PROGRAM_VARIABLES_MAX + 1];
};

/* Fills in the choice, and with it the target in options->server; nothing without --exec. Looks for the
 * program and its directory now, since -D goes elsewhere. Of `environment` programs get what places, names
 * and languages depend on (PATH, HOME, USER, LOGNAME, SHELL, LANG, LANGUAGE, LC_..., TZ, TMPDIR) and what
 * --exec-env names: the rest may hold secrets that a client of a shell could read. 0, or WSL_NOT_FOUND,
 * WSL_DENIED, WSL_INVALID, WSL_NO_MEMORY with a line in why[0..why_cap). */
WSL_MUST_CHECK int program_choice_make(struct program_choice *choice, struct options *options,
                                       const char *const *environment, char *why, size_t why_cap);

void program_choice_free(struct program_choice *choice);

#endif
