/* A worker's connection to the Redis server that tokens are looked up at: opened for the first lookup, kept,
 * and opened again for the next one when it is lost.
 *
 *   OFF ---ask---> DIALLING ---> GREETING ---> READY
 *    ^                |    AUTH, SELECT |         |  GET, GET, ... and answers in their order
 *    '--- failed -----'-----------------'---------'
 *
 * Whatever breaks the connection fails all lookups that it was for, and says so in the log once, until the
 * server answers again; a server that can't be reached is left alone for a short time that grows. Commands
 * are pipelined. A server that says nothing to them for REDIS_SILENCE_MS is taken for dead, so that lookups
 * which their askers have given up can't pile up behind it. On the worker's thread.
 */
#ifndef ROUTE_TOKEN_REDIS_CLIENT_H
#define ROUTE_TOKEN_REDIS_CLIENT_H

#include <stdatomic.h>

#include "route/token/kind.h"

/* For the way from dialling to READY's first answer each step has, and each answer after the last one. */
#define REDIS_SILENCE_MS 10000u

/* After a server could not be reached; twice as long each time, up to the second. */
#define REDIS_RETRY_FIRST_MS 50u
#define REDIS_RETRY_MAX_MS   1000u

/* Commands that the server has not taken yet. */
#define REDIS_UNSENT_MAX (1u << 20)

/* What all workers share. Strings are the source's. */
struct redis_server {
  struct target target; /* its text is for logs: no secrets */
  const char *greeting; /* AUTH and SELECT as far as they are needed, as commands */
  size_t greeting_len;
  unsigned greeting_replies;  /* so many answers come to it */
  bool has_password;          /* the first of them is AUTH's */
  struct wsl_span key_prefix; /* "namespace:", or empty */
  atomic_bool failing;        /* and the log has said so */
};

extern const struct token_client_ops redis_client_ops;

/* For redis_client_ops.open: the server of a source. In redis.c. */
struct redis_server *redis_server_of(struct token_source *source);

#endif
