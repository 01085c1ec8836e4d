/* The command line; see options.h. */
#include "app/options.h"

#include <stdarg.h>
#include <string.h>

#include "app/option_table.h"
#include "core/parse.h"

#define DEFAULT_DEMO_LISTEN "6080"
#define USAGE               "wsluice [options] [listen_host:]port target_host:target_port"
#define POSITIONALS_MAX     2

/* What one pass over argv needs to know. */
struct reader {
  struct options *options;
  const char *const *argv;
  int argc;
  int at;
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
  if (store(r->options, spec, value, &why) == WSL_OK) return WSL_OK;
  return complain(r, "--%s \"%s\": %s", spec->name, value, why);
}

static int take_option(struct reader *r, const char *word) {
  if (word[1] != '-') {
    const struct option_spec *spec = find_letter(word[1]);
    if (spec == NULL || word[2] != '\0') return complain(r, "unknown option %s (see wsluice --help)", word);
    return take_value(r, spec, NULL);
  }
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
    } else if (!only_positionals && word[0] == '-' && word[1] != '\0') {
      error = take_option(r, word);
    } else {
      error = take_positional(r, word);
    }
    if (error != WSL_OK) return error;
  }
  return WSL_OK;
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

/* How many positionals the options leave room for. */
static int read_positionals(struct reader *r) {
  struct options *o = r->options;
  bool own_target = o->demo || o->unix_target != NULL;
  if (o->demo && o->unix_target != NULL)
    return complain(r, "--demo brings its own target: not with --unix-target");
  if (r->positionals_count == 0 && !o->demo) {
    return complain(r, own_target ? "no port given (usage: wsluice --unix-target PATH [listen_host:]port)"
                                  : "no port and no target given (usage: " USAGE ")");
  }
  if (r->positionals_count == 1 && !own_target) return complain(r, "no target given (usage: " USAGE ")");
  if (r->positionals_count == 2 && own_target) {
    return complain(r, "\"%s\": no target is given with %s", r->positionals[1],
                    o->demo ? "--demo" : "--unix-target");
  }
  int error = read_listen(r, r->positionals_count > 0 ? r->positionals[0] : DEFAULT_DEMO_LISTEN);
  if (error == WSL_OK && !own_target) error = read_target(r, r->positionals[1]);
  return error;
}

/* ---- all together ---- */

/* What the server wants in another type or place than the table could store. */
static void fill_settings(struct options *o) {
  struct server_settings *s = &o->server;
  if (o->unix_target != NULL) s->target = (struct target){NULL, 0, o->unix_target, o->unix_target};
  s->dial_order = o->dial_first ? DIAL_BEFORE_UPGRADE : DIAL_AFTER_UPGRADE;
  s->workers = (unsigned)o->workers;
  s->max_sessions = o->max_sessions;
  s->buffer_size = o->buffer_size;
  s->buffer_memory = o->buffer_memory;
  s->head_memory = o->head_memory;
  s->backlog = (int)o->backlog;
  s->head.request_line_max = (uint32_t)o->request_line_max;
  s->head.head_max = (uint32_t)o->head_max;
  s->head.fields_max = (uint32_t)o->header_lines_max;
  s->session.max_frame_size = (uint32_t)o->max_frame_size;
  s->session.text = o->refuse_text ? TEXT_REFUSE : TEXT_FORWARD;
  s->subprotocols = (struct wsl_subprotocols){o->subprotocols.values, o->subprotocols.count};
  s->origins = (struct origin_rules){o->origins.values, o->origins.count};
}

static int check_combinations(struct reader *r) {
  const struct options *o = r->options;
  if (o->demo && o->server.web_dir != NULL) return complain(r, "--demo brings its own page: not with --web");
  if (o->buffer_memory < 2 * o->buffer_size)
    return complain(r, "--buffer-memory must hold two buffers at least");
  return WSL_OK;
}

int options_parse(struct options *options, int argc, const char *const *argv, char *why, size_t why_cap) {
  struct reader r = {.options = options, .argv = argv, .argc = argc, .at = 1, .why = why, .why_cap = why_cap};
  set_defaults(options);
  int error = read_words(&r);
  if (error != WSL_OK) return error;
  if (options->help || options->version) {
    options->action = options->help ? OPTIONS_HELP : OPTIONS_VERSION;
    return WSL_OK;
  }
  error = read_positionals(&r);
  if (error == WSL_OK) error = check_combinations(&r);
  if (error != WSL_OK) return error;
  fill_settings(options);
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
               "       wsluice --demo [[listen_host:]port]\n"
               "\n"
               "Bridges WebSocket clients (ws://listen_host:port/, any path) to a TCP service.\n"
               "No listen_host: all addresses, IPv4 and IPv6. IPv6 literals in brackets.\n"
               "BYTES take K, M, G; SEC takes fractions, or ms, s, m, h.\n");
  for (size_t i = 0; i < option_table_len; i++) {
    if (option_table[i].kind == OPTION_SECTION) {
      fprintf(out, "\n%s:\n", option_table[i].name);
    } else {
      print_option(out, &option_table[i]);
    }
  }
  fprintf(out, "\nexit status: 0 stopped by a signal, 1 could not start, 2 wrong usage\n");
}
