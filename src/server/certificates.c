/* See server/certificates.h. */
#include "server/certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file_signature.h"
#include "core/log.h"
#include "server/file_watch.h"

#define WHY_MAX        512u
#define SHOWN_PATH_MAX 256u
#define FILES_COUNT    3u /* certificate, key, authorities */

struct certificates {
  const struct tls_settings *settings;
  struct tls_tickets *tickets;
  uv_mutex_t lock;                               /* of `current` */
  struct tls_context *current;                   /* held */
  struct file_signature signatures[FILES_COUNT]; /* as last read, usable or not */
  struct file_watch *watch;
  void (*on_renewed)(void *owner);
  void *owner;
};

static void list_files(const struct certificates *certificates, const char *paths[FILES_COUNT]) {
  const struct tls_server_options *options = &certificates->settings->server;
  paths[0] = options->cert_path;
  paths[1] = options->key_path;
  paths[2] = options->client_certificates != TLS_CLIENT_CERTIFICATES_IGNORED ? options->ca_path : NULL;
}

static void sign(const struct certificates *certificates, struct file_signature signatures[FILES_COUNT]) {
  const char *paths[FILES_COUNT];
  list_files(certificates, paths);
  for (size_t i = 0; i < FILES_COUNT; i++)
    signatures[i] = file_signature_of(paths[i]);
}

static int read_files(struct certificates *certificates, struct tls_context **context, char *why,
                      size_t why_cap) {
  sign(certificates, certificates->signatures); /* first: a change while we read is seen again */
  if (certificates->tickets == NULL) certificates->tickets = tls_tickets_new(); /* without: no resumption */
  struct tls_server_options options = certificates->settings->server;
  if (certificates->settings->resumption == TLS_RESUMPTION_ALLOWED) options.tickets = certificates->tickets;
  return tls_context_new_server(context, &options, why, why_cap);
}

static void log_context(const struct certificates *certificates, const char *event, const char *warning) {
  log_event(LOG_INFO, 0, "certificate %s file=\"%s\" %s", event, certificates->settings->server.cert_path,
            tls_context_describe(certificates->current));
  if (warning[0] != '\0') log_event(LOG_WARN, 0, "%s", warning);
}

int certificates_open(struct certificates **result, const struct tls_settings *settings, char *why,
                      size_t why_cap) {
  struct certificates *certificates = calloc(1, sizeof(*certificates));
  if (certificates == NULL) return WSL_NO_MEMORY;
  certificates->settings = settings;
  int error = read_files(certificates, &certificates->current, why, why_cap);
  if (error == WSL_OK && uv_mutex_init(&certificates->lock) != 0) error = WSL_NO_MEMORY;
  if (error != WSL_OK) {
    tls_context_drop(certificates->current);
    tls_tickets_drop(certificates->tickets);
    free(certificates);
    return error;
  }
  log_context(certificates, "loaded", why);
  *result = certificates;
  return WSL_OK;
}

/* A pipe (a shell's <(...)) can be read once only, at the start. Opening or reading one would block the main
 * loop, and with it the signals, until somebody writes. */
static bool can_be_read_again(const struct certificates *certificates, char *why, size_t why_cap) {
  const char *paths[FILES_COUNT];
  list_files(certificates, paths);
  for (size_t i = 0; i < FILES_COUNT; i++) {
    struct stat status;
    if (paths[i] == NULL || stat(paths[i], &status) != 0) continue; /* missing: said by who opens it */
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) continue;
    char shown[SHOWN_PATH_MAX];
    (void)snprintf(why, why_cap, "\"%s\": not a regular file, so it is read only at the start",
                   log_escape(wsl_span_of(paths[i]), shown, sizeof(shown)));
    return false;
  }
  return true;
}

static int read_again(struct certificates *certificates, struct tls_context **context, char *why,
                      size_t why_cap) {
  if (can_be_read_again(certificates, why, why_cap)) return read_files(certificates, context, why, why_cap);
  sign(certificates, certificates->signatures); /* said once */
  return WSL_INVALID;
}

void certificates_reload(struct certificates *certificates) {
  char why[WHY_MAX] = "";
  struct tls_context *renewed = NULL, *old;
  if (read_again(certificates, &renewed, why, sizeof(why)) != WSL_OK) {
    log_event(LOG_ERROR, 0, "certificate not renewed, the old one stays in use: %s", why);
    return;
  }
  uv_mutex_lock(&certificates->lock);
  old = certificates->current;
  certificates->current = renewed;
  uv_mutex_unlock(&certificates->lock);
  tls_context_drop(old);
  log_context(certificates, "renewed", why);
  if (certificates->on_renewed != NULL) certificates->on_renewed(certificates->owner);
}

static void on_changed(void *owner) {
  struct certificates *certificates = owner;
  struct file_signature now[FILES_COUNT];
  bool same = true;
  sign(certificates, now);
  for (size_t i = 0; i < FILES_COUNT; i++)
    same = same && file_signature_same(&now[i], &certificates->signatures[i]);
  if (!same) certificates_reload(certificates);
}

void certificates_watch(struct certificates *certificates, uv_loop_t *loop, void (*on_renewed)(void *owner),
                        void *owner) {
  const char *paths[FILES_COUNT];
  list_files(certificates, paths);
  certificates->on_renewed = on_renewed;
  certificates->owner = owner;
  certificates->watch = file_watch_open(loop, paths, FILES_COUNT, on_changed, certificates);
  if (certificates->watch == NULL)
    log_event(LOG_WARN, 0, "certificate files can't be watched: send SIGHUP after renewing them");
}

void certificates_unwatch(struct certificates *certificates) {
  file_watch_close(certificates->watch);
  certificates->watch = NULL;
}

struct tls_context *certificates_current(struct certificates *certificates) {
  uv_mutex_lock(&certificates->lock);
  struct tls_context *context = tls_context_hold(certificates->current);
  uv_mutex_unlock(&certificates->lock);
  return context;
}

void certificates_close(struct certificates *certificates) {
  if (certificates == NULL) return;
  certificates_unwatch(certificates);
  tls_context_drop(certificates->current);
  tls_tickets_drop(certificates->tickets);
  uv_mutex_destroy(&certificates->lock);
  free(certificates);
}
