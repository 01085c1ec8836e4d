/* See app/program_choice.h. */
#include "app/program_choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/environment.h"
#include "net/program/child_stage.h"

/* ---- environment ---- */

/* Whether the entry "NAME=value" has that name. */
static bool has_name(const char *entry, const char *name, size_t len) {
  return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

static bool is_common(const char *entry) {
  static const char *const names[] = {"PATH", "HOME",     "USER", "LOGNAME", "SHELL",
                                      "LANG", "LANGUAGE", "TZ",   "TMPDIR"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (has_name(entry, names[i], strlen(names[i]))) return true;
  }
  return strncmp(entry, "LC_", strlen("LC_")) == 0;
}

static const char *find(const char *const *environment, const char *name) {
  size_t len = strlen(name);
  for (; *environment != NULL; environment++) {
    if (has_name(*environment, name, len)) return *environment;
  }
  return NULL;
}

struct variables {
  const char **at; /* PROGRAM_VARIABLES_MAX of them, and a NULL */
  size_t count;
};

/* Of two with one name the first stays: programs differ in which of them they see. */
static void add(struct variables *variables, const char *entry) {
  if (entry == NULL || variables->count == PROGRAM_VARIABLES_MAX) return;
  for (size_t i = 0; i < variables->count; i++) {
    if (has_name(variables->at[i], entry, strcspn(entry, "="))) return;
  }
  variables->at[variables->count++] = entry;
}

/* Those of the command line first. */
static void choose_environment(struct program_choice *choice, const struct options *options,
                               const char *const *environment) {
  struct variables chosen = {.at = choice->environment};
  for (size_t i = 0; i < options->exec_env.count; i++) {
    const char *given = options->exec_env.values[i];
    add(&chosen, strchr(given, '=') != NULL ? given : find(environment, given));
  }
  for (; *environment != NULL; environment++) {
    if (is_common(*environment)) add(&chosen, *environment);
  }
  choice->settings.environment = choice->environment;
}

/* ---- the program, its arguments, its directory ---- */

static int find_program(struct program_choice *choice, const char *program, const char *const *environment,
                        char *why, size_t why_cap) {
  const char *entry = find(environment, "PATH");
  const char *search = entry == NULL ? NULL : entry + strlen("PATH=");
  int error = child_find(program, search, choice->path, sizeof choice->path);
  if (error == WSL_OK) return WSL_OK;
  const char *where = strchr(program, '/') == NULL ? " in PATH" : "";
  const char *reason = error == WSL_DENIED ? "it is not a file that may be run" : error_text(error);
  const char *blank = strchr(program, ' ');
  snprintf(why, why_cap, "--exec \"%s\": %s%s%s", program, reason, where,
           blank == NULL ? "" : " (a program's name alone: its arguments stand behind --)");
  return error;
}

static int find_directory(struct program_choice *choice, const char *directory, char *why, size_t why_cap) {
  struct stat about;
  if (directory == NULL) return WSL_OK;
  if (realpath(directory, choice->directory) != NULL && stat(choice->directory, &about) == 0 &&
      S_ISDIR(about.st_mode)) {
    choice->settings.directory = choice->directory;
    return WSL_OK;
  }
  snprintf(why, why_cap, "--exec-dir \"%s\": there is no such directory", directory);
  return WSL_NOT_FOUND;
}

static int make_arguments(struct program_choice *choice, const struct options *options, char *why,
                          size_t why_cap) {
  size_t count = 0;
  while (options->exec_arguments != NULL && options->exec_arguments[count] != NULL)
    count++;
  const char **arguments = calloc(count + 2, sizeof *arguments);
  if (arguments == NULL) {
    snprintf(why, why_cap, "--exec: %s", error_text(WSL_NO_MEMORY));
    return WSL_NO_MEMORY;
  }
  arguments[0] = options->exec;
  for (size_t i = 0; i < count; i++)
    arguments[i + 1] = options->exec_arguments[i];
  choice->arguments = choice->settings.argv = arguments;
  return WSL_OK;
}

/* ---- all of it ---- */

static void become_target(struct program_choice *choice, struct options *options) {
  char shown[OPTIONS_HOST_MAX - sizeof "exec:"];
  log_escape(wsl_span_of(options->exec), shown, sizeof shown);
  snprintf(choice->text, sizeof choice->text, "exec:%s", shown);
  options->server.target =
      (struct target){.text = choice->text, .origin = TARGET_FIXED, .program = &choice->settings};
  options->server.dial_contexts = true;
}

int program_choice_make(struct program_choice *choice, struct options *options,
                        const char *const *environment, char *why, size_t why_cap) {
  if (options->exec == NULL) return WSL_OK;
  choice->settings = (struct program_settings){
      .path = choice->path,
      .streams = options->pty ? PROGRAM_ON_TERMINAL : PROGRAM_ON_PIPES,
      .size = {(uint16_t)options->pty_columns, (uint16_t)options->pty_rows},
      .limit = options->exec_limit,
      .grace_ms = options->exec_grace_ms,
  };
  int error = find_program(choice, options->exec, environment, why, why_cap);
  if (error == WSL_OK) error = find_directory(choice, options->exec_dir, why, why_cap);
  if (error == WSL_OK) error = make_arguments(choice, options, why, why_cap);
  if (error != WSL_OK) return error;
  choose_environment(choice, options, environment);
  become_target(choice, options);
  return WSL_OK;
}

void program_choice_free(struct program_choice *choice) {
  free((void *)(uintptr_t)choice->arguments);
  choice->arguments = NULL;
}
