/* See app/start_warnings.h. */
#include "app/start_warnings.h"

#include <string.h>

#include "app/option/auth.h"
#include "app/versions.h"
#include "core/log.h"

void start_warnings_of_options(const struct options *options, const struct tls_choices *tls) {
  char shown[128];
  const struct server_settings *settings = &options->server;
  bool uses_tls = settings->tls.service != TLS_SERVICE_NONE || settings->target_tls != TARGET_PLAIN;
  if (versions_shortcoming() != NULL && uses_tls) log_event(LOG_WARN, 0, "%s", versions_shortcoming());
  for (size_t i = 0; i < options->notes_count; i++)
    log_event(LOG_INFO, 0, "%s", options->notes[i]);
  if (option_auth_warning(options) != NULL) log_event(LOG_WARN, 0, "%s", option_auth_warning(options));
  for (size_t i = 0; tls->warnings[i] != NULL; i++)
    log_event(LOG_WARN, 0, "%s", tls->warnings[i]);
  for (size_t i = 0; i < options->unknown_variables.count; i++) {
    const char *entry = options->unknown_variables.values[i]; /* its value may be a secret */
    struct wsl_span name = {entry, strcspn(entry, "=")};
    log_event(LOG_WARN, 0, "environment variable %s: there is no option of that name",
              log_escape(name, shown, sizeof shown));
  }
  if (options->daemon && options->log_file == NULL && options->syslog == NULL)
    log_event(LOG_WARN, 0, "in the background without --log-file: the log goes nowhere from here on");
}

void start_warnings_of_open_door(const struct options *options) {
  if (options->origins.count > 0) return;
  if (options->exec != NULL && options->server.auth.plugin == AUTH_NONE && !options->verify_client) {
    log_event(
        LOG_WARN, 0,
        "--exec without --origin and --auth-plugin: any web page that a user visits, and whoever reaches "
        "this port, can run the program and use it (--origin same allows only pages of this host)");
    return;
  }
  log_event(LOG_WARN, 0,
            "no --origin given: any web page that a user visits may connect through here to the target "
            "(--origin same allows only pages of this host)");
}
