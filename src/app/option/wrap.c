/* Options about a program that is run as the target (-- PROGRAM; app/wrap). */
#include <string.h>

#include "app/option/groups.h"
#include "app/option/rules.h"

static int check_mode(struct options *options, const char *value, const char **why) {
  static const char *const words[] = {
      [WRAP_EXIT] = "exit", [WRAP_IGNORE] = "ignore", [WRAP_RESPAWN] = "respawn"};
  *why = "must be exit, ignore or respawn";
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (strcmp(value, words[i]) != 0) continue;
    options->wrap_mode = (enum wrap_mode)i;
    return WSL_OK;
  }
  return WSL_INVALID;
}

static int check_variable(struct options *options, const char *value, const char **why) {
  (void)options;
  *why = "must be the name of a variable, such as PORT";
  return value[0] == '\0' || strchr(value, '=') != NULL ? WSL_INVALID : WSL_OK;
}

static const char *check(struct options *o) {
  if (o->wrapped == NULL && (o->wrap_variables.count > 0 || o->wrap_library != NULL))
    return "--wrap-env and --wrap-library need a program (-- PROGRAM)";
  if (o->wrapped == NULL) return NULL;
  if (o->demo) return "--demo brings its own target: not with -- PROGRAM";
  if (o->wrapped[0][0] == '\0') return "-- is followed by the name of the program to run";
  return NULL;
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Start the target (-- PROGRAM ARGS)"),
  {OPTION_CUSTOM, "wrap-mode", 0, "MODE", 0, 0, 0, check_mode,
   "when PROGRAM ends: exit with its status, ignore it,\n"
   "or respawn it, at most 3 times in 10 s [exit]"},
  {OPTION_LIST, "wrap-env", 0, "NAME", FIELD(wrap_variables), 0, 0, check_variable,
   "tell it a free port in this variable; repeatable\n"
   "(or in ARGS: {port}, or {socket} for a Unix socket)"},
  {OPTION_TEXT, "wrap-library", 0, "FILE", FIELD(wrap_library), 0, 0, option_check_not_empty,
   "preloaded library that moves its port when it is\n"
   "told none [the one installed with wsluice]"},
};
/* clang-format on */

const struct option_group option_group_wrap = {specs, sizeof specs / sizeof specs[0], check, NULL};
