/* From the TLS options to the server's TLS settings: what needs a look at files, and what is only said with a
 * warning. Before anything is started.
 */
#ifndef APP_TLS_CHOICES_H
#define APP_TLS_CHOICES_H

#include "app/option/options.h"

/* websockify's default: taken when it is there. */
#define DEFAULT_CERTIFICATE "self.pem"

#define TLS_PASSWORD_MAX 1024u
#define TLS_WARNINGS_MAX 4u

/* What the settings point to; lives as long as the program. */
struct tls_choices {
  struct tls_suites suites;
  char password[TLS_PASSWORD_MAX];
  char unknown_ciphers[256];
  const char *warnings[TLS_WARNINGS_MAX]; /* for the log, once there is one; ended by NULL */
};

/* Fills in options->server.tls. 0; WSL_INVALID for a wrong use of the options (exit status 2), or another
 * error for what can't be had (1), with one line in why[0..why_cap). */
WSL_MUST_CHECK int tls_choices_make(struct tls_choices *choices, struct options *options, char *why,
                                    size_t why_cap);

#endif
