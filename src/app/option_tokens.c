/* Options about targets that clients name by a token. */
#include "app/option_groups.h"

/* The old name of TokenFile. */
static void take_target_config(struct options *o) {
  if (o->target_config == NULL) return;
  o->server.token_plugin = TOKEN_FILE;
  o->server.token_source = o->target_config;
}

static const char *check(struct options *o) {
  const struct server_settings *s = &o->server;
  bool tokens = s->token_plugin != TOKEN_NONE;
  if (o->target_config != NULL && (tokens || s->token_source != NULL))
    return "--target-config is the old name of --token-plugin TokenFile: give one of them";
  if (o->target_config == NULL && !tokens && s->token_source != NULL)
    return "--token-source needs --token-plugin";
  if (o->target_config == NULL && !tokens && o->host_token) return "--host-token needs --token-plugin";
  if (tokens && s->token_source == NULL) return "--token-plugin needs --token-source";
  tokens = tokens || o->target_config != NULL;
  if (o->demo && tokens) return "--demo brings its own target: not with tokens";
  if (tokens && o->unix_target != NULL)
    return "--unix-target is one target, tokens choose among many: give one of them";
  take_target_config(o);
  return NULL;
}

static void fill(struct options *o) {
  o->server.token_place = o->host_token ? TOKEN_IN_HOST : TOKEN_IN_QUERY;
}

static int check_token_plugin(struct options *options, const char *value, const char **why) {
  return token_plugin_parse(value, &options->server.token_plugin, why);
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Targets by token"),
  {OPTION_CUSTOM, "token-plugin", 0, "CLASS", 0, 0, 0, check_token_plugin,
   "clients name their target by ?token=...: TokenFile\n"
   "(edits are seen at once) or ReadOnlyTokenFile; then\n"
   "no target is given"},
  {OPTION_TEXT, "token-source", 0, "PATH", FIELD(server.token_source), 0, 0, option_check_not_empty,
   "file, or directory of files, of lines\n"
   "\"token: host:port\""},
  {OPTION_FLAG, "host-token", 0, NULL, FIELD(host_token), 0, 0, NULL,
   "the token is the Host that the client asked for"},
  {OPTION_TEXT, "target-config", 0, "PATH", FIELD(target_config), 0, 0, option_check_not_empty,
   "old name of --token-plugin TokenFile --token-source"},
};
/* clang-format on */

const struct option_group option_group_tokens = {specs, sizeof specs / sizeof specs[0], check, fill};
