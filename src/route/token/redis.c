/* websockify's TokenRedis (route/token/kind.h): tokens are the keys of a Redis server, whose values say where
 * to (route/token/redis_value.h). The source is codec/text/redis_source.h's text; each worker has a
 * connection (route/token/redis_client.h).
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/text/redis_source.h"
#include "core/error.h"
#include "core/log.h"
#include "route/token/kinds.h"
#include "route/token/redis_client.h"
#include "route/token/target.h"

struct redis_token_source {
  struct token_source source; /* first: it is one */
  struct redis_server server;
  struct target *target; /* what server.target is a copy of; has its strings */
  char *prefix;
};

struct redis_server *redis_server_of(struct token_source *source) {
  return &((struct redis_token_source *)(void *)source)->server;
}

static const char *check(const char *argument) {
  struct redis_source where;
  const char *why = redis_source_read(wsl_span_of(argument), &where);
  if (why == NULL && where.is_unix) why = token_target_unix_fault(where.host);
  return why;
}

/* ---- the greeting ---- */

static int add_command(char **greeting, size_t *greeting_len, char *command, int len) {
  if (len <= 0) return WSL_NO_MEMORY;
  char *grown = realloc(*greeting, *greeting_len + (size_t)len);
  if (grown != NULL) {
    memcpy(grown + *greeting_len, command, (size_t)len);
    *greeting = grown;
    *greeting_len += (size_t)len;
  }
  explicit_bzero(command, (size_t)len); /* the password */
  redisFreeCommand(command);
  return grown == NULL ? WSL_NO_MEMORY : WSL_OK;
}

static int make_greeting(struct redis_server *server, const struct redis_source *where) {
  char *greeting = NULL, *command = NULL;
  int error = 0;
  server->has_password = where->password.len > 0;
  server->greeting_replies = (server->has_password ? 1u : 0u) + (where->db != 0 ? 1u : 0u);
  if (server->has_password) {
    int len = redisFormatCommand(&command, "AUTH %b", where->password.at, where->password.len);
    error = add_command(&greeting, &server->greeting_len, command, len);
  }
  if (error == 0 && where->db != 0) {
    int len = redisFormatCommand(&command, "SELECT %u", (unsigned)where->db);
    error = add_command(&greeting, &server->greeting_len, command, len);
  }
  server->greeting = greeting;
  return error;
}

/* ---- the source ---- */

static int make_target(struct redis_token_source *source, const struct redis_source *where) {
  char shown[TARGET_HOST_MAX + sizeof("[]:65535")];
  bool colons = where->host.len > 0 && memchr(where->host.at, ':', where->host.len) != NULL;
  struct target_text text = {.port = where->port};
  if (where->is_unix) {
    text.unix_path = where->host;
  } else {
    if (where->host.len > TARGET_HOST_MAX) return WSL_INVALID;
    memcpy(text.host, where->host.at, where->host.len);
    text.host[where->host.len] = '\0';
  }
  (void)snprintf(shown, sizeof shown, colons ? "[%s]:%u" : "%s:%u", text.host, where->port);
  source->target = token_target_make(&text, wsl_span_of(shown), TARGET_FIXED);
  if (source->target == NULL) return WSL_NO_MEMORY;
  source->server.target = *source->target;
  return WSL_OK;
}

static int make_prefix(struct redis_token_source *source, struct wsl_span name_space) {
  if (name_space.len == 0) return WSL_OK;
  source->prefix = malloc(name_space.len + 1);
  if (source->prefix == NULL) return WSL_NO_MEMORY;
  memcpy(source->prefix, name_space.at, name_space.len);
  source->prefix[name_space.len] = ':';
  source->server.key_prefix = (struct wsl_span){source->prefix, name_space.len + 1};
  return WSL_OK;
}

static void close_source(struct token_source *base) {
  struct redis_token_source *source = (struct redis_token_source *)(void *)base;
  char *greeting = (char *)(uintptr_t)source->server.greeting;
  if (greeting != NULL) explicit_bzero(greeting, source->server.greeting_len);
  free(greeting);
  free(source->target);
  free(source->prefix);
  free(source);
}

/* Nobody is asked yet: a server that comes up later is no reason not to start. */
static int open_source(struct token_source **result, const struct token_source_options *options, char *why,
                       size_t why_cap) {
  struct redis_source where;
  struct redis_token_source *source = calloc(1, sizeof *source);
  int error = source == NULL ? WSL_NO_MEMORY : 0;
  const char *fault = redis_source_read(wsl_span_of(options->argument), &where);
  if (error == 0 && fault != NULL) error = WSL_INVALID;
  if (error == 0) error = make_target(source, &where);
  if (error == 0) error = make_greeting(&source->server, &where);
  if (error == 0) error = make_prefix(source, where.name_space);
  if (error != 0) {
    (void)snprintf(why, why_cap, "can't use --token-source: %s", fault != NULL ? fault : error_text(error));
    if (source != NULL) close_source(&source->source);
    return error;
  }
  atomic_init(&source->server.failing, false);
  *result = &source->source;
  return 0;
}

const struct token_kind token_kind_redis = {
    .name = "TokenRedis",
    .check = check,
    .open = open_source,
    .close = close_source,
    .client = &redis_client_ops,
};
