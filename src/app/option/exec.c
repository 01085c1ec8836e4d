/* Options about programs as targets: one for each client. */
#include "app/option/groups.h"

#include <string.h>

#include "core/parse.h"

#define TERMINAL_SIDE_MAX 1000u
#define SIZE_TEXT_MAX     16u

/* What needs --exec. */
static const char *check_alone(const struct options *o) {
  if (o->pty) return "--pty needs --exec";
  if (o->exec_dir != NULL) return "--exec-dir needs --exec";
  if (o->exec_env.count > 0) return "--exec-env needs --exec";
  return NULL;
}

/* Words behind "--" are its arguments, and no program to be wrapped. */
static const char *check(struct options *o) {
  if (o->exec == NULL) return check_alone(o);
  if (o->demo) return "--demo brings its own target: not with --exec";
  if (o->unix_target != NULL) return "--unix-target is one target, --exec another: give one of them";
  if (o->server.token_kind != NULL || o->target_config != NULL)
    return "--token-plugin and --exec both say what clients get: give one of them";
  if (o->ssl_target) return "--ssl-target can't be used with --exec: a program is no TLS server";
  if (o->source_addresses.count > 0)
    return "--source-address can't be used with --exec: no connection is made";
  if (o->pty_size_given && !o->pty) return "--pty-size needs --pty";
  o->exec_arguments = o->wrapped;
  o->wrapped = NULL;
  return NULL;
}

/* "80x24" */
static int check_pty_size(struct options *options, const char *value, const char **why) {
  char columns[SIZE_TEXT_MAX];
  const char *x = strchr(value, 'x');
  *why = "give columns and rows, such as 80x24";
  if (x == NULL || (size_t)(x - value) >= sizeof columns) return WSL_INVALID;
  memcpy(columns, value, (size_t)(x - value));
  columns[x - value] = '\0';
  const char *ignored;
  uint64_t sides[2];
  if (parse_unsigned(columns, TERMINAL_SIDE_MAX, &sides[0], &ignored) != WSL_OK ||
      parse_unsigned(x + 1, TERMINAL_SIDE_MAX, &sides[1], &ignored) != WSL_OK || sides[0] == 0 ||
      sides[1] == 0)
    return WSL_INVALID;
  options->pty_columns = sides[0];
  options->pty_rows = sides[1];
  options->pty_size_given = 1;
  return WSL_OK;
}

static int check_variable(struct options *options, const char *value, const char **why) {
  (void)options;
  *why = "give NAME or NAME=VALUE";
  return value[0] == '\0' || value[0] == '=' ? WSL_INVALID : WSL_OK;
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("A program for each client"),
  {OPTION_TEXT, "exec", 0, "PROGRAM", FIELD(exec), 0, 0, option_check_not_empty,
   "run PROGRAM for each client, on its standard input\n"
   "and output, without a shell; ARGS come after --"},
  {OPTION_FLAG, "pty", 0, NULL, FIELD(pty), 0, 0, NULL,
   "run it on a terminal, as a shell needs it"},
  {OPTION_CUSTOM, "pty-size", 0, "COLSxROWS", 0, 0, 0, check_pty_size,
   "terminal size, unless the URL has ?cols=120&rows=40\n"
   "[80x24]"},
  {OPTION_NUMBER, "exec-limit", 0, "N", FIELD(exec_limit), 1, UINT32_MAX, NULL,
   "most programs at once; further clients get Close\n"
   "1013, or 503 with --dial-first [256]"},
  {OPTION_DURATION, "exec-grace", 0, "SEC", FIELD(exec_grace_ms), 0, HOUR_MS, NULL,
   "time to exit when the client has gone, before\n"
   "SIGTERM (--pty: SIGHUP), then again before SIGKILL\n"
   "[1]"},
  {OPTION_TEXT, "exec-dir", 0, "DIR", FIELD(exec_dir), 0, 0, option_check_not_empty,
   "working directory of programs [the current one]"},
  {OPTION_LIST, "exec-env", 0, "NAME[=VALUE]", FIELD(exec_env), 0, 0, check_variable,
   "pass this variable on as well; repeatable [PATH,\n"
   "HOME and the like, and what CGI programs get]"},
};
/* clang-format on */

const struct option_group option_group_exec = {specs, sizeof specs / sizeof specs[0], check, NULL};
