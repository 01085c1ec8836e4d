/* Options about logging in: websockify's three plugins. */
#include "app/option/auth.h"

#include <string.h>
#include <unistd.h>

#include "app/option/groups.h"
#include "codec/http/basic.h"
#include "core/hash.h"
#include "net/address.h"

static bool is_user_and_password(const char *text) {
  struct basic_login login;
  bool good = basic_split(wsl_span_of(text), &login) == BASIC_READ && login.user_len > 0;
  secret_wipe(&login, sizeof login);
  return good;
}

/* A source without a colon can't be user:password: with websockify nobody could log in, here it is a file.
 * Where there is none it may be half a login, so no message shows it. */
static const char *check_basic_source(struct options *o) {
  if (strchr(o->auth_source, ':') == NULL) {
    if (access(o->auth_source, F_OK) != 0)
      return "--auth-source: BasicHTTPAuth takes USER:PASSWORD, and there is no colon in it (nor is it the "
             "name of "
             "an htpasswd file that is there)";
    o->server.auth.htpasswd = o->auth_source;
    return NULL;
  }
  if (!is_user_and_password(o->auth_source))
    return "--auth-source: not USER:PASSWORD; neither may be very long or hold control characters";
  return NULL;
}

static const char *check_basic(struct options *o) {
  const struct auth_settings *auth = &o->server.auth;
  if (o->auth_source != NULL && auth->htpasswd != NULL) return "give --auth-source or --auth-file, not both";
  if (o->auth_source != NULL) return check_basic_source(o);
  if (auth->htpasswd == NULL)
    return "--auth-plugin BasicHTTPAuth needs --auth-source USER:PASSWORD, or --auth-file with an htpasswd "
           "file";
  return NULL;
}

static const char *check_list(struct options *o) {
  struct auth_settings *auth = &o->server.auth;
  if (auth->htpasswd != NULL) return "--auth-file holds passwords: it is for BasicHTTPAuth";
  if (auth->cookie_key_path != NULL) return "--auth-cookie-key is for BasicHTTPAuth";
  if (o->auth_source != NULL) return NULL;
  return auth->plugin == AUTH_ORIGIN
             ? "--auth-plugin ExpectOrigin needs --auth-source with the origins"
             : "--auth-plugin ClientCertCNAuth needs --auth-source with the common names";
}

/* What needs a plugin. */
static const char *check_alone(const struct options *o) {
  if (o->auth_source != NULL) return "--auth-source needs --auth-plugin";
  if (o->web_auth) return "--web-auth needs --auth-plugin";
  if (o->server.auth.cookie_key_path != NULL) return "--auth-cookie-key needs --auth-plugin BasicHTTPAuth";
  return NULL;
}

static const char *check(struct options *o) {
  struct auth_settings *auth = &o->server.auth;
  if (auth->plugin == AUTH_NONE && auth->htpasswd != NULL) auth->plugin = AUTH_BASIC;
  if (auth->plugin == AUTH_NONE) return check_alone(o);
  const char *fault = auth->plugin == AUTH_BASIC ? check_basic(o) : check_list(o);
  if (fault != NULL) return fault;
  return o->web_auth && o->server.web_dir == NULL ? "--web-auth needs --web" : NULL;
}

/* A secret is copied: where `ps` shows it, it is overwritten. */
static void fill(struct options *o) {
  struct auth_settings *auth = &o->server.auth;
  auth->files = o->web_auth ? AUTH_FILES_GUARDED : AUTH_FILES_OPEN;
  auth->source = o->auth_source;
  if (auth->plugin != AUTH_BASIC || auth->htpasswd != NULL) return;
  strcpy(o->auth_login, o->auth_source); /* fits: is_user_and_password() has seen it */
  auth->source = o->auth_login;
}

static int check_auth_plugin(struct options *options, const char *value, const char **why) {
  return auth_plugin_parse(value, &options->server.auth.plugin, why);
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Authentication"),
  {OPTION_CUSTOM, "auth-plugin", 0, "CLASS", 0, 0, 0, check_auth_plugin,
   "BasicHTTPAuth (password), ExpectOrigin (Origin\n"
   "header) or ClientCertCNAuth (client certificate)"},
  {OPTION_TEXT, "auth-source", 0, "ARG", FIELD(auth_source), 0, 0, option_check_not_empty,
   "USER:PASSWORD; or origins; or common names;\n"
   "separated by spaces"},
  {OPTION_TEXT, "auth-file", 0, "FILE", FIELD(server.auth.htpasswd), 0, 0, option_check_not_empty,
   "users and passwords, made by htpasswd -B; implies\n"
   "BasicHTTPAuth; read again when it changes"},
  {OPTION_FLAG, "web-auth", 0, NULL, FIELD(web_auth), 0, 0, NULL,
   "files of --web require it too; a login there sets a\n"
   "signed cookie for the upgrades that follow"},
  {OPTION_DURATION, "auth-cookie-time", 0, "SEC", FIELD(server.auth.cookie_time_ms), 0, DAY_MS, NULL,
   "lifetime of that cookie; 0: no cookie [1h]"},
  {OPTION_TEXT, "auth-cookie-key", 0, "FILE", FIELD(server.auth.cookie_key_path), 0, 0, option_check_not_empty,
   "secret that signs it, 16 bytes or more, to share\n"
   "between instances [random at each start]"},
};
/* clang-format on */

const struct option_group option_group_auth = {specs, sizeof specs / sizeof specs[0], check, fill};

/* ---- what is not as it was meant ---- */

/* Whether only this machine reaches it. A name may mean anything but "localhost". */
static bool listens_on_loopback(const struct server_settings *settings) {
  struct address address;
  if (settings->unix_listen != NULL) return true;
  const char *host = settings->listen_host != NULL ? settings->listen_host : "";
  if (strcmp(host, "localhost") == 0) return true;
  return address_parse_literal(host, 0, &address) &&
         (strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0);
}

const char *option_auth_warning(const struct options *o) {
  const struct server_settings *settings = &o->server;
  if (settings->auth.plugin == AUTH_CERTIFICATE && settings->tls.service == TLS_SERVICE_NONE)
    return "ClientCertCNAuth without --cert: without TLS there are no client certificates, so nobody may "
           "connect";
  if (settings->auth.plugin != AUTH_BASIC || listens_on_loopback(settings)) return NULL;
  switch (settings->tls.service) {
    case TLS_SERVICE_ONLY:
      return NULL;
    case TLS_SERVICE_MIXED:
      return "passwords are accepted over plain ws:// and http:// too, where anyone in between can read "
             "them: give --ssl-only";
    case TLS_SERVICE_NONE:
      break;
  }
  return "passwords are sent over plain ws:// and http://, where anyone in between can read them: give "
         "--cert "
         "and "
         "--ssl-only, or listen on 127.0.0.1 behind a proxy that speaks TLS";
}

/* ---- what must not be seen ---- */

bool option_auth_is_secret(const struct options *o) {
  return o->server.auth.plugin == AUTH_BASIC && o->server.auth.htpasswd == NULL;
}
