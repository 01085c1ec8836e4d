/* See net/program/dialer.h.
 *
 *   room -> record -> job in the pool --launched--> program_begin() -> done(transport)
 *                       \-- the time is over, or a cancel: whoever waited is told or gone; the job goes on,
 * and what it has started is ended
 */
#include "net/program/dialer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

#define REASON_MAX 256u

/* What a terminal's program may rely on: xterm.js, hterm and the like. */
static const char terminal_type[] = "TERM=xterm-256color";

struct attempt {
  struct program_dialer *dialer;
  struct dial *dial; /* NULL: nobody waits any more */
  struct offload_job job;
  struct timer deadline;
  const struct program_settings *settings;
  struct program *program;
  const char **environment; /* malloc'ed, with the words behind the pointers */
  uint64_t id;
  struct terminal_size size;
  struct program_launch launch;
  int error;
};

/* ---- environment ---- */

static size_t count_strings(const char *const *strings) {
  size_t count = 0;
  while (strings[count] != NULL)
    count++;
  return count;
}

static size_t count_words(const char *words, size_t len) {
  size_t count = 0;
  for (const char *at = words; at < words + len; at += strlen(at) + 1)
    count++;
  return count;
}

/* Whether the operator has said otherwise: programs differ in which of two they see. */
static bool is_set(const struct program_settings *settings, const char *word) {
  size_t len = strcspn(word, "=") + 1;
  for (const char *const *entry = settings->environment; *entry != NULL; entry++) {
    if (strncmp(*entry, word, len) == 0) return true;
  }
  return false;
}

/* In one piece, since the context is the connection's and may go before the program is started. NULL without
 * memory. */
static const char **make_environment(const struct program_settings *settings,
                                     const struct dial_context *context) {
  size_t len = context == NULL ? 0 : context->words_len;
  size_t common = count_strings(settings->environment);
  size_t pointers = common + (len == 0 ? 0 : count_words(context->words, len)) + 2;
  const char **environment = malloc(pointers * sizeof(*environment) + len);
  if (environment == NULL) return NULL;
  const char **next = environment;
  for (size_t i = 0; i < common; i++)
    *next++ = settings->environment[i];
  bool on_terminal = settings->streams == PROGRAM_ON_TERMINAL;
  if (on_terminal && !is_set(settings, terminal_type)) *next++ = terminal_type;
  char *words = (char *)(environment + pointers);
  if (len > 0) memcpy(words, context->words, len);
  for (char *at = words; at < words + len; at += strlen(at) + 1) {
    if (!is_set(settings, at)) *next++ = at;
  }
  *next = NULL;
  return environment;
}

/* ---- the end of an attempt ---- */

static void free_attempt(struct attempt *attempt) {
  free(attempt->environment);
  slab_give(&attempt->dialer->attempts, attempt);
}

/* Tells whoever waits. */
static void settle(struct attempt *attempt, int error, struct transport *transport) {
  struct dial *dial = attempt->dial;
  timer_disarm(attempt->dialer->timers, &attempt->deadline);
  attempt->dial = NULL;
  dial->attempt = NULL;
  dial->done(dial, error, transport);
}

/* No program came of it. */
static void give_back(struct attempt *attempt) {
  program_spare(attempt->program);
  program_room_leave(attempt->dialer->programs->room);
}

/* ---- launching ---- */

static void on_pool(struct offload_job *job) {
  struct attempt *attempt = LIST_ENTRY(job, struct attempt, job);
  attempt->error = program_launch(attempt->settings, attempt->environment, attempt->size, &attempt->launch);
}

static int error_for_client(int error) {
  switch (error) {
    case WSL_NO_DESCRIPTOR:
    case WSL_NO_MEMORY:
      return error;
    case WSL_AGAIN:
      return WSL_TOO_MANY;
    default:
      return WSL_NOT_RUN;
  }
}

static void launch_failed(struct attempt *attempt) {
  char reason[REASON_MAX], shown[REASON_MAX];
  child_failure_text(&attempt->launch.failure, reason, sizeof(reason));
  log_event(LOG_WARN, attempt->id, "program not started program=\"%s\" reason=\"%s\"",
            log_escape(wsl_span_of(attempt->settings->path), shown, sizeof(shown)), reason);
  atomic_fetch_add(&attempt->dialer->programs->room->failed, 1);
  give_back(attempt);
  if (attempt->dial != NULL) settle(attempt, error_for_client(attempt->error), NULL);
}

static void launched(struct attempt *attempt) {
  struct transport *transport = program_begin(attempt->program, &attempt->launch, attempt->id);
  if (attempt->dial != NULL) {
    settle(attempt, transport == NULL ? WSL_NO_MEMORY : WSL_OK, transport);
  } else if (transport != NULL) {
    transport_reset(transport);
  }
}

static void on_launched(struct offload_job *job) {
  struct attempt *attempt = LIST_ENTRY(job, struct attempt, job);
  if (attempt->error != WSL_OK) {
    launch_failed(attempt);
  } else {
    launched(attempt);
  }
  free_attempt(attempt);
}

/* A job that has not begun need not begin any more. */
static void abandon(struct attempt *attempt) {
  if (!offload_cancel(&attempt->job)) return;
  give_back(attempt);
  free_attempt(attempt);
}

static void on_deadline(struct timer *timer) {
  struct attempt *attempt = LIST_ENTRY(timer, struct attempt, deadline);
  settle(attempt, WSL_TIMED_OUT, NULL);
  abandon(attempt);
}

/* ---- the dialer ---- */

/* Everything that an attempt needs; 0, or an error with nothing taken. */
static int prepare(struct program_dialer *dialer, struct dial *dial, const struct program_settings *settings,
                   struct attempt **result) {
  struct program_domain *programs = dialer->programs;
  if (!program_room_enter(programs->room)) return WSL_TOO_MANY;
  struct attempt *attempt = slab_take(&dialer->attempts);
  if (attempt == NULL) goto fail_room;
  *attempt = (struct attempt){.dialer = dialer, .dial = dial, .settings = settings, .size = settings->size};
  attempt->program = program_take(programs);
  if (attempt->program == NULL) goto fail_attempt;
  attempt->environment = make_environment(settings, dial->context);
  if (attempt->environment == NULL) goto fail_program;
  *result = attempt;
  return WSL_OK;

fail_program:
  program_spare(attempt->program);
fail_attempt:
  slab_give(&dialer->attempts, attempt);
fail_room:
  program_room_leave(programs->room);
  return WSL_NO_MEMORY;
}

static void take_context(struct attempt *attempt, const struct dial_context *context) {
  if (context == NULL) return;
  attempt->id = context->id;
  if (context->columns > 0) attempt->size.columns = context->columns;
  if (context->rows > 0) attempt->size.rows = context->rows;
}

static void start(struct dialer *base, struct dial *dial, const struct target *target, uint64_t timeout_ms) {
  struct program_dialer *dialer = (struct program_dialer *)(void *)base;
  struct attempt *attempt;
  assert(target->program != NULL);
  int error = prepare(dialer, dial, target->program, &attempt);
  if (error != WSL_OK) {
    dial->done(dial, error, NULL);
    return;
  }
  take_context(attempt, dial->context);
  dial->attempt = attempt;
  timer_init(&attempt->deadline, on_deadline);
  timer_arm(dialer->timers, &attempt->deadline, dialer->timers->now_ms + timeout_ms);
  offload_start(dialer->offload, &attempt->job, on_pool, on_launched);
}

/* A program knows no difference between the goodbyes. */
static void cancel(struct dialer *base, struct dial *dial, enum dial_goodbye goodbye) {
  (void)goodbye;
  struct program_dialer *dialer = (struct program_dialer *)(void *)base;
  struct attempt *attempt = dial->attempt;
  timer_disarm(dialer->timers, &attempt->deadline);
  attempt->dial = NULL;
  dial->attempt = NULL;
  abandon(attempt);
}

static const struct dialer_ops program_dialer_ops = {.start = start, .cancel = cancel};

void program_dialer_init(struct program_dialer *dialer, struct program_domain *programs,
                         struct offload *offload, struct timers *timers) {
  dialer->dialer.ops = &program_dialer_ops;
  dialer->programs = programs;
  dialer->offload = offload;
  dialer->timers = timers;
  slab_init(&dialer->attempts, sizeof(struct attempt));
}

void program_dialer_destroy(struct program_dialer *dialer) {
  slab_destroy(&dialer->attempts);
}
