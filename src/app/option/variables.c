/* See app/option/variables.h. */
#include "app/option/variables.h"

#include <stdio.h>
#include <string.h>

#include "app/environment.h"
#include "app/option/value.h"
#include "core/error.h"
#include "core/log.h"

#define BETWEEN_VALUES  " \t\r\n," /* of a repeatable option in one variable */
#define SHOWN_VALUE_MAX 128u

/* ---- what the command line has answered ---- */

enum question { WHERE_TO_LISTEN, WHICH_TARGET, WHICH_PASSWORD, WHICH_LEVEL, QUESTIONS };

/* Options with another answer to the same question exclude each other; 0 is the positional's. */
struct answer {
  const char *option;
  enum question question;
  int answer;
};

static const struct answer answers[] = {
    {"unix-listen", WHERE_TO_LISTEN, 1},
    {"inetd", WHERE_TO_LISTEN, 2},
    {"unix-target", WHICH_TARGET, 1},
    {"token-plugin", WHICH_TARGET, 2},
    {"token-source", WHICH_TARGET, 2},
    {"host-token", WHICH_TARGET, 2},
    {"target-config", WHICH_TARGET, 3},
    {"demo", WHICH_TARGET, 4},
    {"target-from", WHICH_TARGET, 5},
    {"exec", WHICH_TARGET, 6},
    {"pty", WHICH_TARGET, 6},
    {"pty-size", WHICH_TARGET, 6},
    {"exec-dir", WHICH_TARGET, 6},
    {"exec-env", WHICH_TARGET, 6},
    {"key-password", WHICH_PASSWORD, 1},
    {"key-password-file", WHICH_PASSWORD, 2},
    {"log-level", WHICH_LEVEL, 1},
    {"verbose", WHICH_LEVEL, 2},
};
#define ANSWERS (sizeof answers / sizeof answers[0])

static bool option_given(const struct options_given *given, const char *name) {
  return given->options[option_index(option_find(name, strlen(name)))];
}

/* Whether options of the command line answer `question`, but not by `except`. */
static bool answered(const struct options_given *given, enum question question, int except) {
  for (size_t i = 0; i < ANSWERS; i++) {
    if (answers[i].question == question && answers[i].answer != except &&
        option_given(given, answers[i].option))
      return true;
  }
  return false;
}

/* Whether positionals do: of the two, those that no option stands for are given in their order. */
static bool positional_answers(const struct options_given *given, enum question question) {
  if (question > WHICH_TARGET || answered(given, question, 0)) return false;
  if (question == WHICH_TARGET && given->wrapped) return true;
  enum question other = question == WHERE_TO_LISTEN ? WHICH_TARGET : WHERE_TO_LISTEN;
  bool other_answered = answered(given, other, 0) || (other == WHICH_TARGET && given->wrapped);
  return given->positionals > (other_answered ? 0 : 1);
}

static bool outranked(const struct options_given *given, const struct option_spec *spec) {
  if (given->options[option_index(spec)]) return true;
  for (size_t i = 0; i < ANSWERS; i++) {
    const struct answer *a = &answers[i];
    if (strcmp(a->option, spec->name) != 0) continue;
    return answered(given, a->question, a->answer) || positional_answers(given, a->question);
  }
  return false;
}

/* ---- values ---- */

/* A copy that may be cut into words; NULL when there is no room. */
static char *copy_words(struct options *options, const char *value) {
  size_t len = strlen(value) + 1;
  if (len > sizeof options->words - options->words_len) return NULL;
  char *words = memcpy(options->words + options->words_len, value, len);
  options->words_len += len;
  return words;
}

static int store_list(struct options *options, const struct option_spec *spec, const char *value,
                      const char **why) {
  char *rest = copy_words(options, value);
  int error = WSL_INVALID;
  *why = rest == NULL ? "it is too long" : "must not be empty"; /* no origins: the door is open to all */
  for (char *word; (word = strsep(&rest, BETWEEN_VALUES)) != NULL;) {
    if (word[0] == '\0') continue;
    error = option_store(options, spec, word, why);
    if (error != WSL_OK) return error;
  }
  return error;
}

static int store_variable(struct options *options, const struct option_spec *spec, const char *value,
                          const char **why) {
  bool on = true;
  if (spec->kind == OPTION_LIST) return store_list(options, spec, value, why);
  if (option_is_flag(spec) && environment_flag(value, &on, why) != WSL_OK) return WSL_INVALID;
  return on ? option_store(options, spec, value, why) : WSL_OK;
}

/* ---- all of them ---- */

static bool has_variable(const struct option_spec *spec) {
  return spec->kind != OPTION_SECTION && strcmp(spec->name, "help") != 0 &&
         strcmp(spec->name, "version") != 0;
}

static bool is_known(const char *entry) {
  for (size_t i = 0; i < option_count(); i++) {
    if (has_variable(option_at(i)) && environment_sets(entry, option_at(i)->name)) return true;
  }
  return environment_sets(entry, "listen") || environment_sets(entry, "target");
}

static void note_unknown(struct options *options, const char *const *environment) {
  struct option_list *unknown = &options->unknown_variables;
  for (; *environment != NULL && unknown->count < OPTIONS_LIST_MAX; environment++) {
    if (environment_is_ours(*environment) && !is_known(*environment))
      unknown->values[unknown->count++] = *environment;
  }
}

int option_variables_read(struct options *options, const char *const *environment,
                          const struct options_given *given, char *why, size_t why_cap) {
  char name[ENVIRONMENT_NAME_MAX], shown[SHOWN_VALUE_MAX], range[OPTION_RANGE_MAX];
  for (size_t i = 0; i < option_count(); i++) {
    const struct option_spec *spec = option_at(i);
    const char *reason = NULL;
    if (!has_variable(spec) || outranked(given, spec)) continue;
    const char *value = environment_value(environment, spec->name);
    if (value == NULL || store_variable(options, spec, value, &reason) == WSL_OK) continue;
    log_escape(wsl_span_of(value), shown, sizeof shown);
    snprintf(why, why_cap, "%s=\"%s\" in the environment: %s%s", environment_name(spec->name, name), shown,
             reason, option_range(spec, range));
    return WSL_INVALID;
  }
  note_unknown(options, environment);
  return WSL_OK;
}
