/* Options about the target of all clients, and how it is dialled. */
#include "app/option/groups.h"

#include "app/option/sockets.h"

static const char *check(struct options *o) {
  const struct server_settings *s = &o->server;
  const struct tls_client_options *tls = &s->target_tls_options;
  if (o->demo && o->unix_target != NULL) return "--demo brings its own target: not with --unix-target";
  if (o->demo && o->ssl_target) return "--demo's service speaks no TLS: not with --ssl-target";
  if (o->ssl_target) return NULL;
  if (tls->ca_path != NULL) return "--ssl-target-ca needs --ssl-target";
  if (tls->name != NULL) return "--ssl-target-name needs --ssl-target";
  if (o->ssl_target_insecure) return "--ssl-target-insecure needs --ssl-target";
  return NULL;
}

static void fill(struct options *o) {
  struct server_settings *s = &o->server;
  if (o->unix_target != NULL)
    s->target = (struct target){.unix_path = o->unix_target, .text = o->unix_target, .origin = TARGET_FIXED};
  s->target_tls = o->ssl_target ? TARGET_TLS : TARGET_PLAIN;
  s->target_tls_options.trust = o->ssl_target_insecure ? TLS_TRUST_ANYBODY : TLS_TRUST_VERIFIED;
  s->dial_order = o->dial_first ? DIAL_BEFORE_UPGRADE : DIAL_AFTER_UPGRADE;
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Target"),
  {OPTION_TEXT, "unix-target", 0, "PATH", FIELD(unix_target), 0, 0, option_check_unix_path,
   "connect to this Unix socket instead of HOST:PORT"},
  {OPTION_FLAG, "ssl-target", 0, NULL, FIELD(ssl_target), 0, 0, NULL,
   "use TLS to the target and verify its certificate"},
  {OPTION_TEXT, "ssl-target-ca", 0, "FILE", FIELD(server.target_tls_options.ca_path), 0, 0, option_check_not_empty,
   "CA certificates to verify it with: a file or a\n"
   "directory [the system's]"},
  {OPTION_TEXT, "ssl-target-name", 0, "NAME", FIELD(server.target_tls_options.name), 0, 0, option_check_not_empty,
   "name it must be valid for [the target's host]"},
  {OPTION_FLAG, "ssl-target-insecure", 0, NULL, FIELD(ssl_target_insecure), 0, 0, NULL,
   "do not verify it: anyone in between can read and\n"
   "change everything"},
  {OPTION_DURATION, "dial-timeout", 0, "SEC", FIELD(server.session.dial_timeout_ms), 1, HOUR_MS, NULL,
   "limit for connecting, name lookup included [10]"},
  {OPTION_FLAG, "dial-first", 0, NULL, FIELD(dial_first), 0, 0, NULL,
   "connect before answering the upgrade: a failure is\n"
   "HTTP 502, 503 or 504 instead of Close 1011"},
  {OPTION_LIST, "source-address", 0, "ADDRESS", FIELD(source_addresses), 0, 0, option_check_source,
   "connect from this local address; repeatable: used\n"
   "in turn [the system's choice]"},
};
/* clang-format on */

const struct option_group option_group_targets = {specs, sizeof specs / sizeof specs[0], check, fill};
