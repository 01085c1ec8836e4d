/* Who may come in, as the operator's options say it (route/auth/auth.h makes it work).
 */
#ifndef ROUTE_AUTH_SETTINGS_H
#define ROUTE_AUTH_SETTINGS_H

#include <stdint.h>

#include <wsluice/span.h>

enum auth_plugin {
  AUTH_NONE,
  AUTH_BASIC,      /* BasicHTTPAuth */
  AUTH_ORIGIN,     /* ExpectOrigin */
  AUTH_CERTIFICATE /* ClientCertCNAuth */
};

/* Whether plain requests must pass too (--web-auth), or upgrades only. */
enum auth_files { AUTH_FILES_OPEN, AUTH_FILES_GUARDED };

struct auth_settings {
  enum auth_plugin plugin;
  enum auth_files files;
  const char *source;          /* AUTH_BASIC: "user:password"; else words, separated by white space */
  const char *htpasswd;        /* AUTH_BASIC: instead of `source`, the path of a file */
  uint64_t cookie_time_ms;     /* how long a login on a page is good for upgrades; 0: not at all */
  const char *cookie_key_path; /* secret that several instances share; NULL: one of the process's own */
};

/* "BasicHTTPAuth", "auth_plugins.ExpectOrigin", "websockify.auth_plugins.ClientCertCNAuth", ... as websockify
 * resolves them. WSL_UNSUPPORTED for classes of the user's, WSL_INVALID for what is no class name; `*why` is
 * then a static sentence. */
WSL_MUST_CHECK int auth_plugin_parse(const char *name, enum auth_plugin *plugin, const char **why);

#endif
