/* See route/token/redis_client.h. Answers may lead back here (whoever asked asks again, or rests the client),
 * so after each of them it is looked whether the connection is still the one that it was.
 */
#include "route/token/redis_client.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "core/blob.h"
#include "core/cut.h"
#include "core/error.h"
#include "core/list.h"
#include "core/log.h"
#include "core/timers.h"
#include "route/token/redis_reader.h"
#include "route/token/redis_value.h"

/* Bytes read at once, on the stack, and how often before others get their turn. */
#define READ_SIZE   4096u
#define READS_A_RUN 16u

/* A room for what is to be written that is worth keeping. */
#define OUT_KEPT_MAX 4096u

enum redis_state { REDIS_OFF, REDIS_DIALLING, REDIS_GREETING, REDIS_READY };

struct redis_client {
  struct token_client client; /* first: it is one */
  struct redis_server *server;
  struct timers *timers;
  struct dialer *dialer;
  enum redis_state state;
  uint64_t number;     /* of the connection; another one: what was read of the last is nobody's */
  struct list waiting; /* questions, until READY */
  struct list asked;   /* those that were sent, in their order */
  struct dial dial;
  struct transport *stream; /* NULL but in GREETING and READY, as is this: */
  struct redis_reader *reader;
  unsigned greetings_left;
  struct blob out; /* what is to be written; up to `out_at` it was */
  size_t out_at;
  struct timer silence;
  unsigned failures; /* in a row, without an answer between */
  uint64_t retry_ms; /* not before then */
};

struct question {
  struct list node;
  struct token_lookup *lookup; /* NULL: given up, but its answer is still to come */
  bool sent;                   /* stands in `asked` */
};

static struct redis_client *client_of(struct token_client *client) {
  return (struct redis_client *)(void *)client;
}

/* ---- answers ---- */

/* Frees the question. */
static void answer(struct question *question, const struct token_answer *result) {
  struct token_lookup *lookup = question->lookup;
  list_remove(&question->node);
  free(question);
  if (lookup == NULL) return;
  lookup->work = NULL;
  lookup->done(lookup, result);
}

/* Those of `list` that are there now. */
static void fail_all(struct list *list, enum route_outcome outcome) {
  const struct token_answer failed = {.outcome = outcome};
  struct list failing, *node;
  list_init(&failing);
  list_move_all(&failing, list);
  while ((node = failing.next) != &failing)
    answer(LIST_ENTRY(node, struct question, node), &failed);
}

/* ---- the connection's end ---- */

static void disconnect(struct redis_client *client) {
  dial_cancel(&client->dial);
  client->dial.dialer = NULL;
  timer_disarm(client->timers, &client->silence);
  if (client->stream != NULL) transport_close(client->stream);
  redis_reader_close(client->reader);
  blob_free(&client->out);
  client->stream = NULL;
  client->reader = NULL;
  client->out_at = 0;
  client->state = REDIS_OFF;
  client->number++;
}

static void put_off(struct redis_client *client) {
  uint64_t pause = REDIS_RETRY_MAX_MS;
  if (client->failures < 10 && REDIS_RETRY_FIRST_MS << client->failures < pause)
    pause = REDIS_RETRY_FIRST_MS << client->failures;
  client->failures++;
  client->retry_ms = client->timers->now_ms + pause;
}

static void note_failure(struct redis_client *client, const char *why) {
  if (atomic_exchange(&client->server->failing, true)) return;
  log_event(LOG_ERROR, 0, "tokens can't be looked up at redis server %s: %s", client->server->target.text,
            why);
}

static void note_success(struct redis_client *client) {
  client->failures = 0;
  if (!atomic_load_explicit(&client->server->failing, memory_order_relaxed) ||
      !atomic_exchange(&client->server->failing, false))
    return;
  log_event(LOG_INFO, 0, "redis server %s answers again", client->server->target.text);
}

/* All that was asked ends so. `why` may be the stream's own words. A connection that has worked is opened
 * anew for the next lookup, without a pause. */
static void break_off_so(struct redis_client *client, enum route_outcome outcome, const char *why) {
  bool nobody_asks = list_empty(&client->waiting) && list_empty(&client->asked);
  if (client->state == REDIS_READY && nobody_asks) {
    log_event(LOG_DEBUG, 0, "redis server %s: the idle connection has ended: %s", client->server->target.text,
              why);
  } else {
    note_failure(client, why);
  }
  if (client->state != REDIS_READY && outcome == ROUTE_FAILED) put_off(client);
  disconnect(client);
  list_move_all(&client->asked, &client->waiting); /* together: who asks again meanwhile begins anew */
  fail_all(&client->asked, outcome);
}

static void break_off(struct redis_client *client, const char *why) {
  break_off_so(client, ROUTE_FAILED, why);
}

/* Want of ours is nothing of the server's: later there may be more. */
static void break_off_for(struct redis_client *client, int error) {
  const char *words = client->stream == NULL ? "" : transport_failure(client->stream);
  bool want = error == WSL_NO_MEMORY || error == WSL_NO_DESCRIPTOR || error == WSL_NO_PORT;
  break_off_so(client, want ? ROUTE_BUSY : ROUTE_FAILED, words[0] != '\0' ? words : error_text(error));
}

static void on_silence(struct timer *timer) {
  break_off(LIST_ENTRY(timer, struct redis_client, silence), "no answer in time");
}

/* While an answer is to come, the time for the next one runs. */
static void watch(struct redis_client *client) {
  if (client->greetings_left > 0 || !list_empty(&client->asked)) {
    timer_arm(client->timers, &client->silence, client->timers->now_ms + REDIS_SILENCE_MS);
  } else {
    timer_disarm(client->timers, &client->silence);
  }
}

/* ---- writing ---- */

static int append(struct redis_client *client, const char *bytes, size_t len) {
  return blob_append(&client->out, (struct wsl_span){bytes, len}, REDIS_UNSENT_MAX);
}

static void forget_written(struct redis_client *client) {
  if (client->out_at < client->out.len) return;
  client->out_at = client->out.len = 0;
  if (client->out.room > OUT_KEPT_MAX) blob_free(&client->out);
}

/* An error is left to the reader: what the server said before it may be there. */
static void flush(struct redis_client *client) {
  while (client->out_at < client->out.len && transport_writable(client->stream)) {
    struct wsl_span left = span_from(blob_view(&client->out), client->out_at);
    int64_t n = transport_write(client->stream, (const uint8_t *)left.at, left.len);
    if (n <= 0) break;
    client->out_at += (size_t)n;
  }
  forget_written(client);
}

/* Appends a question's command. */
static int put_command(struct redis_client *client, const struct question *question) {
  struct wsl_span prefix = client->server->key_prefix, token = question->lookup->question.token;
  char *command = NULL;
  int len = redisFormatCommand(&command, "GET %b%b", prefix.at, prefix.len, token.at, token.len);
  if (len <= 0) return WSL_NO_MEMORY;
  int error = append(client, command, (size_t)len);
  redisFreeCommand(command);
  return error;
}

static void send_waiting(struct redis_client *client) {
  static const struct token_answer busy = {.outcome = ROUTE_BUSY};
  struct list *node;
  while (client->state == REDIS_READY && (node = list_take_first(&client->waiting)) != NULL) {
    struct question *question = LIST_ENTRY(node, struct question, node);
    if (put_command(client, question) != 0) {
      answer(question, &busy);
      continue;
    }
    bool first = list_empty(&client->asked);
    list_append(&client->asked, node);
    question->sent = true;
    if (first) watch(client);
  }
  if (client->state == REDIS_READY) flush(client);
}

/* ---- reading ---- */

/* The answer to AUTH or SELECT. */
static void take_greeting(struct redis_client *client, const struct redis_reply *reply) {
  if (reply->kind != REDIS_STATUS) {
    bool is_auth = client->server->has_password && client->greetings_left == client->server->greeting_replies;
    break_off(client, is_auth ? "it refuses the password" : "it refuses the database's number");
    return;
  }
  client->greetings_left--;
  if (client->greetings_left > 0) return;
  client->state = REDIS_READY;
  send_waiting(client);
}

static void take_answer(struct redis_client *client, const struct redis_reply *reply) {
  if (list_empty(&client->asked)) {
    break_off(client, "it sent an unexpected message");
    return;
  }
  struct question *question = LIST_ENTRY(client->asked.next, struct question, node);
  struct token_answer result = {.outcome = ROUTE_UNKNOWN};
  note_success(client);
  if (question->lookup != NULL)
    redis_value_read(reply, client->server->target.text, question->lookup->question.id, &result);
  answer(question, &result);
}

/* All replies that are there. False: the connection is not this one any more. */
static bool take_replies(struct redis_client *client) {
  uint64_t number = client->number;
  for (;;) {
    struct redis_reply reply;
    enum redis_next next = redis_reader_next(client->reader, &reply);
    if (next == REDIS_NOT_YET) break;
    if (next == REDIS_BROKEN) {
      break_off(client, "its answer is not in Redis's protocol");
      return false;
    }
    if (client->state == REDIS_GREETING) {
      take_greeting(client, &reply);
    } else {
      take_answer(client, &reply);
    }
    if (client->number != number) return false;
    watch(client);
  }
  return true;
}

static void read_replies(struct redis_client *client) {
  char bytes[READ_SIZE];
  for (unsigned reads = 0; transport_readable(client->stream); reads++) {
    if (reads == READS_A_RUN) {
      transport_again(client->stream);
      return;
    }
    int64_t n = transport_read(client->stream, (uint8_t *)bytes, sizeof bytes);
    if (n == WSL_AGAIN) return;
    if (n == 0) {
      break_off(client, "it has closed the connection");
      return;
    }
    if (n < 0) {
      break_off_for(client, (int)n);
      return;
    }
    int error = redis_reader_feed(client->reader, bytes, (size_t)n);
    if (error == WSL_INVALID) {
      break_off(client, "its reply is too long");
      return;
    }
    if (error != 0) {
      break_off_for(client, error);
      return;
    }
    if (!take_replies(client)) return;
  }
}

static void on_ready(struct transport *stream, void *owner) {
  struct redis_client *client = owner;
  (void)stream;
  flush(client);
  read_replies(client);
}

/* ---- the connection's beginning ---- */

static void on_dialled(struct dial *dial, int error, struct transport *stream) {
  struct redis_client *client = LIST_ENTRY(dial, struct redis_client, dial);
  if (error != 0) {
    break_off_for(client, error);
    return;
  }
  client->stream = stream;
  client->state = REDIS_GREETING;
  client->reader = redis_reader_open();
  client->greetings_left = client->server->greeting_replies;
  transport_own(stream, on_ready, client);
  if (client->reader == NULL || append(client, client->server->greeting, client->server->greeting_len) != 0) {
    break_off_for(client, WSL_NO_MEMORY);
    return;
  }
  watch(client);
  if (client->greetings_left == 0) client->state = REDIS_READY;
  send_waiting(client);
  if (client->stream != NULL) on_ready(client->stream, client);
}

static void connect_now(struct redis_client *client) {
  if (client->timers->now_ms < client->retry_ms) {
    fail_all(&client->waiting, ROUTE_FAILED);
    return;
  }
  client->state = REDIS_DIALLING;
  client->dial.context = NULL;
  dialer_start(client->dialer, &client->dial, &client->server->target, REDIS_SILENCE_MS, on_dialled);
}

/* ---- the client ---- */

static void ask(struct token_client *base, struct token_lookup *lookup) {
  static const struct token_answer busy = {.outcome = ROUTE_BUSY};
  struct redis_client *client = client_of(base);
  struct question *question = malloc(sizeof *question);
  if (question == NULL) {
    lookup->done(lookup, &busy);
    return;
  }
  *question = (struct question){.lookup = lookup};
  lookup->work = question;
  list_init(&question->node);
  list_append(&client->waiting, &question->node);
  if (client->state == REDIS_OFF) {
    connect_now(client);
  } else {
    send_waiting(client);
  }
}

/* What was sent is answered, whoever still wants to know. */
static void cancel(struct token_client *base, struct token_lookup *lookup) {
  struct question *question = lookup->work;
  (void)base;
  lookup->work = NULL;
  question->lookup = NULL;
  if (question->sent) return;
  list_remove(&question->node);
  free(question);
}

static void rest(struct token_client *base) {
  struct redis_client *client = client_of(base);
  disconnect(client);
  fail_all(&client->asked, ROUTE_FAILED); /* nobody's */
}

static struct token_client *open_client(struct token_source *source, const struct token_means *means) {
  struct redis_client *client = calloc(1, sizeof *client);
  if (client == NULL) return NULL;
  client->client.ops = &redis_client_ops;
  client->server = redis_server_of(source);
  client->timers = means->timers;
  client->dialer = means->dialer;
  list_init(&client->waiting);
  list_init(&client->asked);
  timer_init(&client->silence, on_silence);
  return &client->client;
}

static void close_client(struct token_client *base) {
  rest(base);
  free(base);
}

const struct token_client_ops redis_client_ops = {
    .open = open_client,
    .close = close_client,
    .rest = rest,
    .ask = ask,
    .cancel = cancel,
};
