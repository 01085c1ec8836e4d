/* See app/wrap/plan.h. */
#include "app/wrap/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/option/rules.h"
#include "app/wrap/library.h"
#include "app/wrap/program_file.h"
#include "app/wrap/words.h"
#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "net/program/child_stage.h"

#define SHOWN_PROGRAM_MAX 200u
#define PORT_TEXT_MAX     8u
#define OTHER_WAYS                                                                                        \
  "tell it a port by {port} in its arguments or by --wrap-env NAME, or name the target where it listens " \
  "(HOST:PORT or --unix-target)"

static int WSL_MUST_CHECK __attribute__((format(printf, 4, 5))) refuse(int error, char *why, size_t why_cap,
                                                                       const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(why, why_cap, format, args);
  va_end(args);
  return error;
}

/* ---- which way ---- */

static bool target_is_named(const struct options *options) {
  return options->server.target.host != NULL || strcmp(options_own_target(options), OPTIONS_WRAPPED) != 0;
}

static int refuse_without_port(char *why, size_t why_cap) {
  return refuse(WSL_INVALID, why, why_cap,
                "-- PROGRAM: wsluice listens on no port that the program could be moved off; " OTHER_WAYS);
}

static int choose_way(struct wrap_plan *plan, const struct options *options, char *why, size_t why_cap) {
  const char *const *arguments = options->wrapped + 1;
  bool port = wrap_words_have(arguments, WRAP_WORD_PORT) || options->wrap_variables.count > 0;
  bool socket = wrap_words_have(arguments, WRAP_WORD_SOCKET);
  plan->way = WRAP_PORT_MOVED;
  if (socket) plan->way = WRAP_SOCKET_TOLD;
  if (port) plan->way = WRAP_PORT_TOLD;
  if (target_is_named(options)) plan->way = WRAP_TARGET_NAMED;
  if (plan->way == WRAP_PORT_MOVED && options->server.unix_listen != NULL)
    return refuse_without_port(why, why_cap);
  if (plan->way == WRAP_TARGET_NAMED && options->wrap_variables.count > 0)
    log_event(LOG_WARN, 0, "--wrap-env has no effect when a target is named");
  if (plan->way == WRAP_PORT_TOLD && socket)
    return refuse(WSL_INVALID, why, why_cap,
                  "the program is told a port as well as {socket}: give one of them");
  return WSL_OK;
}

/* ---- the program ---- */

static const char *shown(const char *text, char out[SHOWN_PROGRAM_MAX]) {
  return log_escape(wsl_span_of(text), out, SHOWN_PROGRAM_MAX);
}

static int find_program(struct wrap_plan *plan, const struct options *options, char *why, size_t why_cap) {
  char name[SHOWN_PROGRAM_MAX];
  int error = child_find(options->wrapped[0], getenv("PATH"), plan->path, sizeof plan->path);
  if (error == WSL_OK) return WSL_OK;
  const char *what = error_text(error);
  if (error == WSL_NOT_FOUND) what = "No such file or directory";
  if (error == WSL_DENIED) what = "Permission denied (is it an executable file?)";
  return refuse(error, why, why_cap, "can't run %s: %s", shown(options->wrapped[0], name), what);
}

static int judge_program(const struct wrap_plan *plan, char *why, size_t why_cap) {
  char judged[PATH_MAX], name[SHOWN_PROGRAM_MAX], by[SHOWN_PROGRAM_MAX];
  enum preloading preloading = program_file_judge(plan->path, getenv("PATH"), judged);
  if (preloading == PRELOADING_WORKS) return WSL_OK;
  bool itself = strcmp(judged, plan->path) == 0;
  return refuse(WSL_UNSUPPORTED, why, why_cap,
                "can't wrap %s: %s%s %s, so no preloaded library can move its port; " OTHER_WAYS,
                shown(plan->path, name), itself ? "it" : "its interpreter ", itself ? "" : shown(judged, by),
                preloading_text(preloading));
}

static int find_library(struct wrap_plan *plan, const struct options *options, char *why, size_t why_cap) {
  char found[PATH_MAX], name[SHOWN_PROGRAM_MAX];
  int error = wrap_library_find(options->wrap_library, found, why, why_cap);
  if (error != WSL_OK) return error;
  if (!wrap_path_is_plain(found)) {
    error = wrap_folder_make(&plan->folder, WRAP_FOLDER_PASSABLE, "lib.so");
    if (error != WSL_OK || symlink(found, plan->folder.within) != 0)
      return refuse(WSL_DENIED, why, why_cap,
                    "%s: the loader takes no preloaded library whose path has a blank, a colon or a dollar "
                    "sign, and no link to it can be made in /tmp: copy it elsewhere and name it with "
                    "--wrap-library; or " OTHER_WAYS,
                    shown(found, name));
  }
  snprintf(plan->library, sizeof plan->library, "%s",
           plan->folder.path[0] == '\0' ? found : plan->folder.within);
  return WSL_OK;
}

/* ---- the target ---- */

static int find_port(struct wrap_plan *plan, enum wrap_port_hold hold, char *why, size_t why_cap) {
  int error = wrap_port_find(&plan->port, hold);
  if (error != WSL_OK)
    return refuse(error, why, why_cap, "no free port was found for the program to listen on");
  bool parsed = address_parse_literal("127.0.0.1", plan->port.number, &plan->start.places[0]) &&
                address_parse_literal("::1", plan->port.number, &plan->start.places[1]);
  plan->start.places_count = parsed ? TARGET_PLACES_MAX : 0;
  snprintf(plan->target_text, sizeof plan->target_text, "127.0.0.1:%u", (unsigned)plan->port.number);
  return WSL_OK;
}

static int find_socket(struct wrap_plan *plan, char *why, size_t why_cap) {
  int error = wrap_folder_make(&plan->folder, WRAP_FOLDER_PRIVATE, "socket");
  if (error != WSL_OK)
    return refuse(error, why, why_cap, "{socket}: no folder can be made in $XDG_RUNTIME_DIR or /tmp");
  snprintf(plan->target_text, sizeof plan->target_text, "unix:%s", plan->folder.within);
  return WSL_OK;
}

static int find_target(struct wrap_plan *plan, struct options *options, char *why, size_t why_cap) {
  struct target *target = &options->server.target;
  int error = WSL_OK;
  if (plan->way == WRAP_TARGET_NAMED) {
    target->start = &plan->start;
    return WSL_OK;
  }
  if (plan->way == WRAP_SOCKET_TOLD) {
    error = find_socket(plan, why, why_cap);
    *target = (struct target){.unix_path = plan->folder.within};
  } else {
    error = find_port(plan, plan->way == WRAP_PORT_MOVED ? WRAP_PORT_HELD : WRAP_PORT_LOOSE, why, why_cap);
    *target = (struct target){.host = "localhost", .port = plan->port.number}; /* a name for certificates */
  }
  target->text = plan->target_text;
  target->origin = TARGET_FIXED;
  target->start = &plan->start;
  return error;
}

int wrap_plan_make(struct wrap_plan *plan, struct options *options, char *why, size_t why_cap) {
  int error = choose_way(plan, options, why, why_cap);
  if (error == WSL_OK) error = find_program(plan, options, why, why_cap);
  if (error == WSL_OK && plan->way == WRAP_PORT_MOVED) error = judge_program(plan, why, why_cap);
  if (error == WSL_OK && plan->way == WRAP_PORT_MOVED) error = find_library(plan, options, why, why_cap);
  return error == WSL_OK ? find_target(plan, options, why, why_cap) : error;
}

/* ---- words and variables ---- */

static int fill_words(struct wrap_plan *plan, const struct options *options) {
  char port[PORT_TEXT_MAX];
  snprintf(port, sizeof port, "%u", (unsigned)plan->port.number);
  const char *placeholder = NULL, *value = NULL;
  if (plan->way == WRAP_PORT_TOLD) {
    placeholder = WRAP_WORD_PORT;
    value = port;
  } else if (plan->way == WRAP_SOCKET_TOLD) {
    placeholder = WRAP_WORD_SOCKET;
    value = plan->folder.within;
  }
  plan->argv = wrap_words_fill(options->wrapped, placeholder, value);
  return plan->argv == NULL ? WSL_NO_MEMORY : WSL_OK;
}

/* "NAME=value" strings, one behind the other, and where each begins. */
struct additions {
  const char *entries[WRAP_ADDITIONS_MAX + 1];
  size_t count;
  struct text text;
};

static void __attribute__((format(printf, 2, 3))) add(struct additions *additions, const char *format, ...) {
  char entry[WRAP_ENTRY_MAX];
  va_list args;
  va_start(args, format);
  int len = vsnprintf(entry, sizeof entry, format, args);
  va_end(args);
  if (len < 0 || (size_t)len >= sizeof entry) additions->text.overflow = true;
  additions->entries[additions->count++] = additions->text.at + additions->text.len;
  text_span(&additions->text, (struct wsl_span){entry, strlen(entry) + 1});
}

static void add_all(struct additions *additions, const struct wrap_plan *plan,
                    const struct options *options) {
  unsigned port = plan->port.number;
  if (plan->way == WRAP_PORT_TOLD) {
    for (size_t i = 0; i < options->wrap_variables.count; i++)
      add(additions, "%s=%u", options->wrap_variables.values[i], port);
  }
  if (plan->way != WRAP_PORT_MOVED) return;
  const char *others = getenv("LD_PRELOAD");
  bool alone = others == NULL || others[0] == '\0';
  add(additions, "LD_PRELOAD=%s%s%s", plan->library, alone ? "" : ":", alone ? "" : others);
  add(additions, "REBIND_OLD_PORT=%u", (unsigned)plan->old_port);
  add(additions, "REBIND_NEW_PORT=%u", port);
}

#define OF_THE_LIBRARY 3u /* variables that PORT_MOVED adds */

static int fill_environment(struct wrap_plan *plan, const struct options *options,
                            const char *const *environment) {
  struct additions additions = {.count = 0};
  size_t room = (options->wrap_variables.count + OF_THE_LIBRARY) * WRAP_ENTRY_MAX;
  plan->entries = malloc(room);
  if (plan->entries == NULL) return WSL_NO_MEMORY;
  text_init(&additions.text, plan->entries, room);
  add_all(&additions, plan, options);
  if (additions.text.overflow) return WSL_INVALID;
  plan->environment = wrap_words_environment(environment, additions.entries);
  return plan->environment == NULL ? WSL_NO_MEMORY : WSL_OK;
}

int wrap_plan_complete(struct wrap_plan *plan, const struct options *options, const char *const *environment,
                       uint16_t listen_port, char *why, size_t why_cap) {
  plan->old_port = listen_port;
  if (plan->way == WRAP_PORT_MOVED && listen_port == 0) return refuse_without_port(why, why_cap);
  int error = fill_words(plan, options);
  if (error == WSL_OK) error = fill_environment(plan, options, environment);
  return error == WSL_OK ? WSL_OK
                         : refuse(error, why, why_cap, "can't start the program: %s", error_text(error));
}

bool wrap_plan_is_listening(const struct wrap_plan *plan) {
  switch (plan->way) {
    case WRAP_SOCKET_TOLD:
      return access(plan->folder.within, F_OK) == 0;
    case WRAP_PORT_TOLD:
    case WRAP_PORT_MOVED:
      return wrap_port_is_listened_on(plan->port.number);
    case WRAP_TARGET_NAMED:
      break;
  }
  return true;
}

void wrap_plan_drop(struct wrap_plan *plan) {
  wrap_port_release(&plan->port);
  wrap_folder_drop(&plan->folder);
  free(plan->argv);
  free(plan->environment);
  free(plan->entries);
  *plan = (struct wrap_plan){0};
}
