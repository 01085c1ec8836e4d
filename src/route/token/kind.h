/* What every token plugin is to those who use it: a kind of source, of one of two sorts.
 *
 *   blocking       find() runs on a thread of the pool (net/offload.h), several at once: files, arithmetic
 *   asynchronous   a client a worker, on its loop: whatever waits for another machine
 *
 * A new plugin is a file with one struct token_kind and a row in kinds.c; it knows neither requests nor
 * clients. The router (router.h) takes the token from its place, bounds how many lookups are under way,
 * and gives up in whoever asked's name; the time is bounded by whoever asked (--token-timeout), so a kind
 * needs no clock of its own. Tokens are secrets: never in a log line, nor in a `why`.
 */
#ifndef ROUTE_TOKEN_KIND_H
#define ROUTE_TOKEN_KIND_H

#include "core/siphash.h"
#include "net/dialer.h"
#include "net/offload.h"
#include "net/tls/context.h"
#include "route/router.h"

/* What the options say of the source; strings outlive it. */
struct token_source_options {
  const char *argument;                 /* --token-source; never NULL, not empty */
  struct tls_client_options lookup_tls; /* how a source that speaks TLS is trusted */
};

/* One for the process, from start to end; kinds embed it first. Immutable, or locked: any thread may use it.
 */
struct token_source {
  const struct token_kind *kind;
  struct siphash_key key;  /* for hashes of tokens: token_source_open() draws it */
  struct tls_context *tls; /* made and dropped by the kind: of lookups over TLS; NULL: there are none */
};

/* What a worker lends to its client; outlives it. */
struct token_means {
  struct timers *timers;
  struct dialer *dialer;     /* plain streams; a source that the operator named is a TARGET_FIXED */
  struct dialer *tls_dialer; /* TLS with the source's context; NULL where it has none */
  struct offload *offload;
};

/* A lookup as its source sees it. */
struct token_question {
  struct wsl_span token; /* decoded, not empty, any bytes; alive until the answer or the cancel */
  uint64_t id;           /* of the connection that asks, for log lines */
};

/* Filled in by the source. */
struct token_answer {
  enum route_outcome outcome; /* FOUND, UNKNOWN, BUSY (no memory ...), FAILED (and the log has said why) */
  struct target *target;      /* FOUND: malloc'ed in one piece (route/token/target.h), the asker's to free();
                                 else NULL */
  uint32_t keep_ms;           /* FOUND: for so long the same token may get the same answer again, since the
                                 source has said so; 0: ask each time */
};

struct token_client;
struct token_lookup;

/* May come from inside ask(). The client touches nothing of the lookup afterwards. */
typedef void (*token_answer_fn)(struct token_lookup *lookup, const struct token_answer *answer);

/* Embedded in whoever asks; alive until the answer or the cancel. */
struct token_lookup {
  struct token_question question;
  token_answer_fn done;
  struct token_client *client;
  void *work; /* the client's own; NULL when nothing is in flight */
};

/* Asynchronous sources. All on the worker's thread. */
struct token_client_ops {
  /* NULL without memory. */
  struct token_client *(*open)(struct token_source *source, const struct token_means *means);
  /* Nothing is under way, and rest() has been called. */
  void (*close)(struct token_client *client);
  /* Lets go of whatever it has open for the next lookup (kept connections): the worker would like to end.
   * Nothing is under way; it may be asked again all the same. NULL where nothing is kept. */
  void (*rest)(struct token_client *client);
  void (*ask)(struct token_client *client, struct token_lookup *lookup);
  /* Only while `work` is set. No answer comes afterwards. */
  void (*cancel)(struct token_client *client, struct token_lookup *lookup);
};

/* Clients embed it first. */
struct token_client {
  const struct token_client_ops *ops;
};

struct token_kind {
  const char *name; /* the class, as websockify spells it */
  /* What is wrong with a --token-source, without looking further than its text: a static sentence, made to
   * stand behind the option's name; NULL when nothing is. The member may be NULL. */
  const char *(*check)(const char *argument);
  /* Opens at the start, and says what is wrong then. 0, or an error with a line in why[0..why_cap). */
  int (*open)(struct token_source **source, const struct token_source_options *options, char *why,
              size_t why_cap);
  void (*close)(struct token_source *source);
  /* One of these two. find() blocks. */
  void (*find)(struct token_source *source, const struct token_question *question,
               struct token_answer *answer);
  const struct token_client_ops *client;
};

/* Opens it, and draws its key. As kind->open(). */
WSL_MUST_CHECK int token_source_open(struct token_source **source, const struct token_kind *kind,
                                     const struct token_source_options *options, char *why, size_t why_cap);

static inline void token_source_close(struct token_source *source) {
  source->kind->close(source);
}

static inline struct token_client *token_client_open(struct token_source *source,
                                                     const struct token_means *means) {
  return source->kind->client->open(source, means);
}

static inline void token_client_close(struct token_client *client) {
  client->ops->close(client);
}

static inline void token_client_rest(struct token_client *client) {
  if (client->ops->rest != NULL) client->ops->rest(client);
}

/* `lookup->question` is filled in. The answer may come before this returns. */
static inline void token_client_ask(struct token_client *client, struct token_lookup *lookup,
                                    token_answer_fn done) {
  lookup->done = done;
  lookup->client = client;
  lookup->work = NULL;
  client->ops->ask(client, lookup);
}

/* Harmless when nothing is in flight. */
static inline void token_client_cancel(struct token_lookup *lookup) {
  if (lookup->client != NULL && lookup->work != NULL) lookup->client->ops->cancel(lookup->client, lookup);
}

#endif
