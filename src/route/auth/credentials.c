/* See route/auth/credentials.h. */
#include "route/auth/credentials.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/log.h"

/* Logins that are remembered; each has one place, by its HMAC, and who has the same drives it out. */
#define MEMORY_PLACES 256u

struct memory {
  uint8_t mac[SHA256_SIZE];
  uint8_t tag[PASSWORD_TAG_SIZE];
  uint64_t until_ms; /* 0: empty */
};

struct credentials {
  const struct auth_settings *settings;
  uint8_t key[SHA256_SIZE];
  uint8_t memory_key[SHA256_SIZE];
  pthread_mutex_t lock; /* of all below */
  struct password_table *table;
  struct memory memories[MEMORY_PLACES];
};

static int refuse(int error, const char *what, const char *why_not, char *why, size_t why_cap) {
  (void)snprintf(why, why_cap, "%s: %s", what, why_not);
  return error;
}

static const char *reading_error_text(int error) {
  return error == WSL_INVALID ? "Not a regular file" : error_text(error);
}

static int open_one(struct credentials *credentials, char *why, size_t why_cap) {
  struct basic_login login;
  enum basic_result result = basic_split(wsl_span_of(credentials->settings->source), &login);
  if (result == BASIC_READ) credentials->table = password_table_of(&login, credentials->key);
  secret_wipe(&login, sizeof(login));
  if (result != BASIC_READ)
    return refuse(WSL_INVALID, "--auth-source", "not user:password, as BasicHTTPAuth wants it", why, why_cap);
  if (credentials->table == NULL) return refuse(WSL_NO_MEMORY, "--auth-source", "no memory", why, why_cap);
  return 0;
}

static int open_file(struct credentials *credentials, char *why, size_t why_cap) {
  const char *path = credentials->settings->htpasswd;
  char what[300], shown[256];
  (void)snprintf(what, sizeof(what), "--auth-file \"%s\"",
                 log_escape(wsl_span_of(path), shown, sizeof(shown)));
  int error = password_table_read(&credentials->table, path, credentials->key);
  if (error != 0) return refuse(error, what, reading_error_text(error), why, why_cap);
  if (password_table_count(credentials->table) == 0)
    return refuse(WSL_INVALID, what, "it contains no usable user (create one with htpasswd -B -c FILE USER)",
                  why, why_cap);
  return 0;
}

int credentials_open(struct credentials **result, const struct auth_settings *settings,
                     const uint8_t key[SHA256_SIZE], char *why, size_t why_cap) {
  struct credentials *credentials = calloc(1, sizeof(*credentials));
  if (credentials == NULL) return refuse(WSL_NO_MEMORY, "passwords", "no memory", why, why_cap);
  credentials->settings = settings;
  memcpy(credentials->key, key, SHA256_SIZE);
  pthread_mutex_init(&credentials->lock, NULL);
  int error = random_bytes(credentials->memory_key, SHA256_SIZE);
  if (error != 0) error = refuse(error, "passwords", "no random bytes from the system", why, why_cap);
  if (error == 0)
    error = settings->htpasswd == NULL ? open_one(credentials, why, why_cap)
                                       : open_file(credentials, why, why_cap);
  if (error != 0) {
    credentials_close(credentials);
    return error;
  }
  *result = credentials;
  return 0;
}

void credentials_reload(struct credentials *credentials) {
  const char *path = credentials->settings->htpasswd;
  struct password_table *read = NULL, *old;
  if (path == NULL) return;
  char shown[256];
  log_escape(wsl_span_of(path), shown, sizeof(shown));
  int error = password_table_read(&read, path, credentials->key);
  if (error != 0) {
    log_event(LOG_ERROR, 0, "--auth-file \"%s\" can't be read again, the old passwords stay in force: %s",
              shown, reading_error_text(error));
    return;
  }
  pthread_mutex_lock(&credentials->lock);
  old = credentials->table;
  credentials->table = read;
  memset(credentials->memories, 0, sizeof(credentials->memories));
  pthread_mutex_unlock(&credentials->lock);
  password_table_drop(old);
  log_event(LOG_INFO, 0, "passwords read again file=\"%s\" users=%zu", shown, password_table_count(read));
}

void credentials_close(struct credentials *credentials) {
  if (credentials == NULL) return;
  password_table_drop(credentials->table);
  pthread_mutex_destroy(&credentials->lock);
  secret_wipe(credentials, sizeof(*credentials));
  free(credentials);
}

/* ---- logins ---- */

static bool make_mac(const struct credentials *credentials, const struct basic_login *login,
                     uint8_t mac[SHA256_SIZE]) {
  char text[sizeof(login->user) + sizeof(login->password)];
  memcpy(text, login->user, login->user_len + 1); /* a NUL between them, which neither holds */
  memcpy(text + login->user_len + 1, login->password, login->password_len);
  int error = hash_hmac_sha256(credentials->memory_key, SHA256_SIZE, text,
                               login->user_len + 1 + login->password_len, mac);
  secret_wipe(text, sizeof(text));
  return error == 0;
}

static struct memory *place_of(struct credentials *credentials, const uint8_t mac[SHA256_SIZE]) {
  return &credentials->memories[mac[0] % MEMORY_PLACES];
}

bool credentials_remember(struct credentials *credentials, const struct basic_login *login, uint64_t now_ms,
                          uint8_t tag[PASSWORD_TAG_SIZE]) {
  uint8_t mac[SHA256_SIZE];
  if (!make_mac(credentials, login, mac)) return false;
  pthread_mutex_lock(&credentials->lock);
  const struct memory *memory = place_of(credentials, mac);
  bool known = memory->until_ms > now_ms && secret_equal(memory->mac, mac, sizeof(mac));
  if (known) memcpy(tag, memory->tag, PASSWORD_TAG_SIZE);
  pthread_mutex_unlock(&credentials->lock);
  return known;
}

static void keep(struct credentials *credentials, const struct basic_login *login, uint64_t now_ms,
                 const uint8_t tag[PASSWORD_TAG_SIZE], const struct password_table *table) {
  uint8_t mac[SHA256_SIZE];
  if (!make_mac(credentials, login, mac)) return;
  pthread_mutex_lock(&credentials->lock);
  if (credentials->table == table) { /* else the file has changed while the hash was made */
    struct memory *memory = place_of(credentials, mac);
    memcpy(memory->mac, mac, sizeof(mac));
    memcpy(memory->tag, tag, PASSWORD_TAG_SIZE);
    memory->until_ms = now_ms + CREDENTIALS_MEMORY_MS;
  }
  pthread_mutex_unlock(&credentials->lock);
}

static struct password_table *hold_table(struct credentials *credentials) {
  pthread_mutex_lock(&credentials->lock);
  struct password_table *table = password_table_hold(credentials->table);
  pthread_mutex_unlock(&credentials->lock);
  return table;
}

enum password_verdict credentials_check(struct credentials *credentials, const struct basic_login *login,
                                        uint64_t now_ms, uint8_t tag[PASSWORD_TAG_SIZE]) {
  struct password_table *table = hold_table(credentials);
  enum password_verdict verdict = password_table_check(table, login, tag);
  if (verdict == PASSWORD_RIGHT) keep(credentials, login, now_ms, tag, table);
  password_table_drop(table);
  return verdict;
}

bool credentials_name(struct credentials *credentials, const uint8_t tag[PASSWORD_TAG_SIZE],
                      char user[BASIC_USER_MAX + 1]) {
  struct password_table *table = hold_table(credentials);
  const char *found = password_table_user(table, tag);
  if (found != NULL) memcpy(user, found, strlen(found) + 1);
  password_table_drop(table);
  return found != NULL;
}
