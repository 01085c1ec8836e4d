/* See server/access.h. */
#include "server/access.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/file_signature.h"
#include "core/log.h"
#include "server/file_watch.h"

struct access {
  const struct auth_settings *settings;
  struct auth *auth;
  struct file_watch *watch;
  struct file_signature signature; /* as last read */
};

int access_open(struct access **result, const struct server_settings *settings, char *why, size_t why_cap) {
  *result = NULL;
  if (settings->auth.plugin == AUTH_NONE) return 0;
  struct access *access = calloc(1, sizeof(*access));
  if (access == NULL) {
    snprintf(why, why_cap, "no memory for authentication");
    return WSL_NO_MEMORY;
  }
  access->settings = &settings->auth;
  access->signature = file_signature_of(settings->auth.htpasswd); /* first: see there */
  int error = auth_open(&access->auth, &settings->auth, &settings->origins, why, why_cap);
  if (error != 0) {
    free(access);
    return error;
  }
  *result = access;
  return 0;
}

struct auth *access_auth(struct access *access) {
  return access == NULL ? NULL : access->auth;
}

void access_reload(struct access *access) {
  if (access == NULL) return;
  access->signature = file_signature_of(access->settings->htpasswd);
  auth_reload(access->auth);
}

static void on_changed(void *owner) {
  struct access *access = owner;
  struct file_signature now = file_signature_of(access->settings->htpasswd);
  if (!file_signature_same(&now, &access->signature)) access_reload(access);
}

void access_watch(struct access *access, uv_loop_t *loop) {
  if (access == NULL || access->settings->htpasswd == NULL) return;
  access->watch = file_watch_open(loop, &access->settings->htpasswd, 1, on_changed, access);
  if (access->watch == NULL)
    log_event(LOG_WARN, 0, "the password file can't be watched: send SIGHUP when it has changed");
}

void access_unwatch(struct access *access) {
  if (access == NULL) return;
  file_watch_close(access->watch);
  access->watch = NULL;
}

void access_close(struct access *access) {
  if (access == NULL) return;
  access_unwatch(access);
  auth_close(access->auth);
  free(access);
}
