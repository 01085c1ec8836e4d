/* Options about targets that clients name by a token. */
#include "app/option/tokens.h"

#include <stdio.h>

#include "app/option/groups.h"
#include "codec/http/url.h"
#include "codec/text/redis_source.h"
#include "route/token/kinds.h"

bool option_tokens_is_secret(const struct options *o) {
  const struct token_kind *kind = o->server.token_kind;
  struct redis_source redis;
  struct url url;
  if (o->server.token_source.argument == NULL) return false;
  struct wsl_span source = wsl_span_of(o->server.token_source.argument);
  if (kind == &token_kind_redis) return redis_source_read(source, &redis) == NULL && redis.password.len > 0;
  if (kind != &token_kind_api && kind != &token_kind_json_api) return false;
  if (url_read(source, &url) != NULL) return false;
  return url.userinfo.at != NULL || memchr(url.target.at, '?', url.target.len) != NULL;
}

/* The old name of TokenFile. */
static void take_target_config(struct options *o) {
  if (o->target_config == NULL) return;
  o->server.token_kind = &token_kind_file;
  o->server.token_source.argument = o->target_config;
}

/* What needs a plugin. */
static const char *check_alone(const struct options *o) {
  if (o->server.token_source.argument != NULL) return "--token-source needs --token-plugin";
  if (o->host_token) return "--host-token needs --token-plugin";
  if (o->token_from != NULL) return "--token-from needs --token-plugin";
  return NULL;
}

/* What the plugin has to say of its source. */
static const char *check_source(struct options *o) {
  const struct token_kind *kind = o->server.token_kind;
  const char *why = kind->check == NULL ? NULL : kind->check(o->server.token_source.argument);
  if (why == NULL) return NULL;
  snprintf(o->token_fault, sizeof(o->token_fault), "--token-source of %s: %s", kind->name, why);
  return o->token_fault;
}

static const char *check(struct options *o) {
  const struct server_settings *s = &o->server;
  bool tokens = s->token_kind != NULL;
  if (o->target_config != NULL && (tokens || s->token_source.argument != NULL))
    return "--target-config is the old name of --token-plugin TokenFile: give one of them";
  if (o->host_token && o->token_from != NULL) return "--host-token is --token-from host: give one of them";
  if (tokens && s->token_source.argument == NULL) return "--token-plugin needs --token-source";
  if (!tokens && o->target_config == NULL) return check_alone(o);
  if (o->demo) return "--demo brings its own target: not with tokens";
  if (o->unix_target != NULL)
    return "--unix-target is one target, tokens choose among many: give one of them";
  take_target_config(o);
  if (option_tokens_is_secret(o) && strlen(s->token_source.argument) >= TOKEN_SECRET_MAX)
    return "--token-source is too long: at most 2,047 bytes";
  return check_source(o);
}

static void fill(struct options *o) {
  if (o->host_token) o->server.token_place = (struct token_place){.kind = TOKEN_IN_HOST};
  if (!option_tokens_is_secret(o)) return;
  strcpy(o->token_secret, o->server.token_source.argument); /* fits: check() has seen it */
  o->server.token_source.argument = o->token_secret;
}

static int check_token_plugin(struct options *options, const char *value, const char **why) {
  return token_kind_parse(value, &options->server.token_kind, why);
}

static int check_token_from(struct options *options, const char *value, const char **why) {
  return token_place_parse(value, &options->server.token_place, why);
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Targets by token"),
  {OPTION_CUSTOM, "token-plugin", 0, "CLASS", 0, 0, 0, check_token_plugin,
   "look up each client's target by its token, as in\n"
   "?token=TOKEN: TokenFile, ReadOnlyTokenFile,\n"
   "TokenFileName, UnixDomainSocketDirectory,\n"
   "BaseTokenAPI, JSONTokenApi, JWTTokenApi, TokenRedis"},
  {OPTION_TEXT, "token-source", 0, "ARG", FIELD(server.token_source.argument), 0, 0, option_check_not_empty,
   "where: file, or directory of files, with lines\n"
   "\"token: host:port\"; directory of files or sockets\n"
   "named by tokens; URL with %s for the token;\n"
   "JWTTokenApi: key file (PEM or secret); TokenRedis:\n"
   "HOST[:PORT[:DB[:PASSWORD[:NAMESPACE]]]]"},
  {OPTION_TEXT, "token-ca", 0, "FILE", FIELD(server.token_source.lookup_tls.ca_path), 0, 0, option_check_not_empty,
   "CA certificates for https lookups [the system's]"},
  {OPTION_TEXT, "token-from", 0, "PLACE", FIELD(token_from), 0, 0, check_token_from,
   "where the token is: query:NAME, path (last segment)\n"
   "or path:N, host, header:NAME, cookie:NAME\n"
   "[query:token]"},
  {OPTION_FLAG, "host-token", 0, NULL, FIELD(host_token), 0, 0, NULL,
   "the same as --token-from host"},
  {OPTION_DURATION, "token-timeout", 0, "SEC", FIELD(server.token_timeout_ms), 1, HOUR_MS, NULL,
   "limit for one lookup; then 504 [5]"},
  {OPTION_TEXT, "target-config", 0, "PATH", FIELD(target_config), 0, 0, option_check_not_empty,
   "old name of --token-plugin TokenFile --token-source"},
};
/* clang-format on */

const struct option_group option_group_tokens = {specs, sizeof specs / sizeof specs[0], check, fill};
