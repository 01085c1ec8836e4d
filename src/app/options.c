/* The command line; see options.h. */
#include "app/options.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/environment.h"
#include "app/option_rules.h"
#include "app/option_table.h"
#include "core/parse.h"

#define DEFAULT_DEMO_LISTEN "6080"
#define USAGE               "wsluice [options] [listen_host:]port target_host:target_port"
#define POSITIONALS_MAX     2
#define OPTIONS_COUNT_MAX   128u
#define WORDS_OF_LISTS      " \t\n," /* what separates a list's values in a variable */

/* What one pass over argv needs to know. */
struct reader {
  struct options *options;
  const char *const *argv;
  const char *const *environment;
  int argc;
  int at;
  bool given[OPTIONS_COUNT_MAX]; /* on the command line, by index in the table */
  const char *positionals[POSITIONALS_MAX];
  int positionals_count;
  char *why;
  size_t why_cap;
};

static int __attribute__((format(printf, 2, 3))) complain(struct reader *r, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(r->why, r->why_cap, format, args);
  va_end(args);
  for (char *c = r->why; *c != '\0'; c++) {
    if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?'; /* one line, whatever was typed */
  }
  return WSL_INVALID;
}

static void set_defaults(struct options *o) {
  memset(o, 0, sizeof *o);
  o->log_level = LOG_INFO;
  o->server.unix_listen_mode = 0600;
  o->backlog = 1024;
  o->max_frame_size = 65536; /* browsers and common clients take whole messages of that size */
  o->request_line_max = 16u << 10;
  o->head_max = 64u << 10;
  o->header_lines_max = 100;
  o->buffer_size = 64u << 10;
  o->buffer_memory = 1u << 30;
  o->head_memory = 64u << 20;
  o->server.handshake_timeout_ms = 10000;
  o->server.transfer_timeout_ms = 60000;
  o->server.session.dial_timeout_ms = 10000;
  o->server.session.close_timeout_ms = 5000;
  o->server.session.close_timeout_max_ms = 60000;
  o->server.session.heartbeat_ms = 25000; /* balancers cut at 60 s of silence, some at 50 or 30 */
  o->server.session.pong_timeout_ms = 90000;
}

/* ---- options ---- */

static const struct option_spec *find_option(const char *name, size_t len) {
  for (size_t i = 0; i < option_table_len; i++) {
    const struct option_spec *spec = &option_table[i];
    if (spec->kind == OPTION_SECTION) continue;
    if (strlen(spec->name) == len && memcmp(spec->name, name, len) == 0) return spec;
  }
  return NULL;
}

static const struct option_spec *find_letter(char letter) {
  for (size_t i = 0; i < option_table_len; i++) {
    if (option_table[i].letter == letter && letter != 0) return &option_table[i];
  }
  return NULL;
}

static int parse_number(const struct option_spec *spec, const char *value, uint64_t *number,
                        const char **why) {
  uint64_t max = spec->max != 0 ? spec->max : UINT64_MAX;
  int error;
  if (spec->kind == OPTION_SIZE) {
    error = parse_size(value, max, number, why);
  } else if (spec->kind == OPTION_DURATION) {
    error = parse_duration(value, max, number, why);
  } else {
    error = parse_unsigned(value, max, number, why);
  }
  if (error == WSL_OK && *number < spec->min) {
    *why = "it is too small";
    return WSL_INVALID;
  }
  return error;
}

static int append(struct option_list *list, const char *value, const char **why) {
  *why = "it was given too often";
  if (list->count == OPTIONS_LIST_MAX) return WSL_INVALID;
  list->values[list->count++] = value;
  return WSL_OK;
}

static int store(struct options *o, const struct option_spec *spec, const char *value, const char **why) {
  void *field = (char *)o + spec->offset;
  int error = spec->check != NULL ? spec->check(o, value, why) : WSL_OK;
  if (error != WSL_OK) return error;
  switch (spec->kind) {
    case OPTION_FLAG:
      *(uint64_t *)field = 1;
      return WSL_OK;
    case OPTION_TEXT:
      *(const char **)field = value;
      return WSL_OK;
    case OPTION_LIST:
      return append(field, value, why);
    case OPTION_NUMBER:
    case OPTION_SIZE:
    case OPTION_DURATION:
      return parse_number(spec, value, field, why);
    case OPTION_CUSTOM:
    case OPTION_SECTION:
      break;
  }
  return WSL_OK;
}

static int take_value(struct reader *r, const struct option_spec *spec, const char *value) {
  if (spec->kind == OPTION_FLAG && value != NULL) return complain(r, "--%s takes no value", spec->name);
  if (spec->kind != OPTION_FLAG && value == NULL) {
    if (r->at == r->argc)
      return complain(r, "--%s needs a value: --%s %s", spec->name, spec->name, spec->argument);
    value = r->argv[r->at++];
  }
  const char *why = NULL;
  r->given[spec - option_table] = true;
  if (store(r->options, spec, value, &why) == WSL_OK) return WSL_OK;
  return complain(r, "--%s \"%s\": %s", spec->name, value, why);
}

/* "-v", or several as "-vD"; no letter takes a value. */
static int take_letters(struct reader *r, const char *word) {
  int error = WSL_OK;
  for (const char *letter = word + 1; *letter != '\0' && error == WSL_OK; letter++) {
    const struct option_spec *spec = find_letter(*letter);
    if (spec == NULL) return complain(r, "unknown option %s (see wsluice --help)", word);
    error = take_value(r, spec, NULL);
  }
  return error;
}

static int take_option(struct reader *r, const char *word) {
  if (word[1] != '-') return take_letters(r, word);
  const char *name = word + 2;
  const char *equals = strchr(name, '=');
  size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
  const struct option_spec *spec = find_option(name, len);
  if (spec == NULL) return complain(r, "unknown option --%.*s (see wsluice --help)", (int)len, name);
  return take_value(r, spec, equals != NULL ? equals + 1 : NULL);
}

static int take_positional(struct reader *r, const char *word) {
  if (r->positionals_count == POSITIONALS_MAX) {
    return complain(r, "one argument too many: \"%s\" (usage: " USAGE ")", word);
  }
  r->positionals[r->positionals_count++] = word;
  return WSL_OK;
}

static int read_words(struct reader *r) {
  bool only_positionals = false;
  while (r->at < r->argc) {
    const char *word = r->argv[r->at++];
    int error = WSL_OK;
    if (!only_positionals && strcmp(word, "--") == 0) {
      only_positionals = true;
      if (r->positionals_count > 0 && r->at < r->argc) /* "6080 -- Xvnc :1", as websockify takes it */
        return complain(r, "-- %s: running a program as the target is not there yet", r->argv[r->at]);
    } else if (!only_positionals && word[0] == '-' && word[1] != '\0') {
      error = take_option(r, word);
    } else {
      error = take_positional(r, word);
    }
    if (error != WSL_OK) return error;
  }
  return WSL_OK;
}

/* ---- the environment ---- */

/* A list's values in one variable; what is cut out of it lives as long as the program. */
static int take_variable_list(struct option_list *list, const char *value, const char **why,
                              const struct option_spec *spec, struct options *o) {
  char *words = strdup(value), *rest = words;
  *why = "out of memory";
  if (words == NULL) return WSL_NO_MEMORY;
  for (char *word; (word = strsep(&rest, WORDS_OF_LISTS)) != NULL;) {
    if (word[0] == '\0') continue;
    if (spec->check != NULL && spec->check(o, word, why) != WSL_OK) return WSL_INVALID;
    if (append(list, word, why) != WSL_OK) return WSL_INVALID;
  }
  return WSL_OK;
}

static int take_variable(struct options *o, const struct option_spec *spec, const char *value,
                         const char **why) {
  void *field = (char *)o + spec->offset;
  bool on;
  if (spec->kind == OPTION_LIST) return take_variable_list(field, value, why, spec, o);
  if (spec->kind != OPTION_FLAG) return store(o, spec, value, why);
  if (environment_flag(value, &on, why) != WSL_OK) return WSL_INVALID;
  *(uint64_t *)field = on;
  return WSL_OK;
}

/* Of the options that the command line does not give. */
static int read_environment(struct reader *r) {
  for (size_t i = 0; i < option_table_len; i++) {
    const struct option_spec *spec = &option_table[i];
    if (spec->kind == OPTION_SECTION || r->given[i]) continue;
    const char *value = environment_value(r->environment, spec->name), *why = NULL;
    if (value == NULL || take_variable(r->options, spec, value, &why) == WSL_OK) continue;
    return complain(r, "environment variable for --%s, \"%s\": %s", spec->name, value, why);
  }
  return WSL_OK;
}

/* Misspelt variables must not pass in silence; but they end nothing, others may have set them. */
static void note_unknown_variables(struct reader *r) {
  char name[64];
  const char *why;
  for (const char *const *entry = r->environment; *entry != NULL; entry++) {
    const char *option = environment_option(*entry, name, sizeof name);
    if (option == NULL || strcmp(option, "listen") == 0 || strcmp(option, "target") == 0) continue;
    if (find_option(option, strlen(option)) == NULL)
      (void)append(&r->options->unknown_variables, *entry, &why);
  }
}

/* ---- positionals ---- */

static int read_listen(struct reader *r, const char *text) {
  struct options *o = r->options;
  const char *why = NULL;
  if (parse_endpoint(text, PARSE_HOST_OPTIONAL, o->listen_host, sizeof o->listen_host, &o->server.listen_port,
                     &why) != WSL_OK) {
    return complain(r, "where to listen, \"%s\": %s", text, why);
  }
  o->server.listen_host = o->listen_host;
  return WSL_OK;
}

static int read_target(struct reader *r, const char *text) {
  struct options *o = r->options;
  const char *why = NULL;
  if (parse_endpoint(text, PARSE_HOST_REQUIRED, o->target_host, sizeof o->target_host, &o->server.target.port,
                     &why) != WSL_OK) {
    return complain(r, "the target, \"%s\": %s", text, why);
  }
  o->server.target.host = o->target_host;
  o->server.target.text = text;
  return WSL_OK;
}

/* The next word that stands without a name, else its variable, else NULL. */
static const char *next_positional(struct reader *r, int *at, const char *variable) {
  if (*at < r->positionals_count) return r->positionals[(*at)++];
  return environment_value(r->environment, variable);
}

/* Where to listen and the target, as far as options do not name them. */
static int read_positionals(struct reader *r) {
  struct options *o = r->options;
  const char *own_target = options_own_target(o);
  int at = 0, error = WSL_OK;
  if (o->server.unix_listen == NULL) {
    const char *listen = next_positional(r, &at, "listen");
    if (listen == NULL && o->demo) listen = DEFAULT_DEMO_LISTEN;
    if (listen == NULL && own_target != NULL)
      return complain(r, "no port given (usage: wsluice %s ... [listen_host:]port)", own_target);
    if (listen == NULL) return complain(r, "no port and no target given (usage: " USAGE ")");
    error = read_listen(r, listen);
  }
  if (error != WSL_OK) return error;
  if (own_target == NULL) {
    const char *target = next_positional(r, &at, "target");
    if (target == NULL) return complain(r, "no target given (usage: " USAGE ")");
    error = read_target(r, target);
  }
  if (error != WSL_OK || at == r->positionals_count) return error;
  if (own_target != NULL && at == r->positionals_count - 1)
    return complain(r, "\"%s\": no target is given with %s", r->positionals[at], own_target);
  return complain(r, "one argument too many: \"%s\"", r->positionals[at]);
}

/* ---- all together ---- */

int options_parse(struct options *options, int argc, const char *const *argv, const char *const *environment,
                  char *why, size_t why_cap) {
  struct reader r = {.options = options,
                     .argv = argv,
                     .environment = environment,
                     .argc = argc,
                     .at = 1,
                     .why = why,
                     .why_cap = why_cap};
  assert(option_table_len <= OPTIONS_COUNT_MAX);
  set_defaults(options);
  int error = read_words(&r);
  if (error != WSL_OK) return error;
  if (options->help || options->version) {
    options->action = options->help ? OPTIONS_HELP : OPTIONS_VERSION;
    return WSL_OK;
  }
  error = read_environment(&r);
  if (error != WSL_OK) return error;
  note_unknown_variables(&r);
  const char *fault = options_check(options);
  if (fault != NULL) return complain(&r, "%s", fault);
  error = read_positionals(&r);
  if (error != WSL_OK) return error;
  options_fill(options);
  options->action = options->demo ? OPTIONS_DEMO : OPTIONS_RUN;
  return WSL_OK;
}

#define HELP_COLUMN 28

static void print_option(FILE *out, const struct option_spec *spec) {
  char left[64];
  char letter[8] = "";
  if (spec->letter != 0) snprintf(letter, sizeof letter, "-%c, ", spec->letter);
  snprintf(left, sizeof left, "  %s--%s%s%s", letter, spec->name, spec->argument != NULL ? " " : "",
           spec->argument != NULL ? spec->argument : "");
  const char *line = spec->help;
  fprintf(out, "%-*s ", HELP_COLUMN, left);
  for (;;) {
    size_t len = strcspn(line, "\n");
    fprintf(out, "%.*s\n", (int)len, line);
    if (line[len] == '\0') return;
    line += len + 1;
    fprintf(out, "%*s ", HELP_COLUMN, "");
  }
}

void options_print_help(FILE *out) {
  fprintf(out, "usage: " USAGE
               "\n"
               "       wsluice [options] --unix-target PATH [listen_host:]port\n"
               "       wsluice [options] --token-plugin CLASS --token-source PATH [host:]port\n"
               "       wsluice [options] --unix-listen PATH target_host:target_port\n"
               "       wsluice --demo [[listen_host:]port]\n"
               "\n"
               "Bridges WebSocket clients (ws://listen_host:port/, any path) to a TCP service.\n"
               "No listen_host: all addresses, IPv4 and IPv6. IPv6 literals in brackets.\n"
               "BYTES take K, M, G; SEC takes fractions, or ms, s, m, h.\n"
               "Each option can be given as a variable of the environment as well, --ssl-only as\n"
               "WSLUICE_SSL_ONLY=1, port and target as WSLUICE_LISTEN and WSLUICE_TARGET; the\n"
               "command line comes first.\n");
  for (size_t i = 0; i < option_table_len; i++) {
    if (option_table[i].kind == OPTION_SECTION) {
      fprintf(out, "\n%s:\n", option_table[i].name);
    } else {
      print_option(out, &option_table[i]);
    }
  }
  fprintf(out, "\nexit status: 0 stopped as asked for, 1 could not start, 2 wrong usage\n");
}
