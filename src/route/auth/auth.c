/* See route/auth/auth.h. */
#include "route/auth/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/error.h"
#include "core/log.h"
#include "core/read_all.h"
#include "net/privileged.h"
#include "route/plugin_name.h"

/* A shared key: less could be guessed, more is of no use. */
#define KEY_FILE_MIN 16u
#define KEY_FILE_MAX 4096u

#define MS_A_SECOND 1000u

static const char white_space[] = " \t\r\n\f\v";

/* ---- plugins ---- */

int auth_plugin_parse(const char *name, enum auth_plugin *plugin, const char **why) {
  static const struct {
    const char *name;
    enum auth_plugin plugin;
  } plugins[] = {
      {"BasicHTTPAuth", AUTH_BASIC}, {"ExpectOrigin", AUTH_ORIGIN}, {"ClientCertCNAuth", AUTH_CERTIFICATE}};
  const char *class = plugin_class(name, "auth_plugins");
  for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++) {
    if (strcmp(class, plugins[i].name) != 0) continue;
    *plugin = plugins[i].plugin;
    return WSL_OK;
  }
  if (!plugin_class_valid(class)) {
    *why = "not the name of a plugin such as BasicHTTPAuth";
    return WSL_INVALID;
  }
  *why =
      "not one of BasicHTTPAuth, ExpectOrigin and ClientCertCNAuth (Python classes can't be loaded: let a "
      "web server in front of wsluice authenticate instead)";
  return WSL_UNSUPPORTED;
}

bool auth_lists(const struct auth *auth, struct wsl_span text) {
  bool listed = false;
  if (text.at == NULL || text.len == 0) return false;
  for (const char *word = auth->settings->source; *word != '\0';) {
    word += strspn(word, white_space);
    size_t len = strcspn(word, white_space);
    if (wsl_span_equal((struct wsl_span){word, len}, text)) listed = true;
    word += len;
  }
  return listed;
}

bool auth_trusts_origin(const struct auth *auth, struct wsl_span origin, struct wsl_span authority) {
  static const char *const words[] = {"same", "none"};
  static const struct origin_rules own = {words, sizeof(words) / sizeof(words[0])};
  return auth->origins->count > 0 || origin_allowed(&own, origin, authority);
}

/* ---- the key ---- */

static int refuse(int error, const char *path, const char *why_not, char *why, size_t why_cap) {
  char shown[256];
  (void)snprintf(why, why_cap, "--auth-cookie-key \"%s\": %s",
                 log_escape(wsl_span_of(path), shown, sizeof(shown)), why_not);
  return error;
}

static int read_key(const char *path, uint8_t key[SHA256_SIZE], char *why, size_t why_cap) {
  static const uint8_t purpose[] = "wsluice cookies";
  uint8_t bytes[KEY_FILE_MAX];
  int fd = privileged_open_named(path);
  if (fd < 0) return refuse(fd, path, error_text(fd), why, why_cap);
  ssize_t len = read_all(fd, bytes, sizeof(bytes));
  close(fd);
  int error = 0;
  if (len < 0) {
    error = refuse(WSL_IO, path, "it can't be read", why, why_cap);
  } else if (len < (ssize_t)KEY_FILE_MIN) {
    error = refuse(WSL_INVALID, path, "it must have 16 bytes or more (head -c 32 /dev/urandom > FILE)", why,
                   why_cap);
  } else {
    error = hash_hmac_sha256(purpose, sizeof(purpose), bytes, (size_t)len, key);
  }
  secret_wipe(bytes, sizeof(bytes));
  return error;
}

static int make_key(const struct auth_settings *settings, uint8_t key[SHA256_SIZE], char *why,
                    size_t why_cap) {
  if (settings->cookie_key_path != NULL) return read_key(settings->cookie_key_path, key, why, why_cap);
  int error = random_bytes(key, SHA256_SIZE);
  if (error != 0) (void)snprintf(why, why_cap, "no random bytes from the system for the cookies' key");
  return error;
}

/* ---- life ---- */

/* What workers share beside the passwords. */
static int open_shared(struct auth *auth, const uint8_t key[SHA256_SIZE]) {
  uint64_t lifetime_s = (auth->settings->cookie_time_ms + MS_A_SECOND - 1) / MS_A_SECOND;
  auth->pacing = auth_pacing_new();
  if (auth->pacing == NULL) return WSL_NO_MEMORY;
  return lifetime_s > 0 ? auth_cookies_init(&auth->cookies, key, lifetime_s) : 0;
}

static int open_basic(struct auth *auth, char *why, size_t why_cap) {
  uint8_t key[SHA256_SIZE];
  int error = make_key(auth->settings, key, why, why_cap);
  if (error == 0) error = credentials_open(&auth->credentials, auth->settings, key, why, why_cap);
  if (error == 0 && open_shared(auth, key) != 0) {
    (void)snprintf(why, why_cap, "no memory for authentication");
    error = WSL_NO_MEMORY;
  }
  secret_wipe(key, sizeof(key));
  return error;
}

int auth_open(struct auth **result, const struct auth_settings *settings, const struct origin_rules *origins,
              char *why, size_t why_cap) {
  struct auth *auth = calloc(1, sizeof(*auth));
  if (auth == NULL) {
    (void)snprintf(why, why_cap, "no memory for authentication");
    return WSL_NO_MEMORY;
  }
  auth->settings = settings;
  auth->origins = origins;
  int error = settings->plugin == AUTH_BASIC ? open_basic(auth, why, why_cap) : 0;
  if (error != 0) {
    auth_close(auth);
    return error;
  }
  *result = auth;
  return 0;
}

void auth_reload(struct auth *auth) {
  if (auth->credentials != NULL) credentials_reload(auth->credentials);
}

bool auth_take_turn(struct auth *auth) {
  if (atomic_fetch_add(&auth->hashes, 1) < AUTH_HASHES_MAX) return true;
  auth_give_turn(auth);
  return false;
}

void auth_give_turn(struct auth *auth) {
  atomic_fetch_sub(&auth->hashes, 1);
}

void auth_close(struct auth *auth) {
  if (auth == NULL) return;
  credentials_close(auth->credentials);
  auth_pacing_free(auth->pacing);
  secret_wipe(auth, sizeof(*auth));
  free(auth);
}
