/* See server/access.h. */
#include "server/access.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/error.h"
#include "core/log.h"
#include "server/file_watch.h"

/* What tells one state of the file from another; zeros: it isn't there. */
struct signature {
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec modified, changed;
};

struct access {
  const struct auth_settings *settings;
  struct auth *auth;
  struct file_watch *watch;
  struct signature signature; /* as last read */
};

/* Compared as bytes: what lies between its members must be zero. */
static void sign(const struct access *access, struct signature *signature) {
  struct stat status;
  memset(signature, 0, sizeof(*signature));
  if (access->settings->htpasswd == NULL || stat(access->settings->htpasswd, &status) != 0) return;
  signature->device = status.st_dev;
  signature->inode = status.st_ino;
  signature->size = status.st_size;
  signature->modified = status.st_mtim;
  signature->changed = status.st_ctim;
}

int access_open(struct access **result, const struct server_settings *settings, char *why, size_t why_cap) {
  *result = NULL;
  if (settings->auth.plugin == AUTH_NONE) return 0;
  struct access *access = calloc(1, sizeof(*access));
  if (access == NULL) {
    snprintf(why, why_cap, "no memory for authentication");
    return WSL_NO_MEMORY;
  }
  access->settings = &settings->auth;
  sign(access, &access->signature); /* first: a change while it is read is seen again */
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
  sign(access, &access->signature);
  auth_reload(access->auth);
}

static void on_changed(void *owner) {
  struct access *access = owner;
  struct signature now;
  sign(access, &now);
  if (memcmp(&now, &access->signature, sizeof(now)) != 0) access_reload(access);
}

void access_watch(struct access *access, uv_loop_t *loop) {
  if (access == NULL || access->settings->htpasswd == NULL) return;
  access->watch = file_watch_open(loop, &access->settings->htpasswd, 1, on_changed, access);
  if (access->watch == NULL)
    log_event(LOG_WARN, 0, "the file of passwords can't be watched: send SIGHUP when it has changed");
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
