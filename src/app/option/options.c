/* The command line; see options.h. */
#include "app/option/options.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "app/environment.h"
#include "app/option/match.h"
#include "app/option/rules.h"
#include "app/option/table.h"
#include "app/option/value.h"
#include "app/option/variables.h"
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
  bool had_empty; /* an empty value was passed over, which is noted once */
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
  o->max_frame_size = OPTIONS_MESSAGE_DEFAULT;
  o->max_line = OPTIONS_MESSAGE_DEFAULT;
  o->request_line_max = 16u << 10;
  o->head_max = 64u << 10;
  o->header_lines_max = 100;
  o->buffer_size = 256u << 10; /* CPU a gigabyte is 0.7 to 0.85 of that with 64 KB */
  o->buffer_memory = 1u << 30;
  o->head_memory = 64u << 20;
  o->exec_limit = 256;
  o->exec_grace_ms = 1000;
  o->pty_columns = 80;
  o->pty_rows = 24;
  o->server.handshake_timeout_ms = 10000;
  o->server.transfer_timeout_ms = 60000;
  o->server.token_place = token_place_default;
  o->server.auth.cookie_time_ms =
      3600000; /* an hour: a page that is left open reconnects, a lost one does not */
  o->server.token_timeout_ms = 5000;
  o->server.session.dial_timeout_ms = 10000;
  o->server.session.close_timeout_ms = 5000;
  o->server.session.close_timeout_max_ms = 60000;
  o->server.session.heartbeat_ms = 25000; /* balancers cut at 60 s of silence, some at 50 or 30 */
  o->server.session.pong_timeout_ms = 90000;
}

/* ---- options ---- */

/* websockify takes these as not given when they are empty, and scripts count on it: --cert="$CERT". Those
 * that say who may come in or where to stay refused. */
static bool may_be_empty(const struct option_spec *spec) {
  static const char *const names[] = {"cert", "key", "web", "record", "log-file"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(spec->name, names[i]) == 0) return true;
  }
  return false;
}

static void pass_over_empty(struct reader *r) {
  if (!r->had_empty) options_note(r->options, "options with an empty value, such as --web=, are ignored");
  r->had_empty = true;
}

static int take_value(struct reader *r, const struct option_spec *spec, const char *value) {
  if (option_is_flag(spec) && value != NULL) return complain(r, "--%s takes no value", spec->name);
  if (!option_is_flag(spec) && value == NULL) {
    if (r->at == r->argc)
      return complain(r, "--%s needs a value: --%s %s", spec->name, spec->name, spec->argument);
    value = r->argv[r->at++];
  }
  if (value != NULL && value[0] == '\0' && may_be_empty(spec)) {
    pass_over_empty(r);
    return WSL_OK;
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
    return complain(r, "unexpected argument \"%s\" (usage: %s " OPTIONS_USAGE ")", word, r->options->self);
  }
  r->positionals[r->given.positionals++] = word;
  return WSL_OK;
}

/* Whether it is said already where to listen. */
static bool has_place(const struct reader *r) {
  const struct options *o = r->options;
  static const char *const names[] = {"listen", "unix-listen", "inetd"};
  if (r->given.positionals > 0 || o->server.unix_listen != NULL || o->inetd || o->activated) return true;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (environment_value(r->environment, names[i]) != NULL) return true;
  }
  return false;
}

/* Behind "--": "6080 -- Xvnc :1", as websockify takes it, or with no place before it the positionals. */
static void take_wrapped(struct reader *r) {
  if (!has_place(r) || r->at == r->argc) return;
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
    return complain(r, "%s \"%s\": %s", listen.what, listen.text, why);
  }
  o->server.listen_host = o->listen_host;
  return WSL_OK;
}

static int read_target(struct reader *r, struct positional target) {
  struct options *o = r->options;
  const char *why = NULL;
  if (parse_endpoint(target.text, PARSE_HOST_LOCAL, o->target_host, sizeof o->target_host,
                     &o->server.target.port, &why) != WSL_OK) {
    return complain(r, "%s \"%s\": %s", target.what, target.text, why);
  }
  o->server.target.host = o->target_host;
  o->server.target.text = target.text;
  o->server.target.origin = TARGET_FIXED;
  return WSL_OK;
}

enum need { NEED_NONE, NEED_MAYBE, NEED_ONE };

/* What stands for a place to listen, so that no port is given; NULL: nothing does. */
static const char *own_listen(const struct options *o) {
  if (o->inetd) return "--inetd";
  return o->server.unix_listen != NULL ? "--unix-listen" : NULL;
}

static enum need need_of_listen(const struct options *o) {
  if (own_listen(o) != NULL) return NEED_NONE;
  return o->activated || o->demo ? NEED_MAYBE : NEED_ONE;
}

/* A program as the target may stand beside one, where it listens by itself. */
static enum need need_of_target(const struct options *o) {
  const char *own = options_own_target(o);
  if (own == NULL) return NEED_ONE;
  return strcmp(own, OPTIONS_WRAPPED) == 0 ? NEED_MAYBE : NEED_NONE;
}

/* More of them than the options leave room for. */
static int check_count(struct reader *r) {
  const char *listen = own_listen(r->options), *target = options_own_target(r->options);
  bool takes_target = need_of_target(r->options) != NEED_NONE;
  int expected = (listen != NULL ? 0 : 1) + (takes_target ? 1 : 0);
  if (r->given.positionals <= expected) return WSL_OK;
  if (listen == NULL)
    return complain(r, "unexpected argument \"%s\": no target is given with %s", r->positionals[1], target);
  if (takes_target)
    return complain(r, "unexpected argument \"%s\": no port is given with %s",
                    r->positionals[r->given.positionals - 2], listen);
  return complain(r, "unexpected argument \"%s\": neither port nor target is given with %s and %s",
                  r->positionals[0], listen, target);
}

static int take_listen(struct reader *r, int *at) {
  struct options *o = r->options;
  /* A single word is the target, where there must be one and somewhere to listen is known. */
  bool left_for_target = need_of_listen(o) == NEED_MAYBE && need_of_target(o) == NEED_ONE;
  int given = r->given.positionals - (left_for_target ? 1 : 0);
  struct positional listen = {environment_value(r->environment, "listen"), "WSLUICE_LISTEN"};
  if (*at < given) listen = (struct positional){r->positionals[(*at)++], "listen address"};
  if (listen.text == NULL && o->demo) listen.text = DEFAULT_DEMO_LISTEN;
  if (listen.text != NULL) return read_listen(r, listen);
  if (need_of_listen(o) == NEED_MAYBE) return WSL_OK;
  if (options_own_target(o) != NULL)
    return complain(r, "no port given (usage: %s %s ... [listen_host:]port)", o->self, options_own_target(o));
  return complain(r, "no port and no target given (usage: %s " OPTIONS_USAGE ")", o->self);
}

static int take_target(struct reader *r, int at) {
  struct options *o = r->options;
  struct positional target = {NULL, "target"};
  if (at < r->given.positionals) {
    target.text = r->positionals[at];
  } else if (need_of_target(o) == NEED_ONE) {
    target = (struct positional){environment_value(r->environment, "target"), "WSLUICE_TARGET"};
    if (target.text == NULL) return complain(r, "no target given (usage: %s " OPTIONS_USAGE ")", o->self);
  }
  return target.text == NULL ? WSL_OK : read_target(r, target);
}

/* Both, as far as options do not stand for them. */
static int read_positionals(struct reader *r) {
  int at = 0, error = check_count(r);
  if (error == WSL_OK && need_of_listen(r->options) != NEED_NONE) error = take_listen(r, &at);
  if (error == WSL_OK && need_of_target(r->options) != NEED_NONE) error = take_target(r, at);
  return error;
}

/* ---- all together ---- */

/* By systemd; the variable is for this process, where it is there (app/inherited.h). */
static bool sockets_handed_down(const char *const *environment) {
  for (; *environment != NULL; environment++) {
    if (strncmp(*environment, "LISTEN_FDS=", strlen("LISTEN_FDS=")) == 0)
      return strcmp(*environment, "LISTEN_FDS=0") != 0;
  }
  return false;
}

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
  options->activated = sockets_handed_down(environment);
  int error = parse(&r);
  if (error != WSL_OK) blank_controls(why);
  return error;
}
