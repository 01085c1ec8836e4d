/* fuzz: max_len=1024
 *
 * The command line and the environment: words in an input, each ended by a NUL; those that begin with
 * WSLUICE_ are variables. Whatever they are, parsing ends with settings or with one line, the same each time,
 * and
 * "--name=value" is "--name value".
 */
#include <stdlib.h>

#include "app/option/options.h"
#include "app/option/secrets.h"
#include "app/option/value.h"
#include "fuzz/fuzz.h"

#define WORDS_MAX 100u
#define WHY_SIZE  300u

/* argv or environment, ended by NULL; each word a block of its own. */
struct words {
  char *at[2 * WORDS_MAX + 2];
  size_t count;
};

struct outcome {
  struct options options;
  int error;
  char why[WHY_SIZE];
};

static void add(struct words *words, struct wsl_span word) {
  words->at[words->count++] = fuzz_text(word);
}

static void free_words(struct words *words) {
  for (size_t i = 0; i < words->count; i++)
    free(words->at[i]);
}

static struct outcome *parse(const struct words *argv, const struct words *environment) {
  struct outcome *outcome = fuzz_memory(sizeof *outcome);
  outcome->error = options_parse(&outcome->options, (int)argv->count, (const char *const *)argv->at,
                                 (const char *const *)environment->at, outcome->why, sizeof outcome->why);
  return outcome;
}

static void check_line(const struct outcome *outcome) {
  if (outcome->error == 0) return;
  fuzz_check(outcome->error == WSL_INVALID, "error %d", outcome->error);
  size_t len = strnlen(outcome->why, WHY_SIZE);
  fuzz_check(len > 0 && len < WHY_SIZE, "a line of %zu bytes", len);
  for (size_t i = 0; i < len; i++)
    fuzz_check((uint8_t)outcome->why[i] >= ' ' && outcome->why[i] != 0x7F, "byte %zu of the line", i);
}

/* What settings mean, but for the texts that they point to. */
static void compare(const struct outcome *one, const struct outcome *other) {
  const struct options *a = &one->options, *b = &other->options;
  fuzz_check(one->error == other->error && a->action == b->action, "outcomes %d and %d (%s, %s)", one->error,
             other->error, one->why, other->why);
  if (one->error != 0) return;
  size_t from = offsetof(struct options, dial_first), to = sizeof *a;
  fuzz_check(memcmp((const char *)a + from, (const char *)b + from, to - from) == 0, "flags and numbers");
  fuzz_check(strcmp(a->listen_host, b->listen_host) == 0 && strcmp(a->target_host, b->target_host) == 0 &&
                 a->server.listen_port == b->server.listen_port &&
                 a->server.target.port == b->server.target.port,
             "where to");
  fuzz_check(a->subprotocols.count == b->subprotocols.count && a->origins.count == b->origins.count &&
                 a->unknown_variables.count == b->unknown_variables.count && a->words_len == b->words_len,
             "lists");
}

/* What must hold of settings that are to be run with. */
static void check_settings(const struct outcome *outcome) {
  const struct options *o = &outcome->options;
  if (outcome->error != 0 || (o->action != OPTIONS_RUN && o->action != OPTIONS_DEMO)) return;
  int places = (o->server.listen_host != NULL) + (o->server.unix_listen != NULL) + (o->inetd != 0);
  fuzz_check(o->activated ? places <= 1 : places == 1, "one place to listen at");
  fuzz_check(memchr(o->listen_host, 0, OPTIONS_HOST_MAX) != NULL &&
                 memchr(o->target_host, 0, OPTIONS_HOST_MAX) != NULL,
             "hosts end");
  fuzz_check(o->words_len <= OPTIONS_WORDS_MAX, "words within their room");
}

/* The same words, with each "--name=value" as two. */
static void split_words(const struct words *argv, struct words *split) {
  bool is_value = false;
  for (size_t i = 0; i < argv->count; i++) {
    const char *word = argv->at[i], *equals = strchr(word, '=');
    bool is_long = i > 0 && !is_value && strncmp(word, "--", 2) == 0 && word[2] != '\0';
    size_t name_len = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const struct option_spec *spec = is_long ? option_find(word + 2, name_len - 2) : NULL;
    bool wants = spec != NULL && !option_is_flag(spec);
    is_value = wants && equals == NULL;
    if (wants && equals != NULL) {
      add(split, (struct wsl_span){word, name_len});
      add(split, wsl_span_of(equals + 1));
    } else {
      add(split, wsl_span_of(word));
    }
  }
}

static bool ends_options(const struct words *argv) {
  for (size_t i = 1; i < argv->count; i++) {
    if (strcmp(argv->at[i], "--") == 0) return true; /* what follows are no options */
  }
  return false;
}

static void check_split(const struct words *argv, const struct words *environment,
                        const struct outcome *whole) {
  if (ends_options(argv)) return;
  struct words *split = fuzz_memory(sizeof *split);
  split_words(argv, split);
  struct outcome *outcome = parse(split, environment);
  compare(whole, outcome);
  free(outcome);
  free_words(split);
  free(split);
}

static void read_words(struct fuzz_input *input, struct words *argv, struct words *environment) {
  static const char prefix[] = "WSLUICE_";
  add(argv, wsl_span_of("wsluice"));
  while (input->len > 0 && argv->count + environment->count < WORDS_MAX) {
    struct wsl_span word = fuzz_piece(input, '\0');
    size_t len = sizeof prefix - 1;
    add(word.len >= len && memcmp(word.at, prefix, len) == 0 ? environment : argv, word);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  struct words *argv = fuzz_memory(sizeof *argv), *environment = fuzz_memory(sizeof *environment);
  read_words(&input, argv, environment);
  struct outcome *outcome = parse(argv, environment), *again = parse(argv, environment);
  check_line(outcome);
  check_settings(outcome);
  compare(outcome, again);
  fuzz_check(strcmp(outcome->why, again->why) == 0, "lines \"%s\" and \"%s\"", outcome->why, again->why);
  check_split(argv, environment, outcome);
  option_secrets_hide(&outcome->options, argv->at, environment->at);
  free(outcome);
  free(again);
  free_words(argv);
  free_words(environment);
  free(argv);
  free(environment);
  return 0;
}
