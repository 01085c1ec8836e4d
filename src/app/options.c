/* The command line; see options.h. */
#include "app/options.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "app/environment.h"
#include "app/option_match.h"
#include "app/option_rules.h"
#include "app/option_table.h"
#include "app/option_value.h"
#include "app/option_variables.h"
#include "app/start_message.h"
#include "core/parse.h"

#define DEFAULT_DEMO_LISTEN "6080"
#define POSITIONALS_MAX     2

/* What one pass over argv needs to know. */
struct reader {
  struct options *options;
  const char *const *argv;
  const char *const *environment;
  int argc;
  int at;
  struct options_given given;
  const char *positionals[POSITIONALS_MAX];
  char *why;
  size_t why_cap;
};

static int __attribute__((format(printf, 2, 3))) complain(struct reader *r, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(r->why, r->why_cap, format, args);
  va_end(args);
  return WSL_INVALID;
}

/* One line, whatever was typed. */
static void blank_controls(char *text) {
  for (; *text != '\0'; text++) {
    if ((unsigned char)*text < ' ' || *text == 0x7f) *text = '?';
  }
}

static void set_defaults(struct options *o) {
  memset(o, 0, sizeof *o);
  o->log_level = LOG_INFO;
  o->server.unix_listen_mode = 0600;
  o->backlog = 1024;
  o->server.sockets = socket_tuning_default;
  o->max_frame_size = 65536; /* browsers and common clients take whole messages of that size */
  o->request_line_max = 16u << 10;
  o->head_max = 64u << 10;
  o->header_lines_max = 100;
  o->buffer_size = 256u << 10; /* CPU a gigabyte is 0.7 to 0.85 of that with 64 KB */
  o->buffer_memory = 1u << 30;
  o->head_memory = 64u << 20;
  o->server.handshake_timeout_ms = 10000;
  o->server.transfer_timeout_ms = 60000;
  o->server.token_place = token_place_default;
  o->server.token_timeout_ms = 5000;
  o->server.session.dial_timeout_ms = 10000;
  o->server.session.close_timeout_ms = 5000;
  o->server.session.close_timeout_max_ms = 60000;
  o->server.session.heartbeat_ms = 25000; /* balancers cut at 60 s of silence, some at 50 or 30 */
  o->server.session.pong_timeout_ms = 90000;
}

/* ---- options ---- */

static int take_value(struct reader *r, const struct option_spec *spec, const char *value) {
  if (option_is_flag(spec) && value != NULL) return complain(r, "--%s takes no value", spec->name);
  if (!option_is_flag(spec) && value == NULL) {
    if (r->at == r->argc)
      return complain(r, "--%s needs a value: --%s %s", spec->name, spec->name, spec->argument);
    value = r->argv[r->at++];
  }
  const char *why = NULL;
  r->given.options[option_index(spec)] = true;
  if (option_store(r->options, spec, value, &why) == WSL_OK) return WSL_OK;
  char range[OPTION_RANGE_MAX];
  return complain(r, "--%s \"%s\": %s%s", spec->name, value, why, option_range(spec, range));
}

/* "-v", or several as "-vD"; no letter takes a value. */
static int take_letters(struct reader *r, const char *word) {
  int error = WSL_OK;
  for (const char *letter = word + 1; *letter != '\0' && error == WSL_OK; letter++) {
    const struct option_spec *spec = option_find_letter(*letter);
    if (spec == NULL) return complain(r, "unknown option %s (see %s --help)", word, r->options->self);
    error = take_value(r, spec, NULL);
  }
  return error;
}

static int take_option(struct reader *r, const char *word) {
  if (word[1] != '-') return take_letters(r, word);
  const char *name = word + 2;
  const char *equals = strchr(name, '=');
  size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
  char candidates[OPTION_CANDIDATES_MAX];
  const struct option_spec *spec = option_match(name, len, candidates);
  if (spec == NULL && candidates[0] != '\0')
    return complain(r, "ambiguous option: --%.*s (%s?)", (int)len, name, candidates);
  if (spec == NULL)
    return complain(r, "unknown option --%.*s (see %s --help)", (int)len, name, r->options->self);
  return take_value(r, spec, equals != NULL ? equals + 1 : NULL);
}

static int take_positional(struct reader *r, const char *word) {
  if (r->given.positionals == POSITIONALS_MAX) {
    return complain(r, "one argument too many: \"%s\" (usage: %s " OPTIONS_USAGE ")", word, r->options->self);
  }
  r->positionals[r->given.positionals++] = word;
  return WSL_OK;
}

/* Behind "--": "6080 -- Xvnc :1", as websockify takes it, or with none before it the positionals. */
static void take_wrapped(struct reader *r) {
  if (r->given.positionals == 0 || r->at == r->argc) return;
  r->options->wrapped = r->argv + r->at;
  r->given.wrapped = true;
  r->at = r->argc;
}

/* Who asks for help gets it, whatever follows. */
static bool has_its_answer(const struct options *o) {
  return o->help || o->version;
}

static int read_words(struct reader *r) {
  bool only_positionals = false;
  while (r->at < r->argc && !has_its_answer(r->options)) {
    const char *word = r->argv[r->at++];
    int error = WSL_OK;
    if (!only_positionals && strcmp(word, "--") == 0) {
      only_positionals = true;
      take_wrapped(r);
    } else if (!only_positionals && word[0] == '-' && word[1] != '\0') {
      error = take_option(r, word);
    } else {
      error = take_positional(r, word);
    }
    if (error != WSL_OK) return error;
  }
  return WSL_OK;
}

/* ---- where to listen, and the target ---- */

/* A word that stands without a name, and what to call it in a complaint. */
struct positional {
  const char *text; /* NULL: not given */
  const char *what;
};

static int read_listen(struct reader *r, struct positional listen) {
  struct options *o = r->options;
  const char *why = NULL;
  if (parse_endpoint(listen.text, PARSE_HOST_OPTIONAL, o->listen_host, sizeof o->listen_host,
                     &o->server.listen_port, &why) != WSL_OK) {
    return complain(r, "%s, \"%s\": %s", listen.what, listen.text, why);
  }
  o->server.listen_host = o->listen_host;
  return WSL_OK;
}

static int read_target(struct reader *r, struct positional target) {
  struct options *o = r->options;
  const char *why = NULL;
  if (parse_endpoint(target.text, PARSE_HOST_REQUIRED, o->target_host, sizeof o->target_host,
                     &o->server.target.port, &why) != WSL_OK) {
    return complain(r, "%s, \"%s\": %s", target.what, target.text, why);
  }
  o->server.target.host = o->target_host;
  o->server.target.text = target.text;
  o->server.target.origin = TARGET_FIXED;
  return WSL_OK;
}

/* The next word, else the variable. */
static struct positional next_positional(struct reader *r, int *at, const char *what, const char *option,
                                         const char *variable) {
  if (*at < r->given.positionals) return (struct positional){r->positionals[(*at)++], what};
  return (struct positional){environment_value(r->environment, option), variable};
}

/* More of them than the options leave room for. */
static int check_count(struct reader *r, const char *own_target) {
  bool own_listen = r->options->server.unix_listen != NULL;
  int expected = (own_listen ? 0 : 1) + (own_target != NULL ? 0 : 1);
  if (r->given.positionals <= expected) return WSL_OK;
  if (!own_listen) return complain(r, "\"%s\": no target is given with %s", r->positionals[1], own_target);
  if (own_target == NULL)
    return complain(r, "\"%s\": no port is given with --unix-listen", r->positionals[0]);
  return complain(r, "\"%s\": neither port nor target is given with --unix-listen and %s", r->positionals[0],
                  own_target);
}

/* Both, as far as options do not stand for them. */
static int read_positionals(struct reader *r) {
  struct options *o = r->options;
  const char *own_target = options_own_target(o);
  int at = 0, error = check_count(r, own_target);
  if (error == WSL_OK && o->server.unix_listen == NULL) {
    struct positional listen = next_positional(r, &at, "where to listen", "listen", "WSLUICE_LISTEN");
    if (listen.text == NULL && o->demo) listen.text = DEFAULT_DEMO_LISTEN;
    if (listen.text == NULL && own_target != NULL)
      return complain(r, "no port given (usage: %s %s ... [listen_host:]port)", o->self, own_target);
    if (listen.text == NULL)
      return complain(r, "no port and no target given (usage: %s " OPTIONS_USAGE ")", o->self);
    error = read_listen(r, listen);
  }
  if (error == WSL_OK && own_target == NULL) {
    struct positional target = next_positional(r, &at, "the target", "target", "WSLUICE_TARGET");
    if (target.text == NULL) return complain(r, "no target given (usage: %s " OPTIONS_USAGE ")", o->self);
    error = read_target(r, target);
  }
  return error;
}

/* ---- all together ---- */

static int parse(struct reader *r) {
  struct options *o = r->options;
  int error = read_words(r);
  if (error != WSL_OK) return error;
  if (has_its_answer(o)) {
    o->action = o->help ? OPTIONS_HELP : OPTIONS_VERSION;
    return WSL_OK;
  }
  error = option_variables_read(o, r->environment, &r->given, r->why, r->why_cap);
  if (error != WSL_OK) return error;
  const char *fault = options_check(o);
  if (fault != NULL) return complain(r, "%s", fault);
  if (o->wrapped != NULL)
    return complain(r, "-- %s: running a program as the target is not there yet", o->wrapped[0]);
  error = read_positionals(r);
  if (error != WSL_OK) return error;
  options_fill(o);
  o->action = o->demo ? OPTIONS_DEMO : OPTIONS_RUN;
  return WSL_OK;
}

int options_parse(struct options *options, int argc, const char *const *argv, const char *const *environment,
                  char *why, size_t why_cap) {
  struct reader r = {.options = options,
                     .argv = argv,
                     .environment = environment,
                     .argc = argc,
                     .at = 1,
                     .why = why,
                     .why_cap = why_cap};
  assert(option_count() <= OPTIONS_COUNT_MAX);
  set_defaults(options);
  options->self = program_name_of(argc > 0 ? argv[0] : NULL);
  options->as_websockify = program_name_is_websockify(options->self);
  int error = parse(&r);
  if (error != WSL_OK) blank_controls(why);
  return error;
}
