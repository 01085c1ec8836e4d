/* fuzz: max_len=600
 *
 * Lookups at a Redis server: a worker's client with a server that answers, stalls, closes, or says anything.
 *
 * An input is a story, a byte a step (see play()); its last two bytes choose password, database, how the
 * server is dialled and how much a read brings. Each lookup is answered once or was given up, with its own
 * target as long as the server was honest; whatever the story was, nobody waits for ever, and nothing is
 * left.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bridge/fake_peer.h"
#include "core/error.h"
#include "core/log.h"
#include "core/timers.h"
#include "fuzz/fuzz.h"
#include "route/token/kinds.h"
#include "route/token/redis_client.h"
#include "route/token/redis_reader.h"

#define LOOKUPS_MAX 64u
#define TOKEN_SIZE  8u
#define LATE_MS     15000u

struct asked {
  struct token_lookup lookup;
  char token[TOKEN_SIZE];
  bool live;
};

struct world {
  struct timers timers;
  struct dialer dialer;
  struct dial *dialling; /* waits for its answer */
  bool dials_at_once, dials_fail;
  struct fake_peer server;
  size_t read_max;
  size_t served; /* bytes of server.got that have been answered */
  bool honest;   /* so far, on this connection */
  struct token_source *source;
  struct token_client *client;
  struct asked asked[LOOKUPS_MAX];
  size_t count;
};

/* ---- the dialer ---- */

static void answer_dial(struct world *world) {
  struct dial *dial = world->dialling;
  struct transport *transport = NULL;
  if (dial == NULL) return;
  world->dialling = NULL;
  dial->attempt = NULL;
  if (!world->dials_fail) {
    peer_free(&world->server);
    peer_init(&world->server);
    world->server.read_max = world->read_max;
    world->served = 0;
    world->honest = true;
    transport = peer_connect(&world->server);
  }
  dial->done(dial, world->dials_fail ? WSL_REFUSED : 0, transport);
}

static void start_dial(struct dialer *dialer, struct dial *dial, const struct target *target,
                       uint64_t timeout_ms) {
  struct world *world = LIST_ENTRY(dialer, struct world, dialer);
  fuzz_check(target->origin == TARGET_FIXED && timeout_ms > 0, "the operator's server");
  fuzz_check(world->dialling == NULL && world->server.transport == NULL, "one connection");
  world->dialling = dial;
  dial->attempt = world;
  if (world->dials_at_once) answer_dial(world);
}

static void cancel_dial(struct dialer *dialer, struct dial *dial, enum dial_goodbye goodbye) {
  struct world *world = LIST_ENTRY(dialer, struct world, dialer);
  (void)goodbye;
  fuzz_check(world->dialling == dial, "the dial that is in flight");
  world->dialling = NULL;
  dial->attempt = NULL;
}

/* ---- the server ---- */

/* What the client has sent and the server has not answered. */
struct unserved {
  const char *at, *end;
  bool whole; /* so far: not cut off by a server that takes no more */
};

/* The number in a line of RESP ("*2", "$3"). */
static size_t take_number(struct unserved *rest, char kind) {
  const char *line_end = memmem(rest->at, (size_t)(rest->end - rest->at), "\r\n", 2);
  rest->whole = rest->whole && line_end != NULL;
  if (!rest->whole) return 0;
  fuzz_check(*rest->at == kind, "a command");
  size_t value = 0;
  for (rest->at++; rest->at < line_end; rest->at++)
    value = value * 10 + (size_t)(*rest->at - '0');
  rest->at += 2;
  return value;
}

static struct wsl_span take_word(struct unserved *rest) {
  size_t len = take_number(rest, '$');
  struct wsl_span word = {rest->at, len};
  rest->whole = rest->whole && (size_t)(rest->end - rest->at) >= len + 2;
  if (rest->whole) rest->at += len + 2;
  return word;
}

/* Answers the next command that the client has sent: a GET of "n:t<number>" with "h:<number>". */
static void serve(struct world *world) {
  const struct bytes *got = &world->server.got;
  if (world->server.transport == NULL || world->served == got->len) return;
  struct unserved rest = {(const char *)got->data + world->served, (const char *)got->data + got->len, true};
  char reply[40] = "+OK\r\n";
  size_t words = take_number(&rest, '*');
  struct wsl_span name = take_word(&rest), argument = take_word(&rest);
  if (!rest.whole) return;
  fuzz_check(words == 2, "a command of two words");
  if (wsl_span_equal(name, wsl_span_of("GET"))) {
    fuzz_check(argument.len > 3 && memcmp(argument.at, "n:t", 3) == 0, "the key");
    int len = (int)argument.len - 3;
    (void)snprintf(reply, sizeof reply, "$%d\r\nh:%.*s\r\n", len + 2, len, argument.at + 3);
  }
  world->served = (size_t)(rest.at - (const char *)got->data);
  peer_send(&world->server, reply, strlen(reply));
}

static void say(struct world *world, struct fuzz_input *story) {
  size_t len = fuzz_byte(story) % 64;
  if (len > story->len) len = story->len;
  if (world->server.transport != NULL) {
    world->honest = false;
    peer_send(&world->server, story->at, len);
  }
  story->at += len;
  story->len -= len;
}

/* ---- lookups ---- */

static struct world *the_world; /* an answer names only its lookup */

static void on_answer(struct token_lookup *lookup, const struct token_answer *answer) {
  struct asked *asked = LIST_ENTRY(lookup, struct asked, lookup);
  fuzz_check(asked->live, "an answer to who still asks");
  asked->live = false;
  fuzz_check((answer->outcome == ROUTE_FOUND) == (answer->target != NULL), "a target if there is one");
  if (answer->target != NULL) {
    fuzz_check(answer->target->origin == TARGET_LOOKED_UP, "a stranger's word");
    if (the_world->honest)
      fuzz_check(answer->target->port == strtoul(asked->token + 1, NULL, 10), "%s gets %s", asked->token,
                 answer->target->text);
  }
  free(answer->target);
}

static void ask(struct world *world) {
  if (world->count == LOOKUPS_MAX) return;
  struct asked *asked = &world->asked[world->count++];
  (void)snprintf(asked->token, sizeof asked->token, "t%zu", world->count);
  asked->live = true;
  asked->lookup.question = (struct token_question){.token = wsl_span_of(asked->token), .id = world->count};
  token_client_ask(world->client, &asked->lookup, on_answer);
}

static void give_up(struct world *world, uint8_t which) {
  if (world->count == 0) return;
  struct asked *asked = &world->asked[which % world->count];
  if (!asked->live) return;
  asked->live = false;
  token_client_cancel(&asked->lookup);
}

static size_t count_live(const struct world *world) {
  size_t live = 0;
  for (size_t i = 0; i < world->count; i++)
    live += world->asked[i].live ? 1 : 0;
  return live;
}

/* ---- the story ---- */

static void play(struct world *world, uint8_t step, struct fuzz_input *story) {
  bool connected = world->server.transport != NULL;
  switch (step % 12) {
    case 0:
    case 1:
      ask(world);
      break;
    case 2:
      give_up(world, fuzz_byte(story));
      break;
    case 3:
      serve(world);
      break;
    case 4:
      say(world, story);
      break;
    case 5:
      if (connected) peer_finish(&world->server);
      break;
    case 6:
      if (connected) peer_reset(&world->server);
      break;
    case 7:
      timers_run(&world->timers, world->timers.now_ms + fuzz_byte(story) * 100u);
      break;
    case 8:
      answer_dial(world);
      break;
    case 9:
      world->dials_fail = !world->dials_fail;
      break;
    case 10:
      if (count_live(world) == 0) token_client_rest(world->client);
      break;
    default:
      if (connected) peer_take(&world->server, fuzz_byte(story));
      break;
  }
  while (world->server.transport != NULL && peer_turn(&world->server)) {
  }
}

static void drop_line(enum log_level level, uint64_t id, const char *format, const char *text) {
  (void)level;
  (void)id;
  (void)format;
  fuzz_check(strstr(text, "secret") == NULL, "no password in the log: %s", text);
}

static void begin(struct world *world, uint8_t choices, uint8_t read_max) {
  static const struct dialer_ops ops = {start_dial, cancel_dial};
  char argument[60], why[100];
  (void)snprintf(argument, sizeof argument, "server::%s:%s:n", (choices & 1) != 0 ? "3" : "",
                 (choices & 2) != 0 ? "secret" : "");
  log_set_sink(drop_line);
  timers_init(&world->timers, 1000);
  world->dialer.ops = &ops;
  world->dials_at_once = (choices & 4) != 0;
  world->read_max = read_max == 0 ? UNLIMITED : read_max;
  peer_init(&world->server);
  struct token_source_options options = {.argument = argument};
  fuzz_check(token_source_open(&world->source, &token_kind_redis, &options, why, sizeof why) == 0, "%s", why);
  struct token_means means = {.timers = &world->timers, .dialer = &world->dialer};
  world->client = token_client_open(world->source, &means);
  fuzz_check(world->client != NULL, "there is memory");
}

/* A dial has its own time limit, the client one for each answer. */
static void finish(struct world *world) {
  for (unsigned i = 0; i < 3; i++) {
    world->dials_fail = true;
    answer_dial(world);
    timers_run(&world->timers, world->timers.now_ms + LATE_MS);
  }
  fuzz_check(count_live(world) == 0, "%zu wait for ever", count_live(world));
  token_client_rest(world->client);
  fuzz_check(world->server.transport == NULL && world->dialling == NULL, "nothing is open");
  fuzz_check(timers_next_ms(&world->timers) == -1, "nothing is to come");
  token_client_close(world->client);
  token_source_close(world->source);
  peer_free(&world->server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input story = {data, size};
  struct world *world = fuzz_memory(sizeof *world);
  the_world = world;
  uint8_t read_max = fuzz_choice(&story), choices = fuzz_choice(&story);
  begin(world, choices, read_max);
  while (story.len > 0)
    play(world, fuzz_byte(&story), &story);
  finish(world);
  free(world);
  return 0;
}
