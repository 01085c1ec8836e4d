/* See app/tls_choices.h. */
#include "app/tls_choices.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/read_all.h"

#define UNKNOWN_CIPHERS "--ssl-ciphers: unknown, ignored: "

static void warn(struct tls_choices *choices, const char *warning) {
  for (size_t i = 0; i + 1 < TLS_WARNINGS_MAX; i++) {
    if (choices->warnings[i] != NULL) continue;
    choices->warnings[i] = warning;
    return;
  }
}

/* ---- the password ---- */

/* The first line of a file, without its line end. */
static int read_password(const char *path, char password[TLS_PASSWORD_MAX], char *why, size_t why_cap) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  ssize_t len = fd < 0 ? -1 : read_all(fd, password, TLS_PASSWORD_MAX - 1);
  int error = errno;
  if (fd >= 0) close(fd);
  if (len < 0) {
    snprintf(why, why_cap, "--key-password-file \"%s\": %s", path, strerror(error));
    return WSL_IO;
  }
  password[len] = '\0';
  if (strcspn(password, "\r\n") == TLS_PASSWORD_MAX - 1) {
    snprintf(why, why_cap, "--key-password-file \"%s\": its first line is longer than a password", path);
    return WSL_IO;
  }
  password[strcspn(password, "\r\n")] = '\0';
  return WSL_OK;
}

static int take_password(struct tls_choices *choices, struct options *o, char *why, size_t why_cap) {
  int error = WSL_OK;
  if (o->key_password_file != NULL) {
    error = read_password(o->key_password_file, choices->password, why, why_cap);
  } else if (o->key_password != NULL) {
    if (strlen(o->key_password) >= TLS_PASSWORD_MAX) {
      snprintf(why, why_cap, "--key-password: too long");
      return WSL_INVALID;
    }
    strcpy(choices->password, o->key_password);
  } else {
    return WSL_OK;
  }
  o->server.tls.server.password = choices->password;
  return error;
}

/* ---- the rest ---- */

static int take_ciphers(struct tls_choices *choices, struct options *o, char *why, size_t why_cap) {
  o->server.tls.server.suites = &choices->suites;
  tls_suites_default(&choices->suites);
  if (o->ssl_ciphers == NULL) return WSL_OK;
  char unknown[sizeof choices->unknown_ciphers - sizeof UNKNOWN_CIPHERS];
  char reason[256];
  if (tls_suites_parse(o->ssl_ciphers, &choices->suites, unknown, sizeof unknown, reason, sizeof reason) !=
      WSL_OK) {
    snprintf(why, why_cap, "--ssl-ciphers: %s", reason);
    return WSL_IO;
  }
  if (unknown[0] == '\0') return WSL_OK;
  snprintf(choices->unknown_ciphers, sizeof choices->unknown_ciphers, UNKNOWN_CIPHERS "%s", unknown);
  warn(choices, choices->unknown_ciphers);
  return WSL_OK;
}

/* The option that makes no sense without a certificate, or NULL. */
static const char *wants_certificate(const struct options *o) {
  if (o->ssl_only) return "--ssl-only";
  if (o->verify_client) return "--verify-client";
  return o->server.tls.server.key_path != NULL ? "--key" : NULL;
}

static int choose_certificate(struct tls_choices *choices, struct options *o, char *why, size_t why_cap) {
  struct tls_settings *tls = &o->server.tls;
  if (tls->server.cert_path == NULL && access(DEFAULT_CERTIFICATE, F_OK) == 0) {
    tls->server.cert_path = DEFAULT_CERTIFICATE;
    warn(choices, "no --cert given: using \"" DEFAULT_CERTIFICATE "\" of the working directory");
  }
  const char *wanting = wants_certificate(o);
  if (tls->server.cert_path == NULL && wanting != NULL) {
    snprintf(why, why_cap,
             "%s needs a certificate: give --cert FILE (there is no \"" DEFAULT_CERTIFICATE "\" here)",
             wanting);
    return WSL_INVALID;
  }
  if (tls->server.cert_path == NULL) return WSL_OK;
  tls->service = o->ssl_only || o->verify_client ? TLS_SERVICE_ONLY : TLS_SERVICE_MIXED;
  return WSL_OK;
}

int tls_choices_make(struct tls_choices *choices, struct options *o, char *why, size_t why_cap) {
  *choices = (struct tls_choices){.password = ""};
  int error = choose_certificate(choices, o, why, why_cap);
  if (error == WSL_OK) error = take_password(choices, o, why, why_cap);
  if (error == WSL_OK) error = take_ciphers(choices, o, why, why_cap);
  if (error == WSL_OK && o->server.tls.server.ca_path != NULL && !o->verify_client &&
      o->server.auth.plugin != AUTH_CERTIFICATE)
    warn(choices, "--cafile has no effect without --verify-client: no client is asked for a certificate");
  return error;
}
