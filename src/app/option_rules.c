/* See app/option_rules.h. */
#include "app/option_rules.h"

#include "app/option_sockets.h"

const char *options_own_target(const struct options *o) {
  if (o->demo) return "--demo";
  if (o->unix_target != NULL) return "--unix-target";
  if (o->target_config != NULL) return "--target-config";
  return o->server.token_plugin != TOKEN_NONE ? "--token-plugin" : NULL;
}

/* The old name of TokenFile. */
static void take_target_config(struct options *o) {
  if (o->target_config == NULL) return;
  o->server.token_plugin = TOKEN_FILE;
  o->server.token_source = o->target_config;
}

static const char *check_targets(const struct options *o) {
  const struct server_settings *s = &o->server;
  bool tokens = s->token_plugin != TOKEN_NONE;
  if (o->target_config != NULL && (tokens || s->token_source != NULL))
    return "--target-config is the old name of --token-plugin TokenFile: give one of them";
  if (o->target_config == NULL && !tokens && s->token_source != NULL)
    return "--token-source needs --token-plugin";
  if (o->target_config == NULL && !tokens && o->host_token) return "--host-token needs --token-plugin";
  if (tokens && s->token_source == NULL) return "--token-plugin needs --token-source";
  tokens = tokens || o->target_config != NULL;
  if (o->demo && o->unix_target != NULL) return "--demo brings its own target: not with --unix-target";
  if (o->demo && s->unix_listen != NULL) return "--demo's page needs a port: not with --unix-listen";
  if (o->demo && tokens) return "--demo brings its own target: not with tokens";
  if (tokens && o->unix_target != NULL)
    return "--unix-target is one target, tokens choose among many: give one of them";
  return NULL;
}

static const char *check_tls(const struct options *o) {
  const struct tls_client_options *target = &o->server.target_tls_options;
  if (o->key_password != NULL && o->key_password_file != NULL)
    return "give --key-password or --key-password-file, not both";
  if (o->ssl_target) return NULL;
  if (target->ca_path != NULL) return "--ssl-target-ca needs --ssl-target";
  if (target->name != NULL) return "--ssl-target-name needs --ssl-target";
  if (o->ssl_target_insecure) return "--ssl-target-insecure needs --ssl-target";
  return NULL;
}

const char *options_check(struct options *o) {
  const char *fault = check_targets(o);
  if (fault == NULL) fault = check_tls(o);
  if (fault != NULL) return fault;
  if (o->demo && o->server.web_dir != NULL) return "--demo brings its own page: not with --web";
  if (o->demo && o->ssl_target) return "--demo's service speaks no TLS: not with --ssl-target";
  if (o->buffer_memory < 2 * o->buffer_size) return "--buffer-memory must hold two buffers at least";
  take_target_config(o);
  return NULL;
}

static void fill_tls(struct options *o) {
  struct server_settings *s = &o->server;
  s->tls.server.client_certificates =
      o->verify_client ? TLS_CLIENT_CERTIFICATES_REQUIRED : TLS_CLIENT_CERTIFICATES_IGNORED;
  s->target_tls = o->ssl_target ? TARGET_TLS : TARGET_PLAIN;
  s->target_tls_options.trust = o->ssl_target_insecure ? TLS_TRUST_ANYBODY : TLS_TRUST_VERIFIED;
}

void options_fill(struct options *o) {
  struct server_settings *s = &o->server;
  if (o->unix_target != NULL) s->target = (struct target){NULL, 0, o->unix_target, o->unix_target};
  if (o->verbose) o->log_level = LOG_DEBUG;
  fill_tls(o);
  s->token_place = o->host_token ? TOKEN_IN_HOST : TOKEN_IN_QUERY;
  s->listen_family = o->prefer_ipv6 ? LISTEN_PREFER_IPV6 : LISTEN_PREFER_IPV4;
  s->run_once = o->run_once;
  s->dial_order = o->dial_first ? DIAL_BEFORE_UPGRADE : DIAL_AFTER_UPGRADE;
  s->workers = (unsigned)o->workers;
  s->max_sessions = o->max_sessions;
  s->buffer_size = o->buffer_size;
  s->buffer_memory = o->buffer_memory;
  s->head_memory = o->head_memory;
  s->backlog = (int)o->backlog;
  option_sockets_fill(o);
  s->head.request_line_max = (uint32_t)o->request_line_max;
  s->head.head_max = (uint32_t)o->head_max;
  s->head.fields_max = (uint32_t)o->header_lines_max;
  s->session.max_frame_size = (uint32_t)o->max_frame_size;
  s->session.text = o->refuse_text ? TEXT_REFUSE : TEXT_FORWARD;
  s->subprotocols = (struct wsl_subprotocols){o->subprotocols.values, o->subprotocols.count};
  s->origins = (struct origin_rules){o->origins.values, o->origins.count};
}
