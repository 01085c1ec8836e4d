/* Reading wsluice-bench's command line (options.h). */
#include "loadgen/options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/parse.h"
#include "loadgen/option_table.h"
#include "net/source_address.h"

#define SIZE_ECHO 64u
#define SIZE_BULK (64u * 1024u)

/* RFC 9110 5.5: no line end may hide in a header that we send. */
static bool has_control_characters(const char *text) {
  for (; *text != '\0'; text++)
    if ((unsigned char)*text < ' ' || *text == 0x7f) return true;
  return false;
}

static int complain(char *why, size_t why_cap, const char *name, const char *sentence) {
  (void)snprintf(why, why_cap, "--%s: %s", name, sentence);
  return WSL_INVALID;
}

static int store_choice(void *field, const struct bench_option *spec, const char *value, const char **why) {
  for (size_t i = 0; spec->choices[i] != NULL; i++)
    if (strcmp(spec->choices[i], value) == 0) {
      *(unsigned *)field = (unsigned)i;
      return WSL_OK;
    }
  *why = spec->choices_text;
  return WSL_INVALID;
}

static int store_list(struct option_list *list, const char *value, const char **why) {
  if (list->count == OPTIONS_LIST_MAX) {
    *why = "given too often";
    return WSL_INVALID;
  }
  list->values[list->count++] = value;
  return WSL_OK;
}

static int store_number(uint64_t *field, const struct bench_option *spec, const char *value,
                        const char **why) {
  uint64_t number = 0;
  int error = spec->kind == BENCH_OPTION_SIZE       ? parse_size(value, spec->max, &number, why)
              : spec->kind == BENCH_OPTION_DURATION ? parse_duration(value, spec->max, &number, why)
                                                    : parse_unsigned(value, spec->max, &number, why);
  if (error == WSL_OK && number < spec->min) {
    *why = "too small";
    return WSL_INVALID;
  }
  if (error == WSL_OK) *field = number;
  return error;
}

static int store(struct options *options, const struct bench_option *spec, const char *value,
                 const char **why) {
  void *field = (char *)options + spec->offset;
  switch (spec->kind) {
    case BENCH_OPTION_FLAG:
      *(bool *)field = true;
      return WSL_OK;
    case BENCH_OPTION_ACTION:
      options->action = (enum bench_action)spec->set_to;
      return WSL_OK;
    case BENCH_OPTION_PROGRESS:
      options->progress = (enum progress_wish)spec->set_to;
      return WSL_OK;
    case BENCH_OPTION_CHOICE:
      return store_choice(field, spec, value, why);
    case BENCH_OPTION_LIST:
      return store_list(field, value, why);
    case BENCH_OPTION_TEXT:
      *(const char **)field = value;
      return WSL_OK;
    case BENCH_OPTION_NUMBER:
    case BENCH_OPTION_SIZE:
    case BENCH_OPTION_DURATION:
      return store_number(field, spec, value, why);
    case BENCH_OPTION_SECTION:
      break;
  }
  return WSL_INVALID;
}

static const struct bench_option *find_option(const char *name, size_t len) {
  for (size_t i = 0; i < bench_option_table_len; i++) {
    const struct bench_option *spec = &bench_option_table[i];
    if (spec->kind == BENCH_OPTION_SECTION || strlen(spec->name) != len) continue;
    if (memcmp(spec->name, name, len) == 0) return spec;
  }
  return NULL;
}

/* One option at argv[*at], its value there too or in the next word. */
static int parse_option(struct options *options, int argc, const char *const *argv, int *at, char *why,
                        size_t why_cap) {
  const char *name = argv[*at] + 2;
  size_t len = strcspn(name, "=");
  const char *value = name[len] == '=' ? name + len + 1 : NULL;
  const struct bench_option *spec = find_option(name, len);
  if (spec == NULL) {
    (void)snprintf(why, why_cap, "unknown option \"--%.*s\"; --help lists them", (int)len, name);
    return WSL_INVALID;
  }
  if (spec->argument == NULL && value != NULL) return complain(why, why_cap, spec->name, "takes no value");
  if (spec->argument != NULL && value == NULL) {
    if (*at + 1 == argc) return complain(why, why_cap, spec->name, "needs a value");
    value = argv[++*at];
  }
  const char *wrong = NULL;
  if (store(options, spec, value != NULL ? value : "", &wrong) != WSL_OK)
    return complain(why, why_cap, spec->name, wrong);
  if (spec->offset == offsetof(struct options, serve)) options->action = ACTION_SERVE;
  return WSL_OK;
}

static int parse_words(struct options *options, int argc, const char *const *argv, char *why,
                       size_t why_cap) {
  for (int at = 1; at < argc; at++) {
    if (strcmp(argv[at], "-h") == 0) {
      options->action = ACTION_HELP;
    } else if (strncmp(argv[at], "--", 2) == 0) {
      int error = parse_option(options, argc, argv, &at, why, why_cap);
      if (error != WSL_OK) return error;
    } else if (argv[at][0] == '-') {
      (void)snprintf(why, why_cap, "unknown option \"%s\"; --help lists them", argv[at]);
      return WSL_INVALID;
    } else if (options->url_text != NULL) {
      (void)snprintf(why, why_cap, "two URLs: \"%s\" and \"%s\"", options->url_text, argv[at]);
      return WSL_INVALID;
    } else {
      options->url_text = argv[at];
    }
  }
  return WSL_OK;
}

static int read_pids(struct options *options, char *why, size_t why_cap) {
  for (size_t i = 0; i < options->pid_texts.count; i++) {
    uint64_t pid = 0;
    const char *wrong = NULL;
    if (parse_unsigned(options->pid_texts.values[i], INT32_MAX, &pid, &wrong) != WSL_OK)
      return complain(why, why_cap, "pid", wrong);
    if (pid == 0) return complain(why, why_cap, "pid", "0 is no process");
    options->pids[i] = (int64_t)pid;
  }
  return WSL_OK;
}

static int read_sources(struct options *options, char *why, size_t why_cap) {
  const char *wrong = NULL;
  for (size_t i = 0; i < options->source_texts.count; i++)
    if (!source_address_parse(options->source_texts.values[i], &options->sources[i], &wrong))
      return complain(why, why_cap, "source-address", wrong);
  return WSL_OK;
}

static int check_headers(const struct options *options, char *why, size_t why_cap) {
  for (size_t i = 0; i < options->headers.count; i++) {
    const char *line = options->headers.values[i];
    const char *colon = strchr(line, ':');
    if (colon == NULL || colon == line) return complain(why, why_cap, "header", "give it as 'Name: value'");
    if (has_control_characters(line)) return complain(why, why_cap, "header", "holds a control character");
  }
  if (options->subprotocol != NULL && has_control_characters(options->subprotocol))
    return complain(why, why_cap, "subprotocol", "holds a control character");
  if (options->origin != NULL && has_control_characters(options->origin))
    return complain(why, why_cap, "origin", "holds a control character");
  return WSL_OK;
}

static bool is_standard_output(const char *path) {
  return path != NULL && strcmp(path, "-") == 0;
}

/* What can't go together, each as one sentence. */
static const char *find_contradiction(const struct options *options) {
  bool paced = options->mode == MODE_UP || options->mode == MODE_ECHO;
  if (options->rate > 0 && !paced) return "--rate goes with the modes up and echo only";
  if (options->rate > 0 && options->window > 1) return "--rate and --window exclude each other";
  if (options->window > 1 && options->mode != MODE_ECHO) return "--window goes with --mode echo only";
  if (options->messages != OPTIONS_MESSAGES && options->mode != MODE_CONNECT)
    return "--messages goes with --mode connect only";
  if (options->url.scheme == URL_TCP && options->mode == MODE_CONNECT)
    return "--mode connect measures upgrades, and tcp:// has none";
  if (is_standard_output(options->json_path) && is_standard_output(options->histogram_path))
    return "--json - and --histogram - would both write to standard output: name a file for one";
  if (options->source_texts.count > 0 && options->url.unix_path != NULL)
    return "--source-address is an IP address, and a Unix socket has none";
  if (options->histogram_path != NULL && options->mode != MODE_ECHO && options->mode != MODE_CONNECT)
    return "--histogram goes with the modes echo and connect only";
  return NULL;
}

static int finish_addresses(struct options *options, char *why, size_t why_cap) {
  const char *wrong = NULL;
  if (options->backend_text != NULL &&
      url_parse_address(&options->backend, options->backend_text, &wrong) != WSL_OK)
    return complain(why, why_cap, "backend", wrong);
  if (options->action == ACTION_SERVE && options->backend_text == NULL)
    return complain(why, why_cap, "serve", "needs --backend with the address to listen on");
  if (options->action == ACTION_SERVE && options->url_text != NULL)
    return complain(why, why_cap, "serve", "only serves: give no URL");
  if (options->action != ACTION_MEASURE) return WSL_OK;
  if (options->url_text == NULL) {
    (void)snprintf(why, why_cap,
                   "no URL was given; usage: wsluice-bench [options] ws://host:port/ (--help says more)");
    return WSL_INVALID;
  }
  if (url_parse(&options->url, options->url_text, &wrong) != WSL_OK) {
    (void)snprintf(why, why_cap, "\"%s\": %s", options->url_text, wrong);
    return WSL_INVALID;
  }
  return WSL_OK;
}

static int finish(struct options *options, char *why, size_t why_cap) {
  if (options->action == ACTION_HELP || options->action == ACTION_VERSION) return WSL_OK;
  if (options->size == 0)
    options->size = options->mode == MODE_ECHO || options->mode == MODE_CONNECT ? SIZE_ECHO : SIZE_BULK;
  int error = finish_addresses(options, why, why_cap);
  if (error == WSL_OK) error = read_pids(options, why, why_cap);
  if (error == WSL_OK) error = read_sources(options, why, why_cap);
  if (error == WSL_OK) error = check_headers(options, why, why_cap);
  if (error != WSL_OK) return error;
  const char *contradiction = options->action == ACTION_MEASURE ? find_contradiction(options) : NULL;
  if (contradiction == NULL) return WSL_OK;
  (void)snprintf(why, why_cap, "%s", contradiction);
  return WSL_INVALID;
}

int options_parse(struct options *options, int argc, const char *const *argv, char *why, size_t why_cap) {
  *options = (struct options){.mode = MODE_ECHO,
                              .connections = 1,
                              .duration_ms = 5000,
                              .warmup_ms = 1000,
                              .window = 1,
                              .messages = OPTIONS_MESSAGES};
  int error = parse_words(options, argc, argv, why, why_cap);
  return error == WSL_OK ? finish(options, why, why_cap) : error;
}

const char *mode_name(enum bench_mode mode) {
  static const char *const names[] = {"up", "down", "both", "echo", "connect", "idle"};
  return names[mode];
}
