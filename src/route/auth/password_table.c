/* See route/auth/password_table.h. */
#include "route/auth/password_table.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/log.h"
#include "net/privileged.h"
#include "route/line_reader.h"

#define ENTRIES_FIRST 16u

enum entry_kind {
  ENTRY_HASH,  /* `hash` is crypt's */
  ENTRY_SHA1,  /* ... or {SHA}'s */
  ENTRY_CLEAR, /* `clear_mac`: the password stood on the command line */
};

struct entry {
  enum entry_kind kind;
  char user[BASIC_USER_MAX + 1];
  char hash[HTPASSWD_HASH_MAX + 1];
  uint8_t clear_mac[SHA256_SIZE];
  uint8_t tag[PASSWORD_TAG_SIZE];
};

struct password_table {
  atomic_uint references;
  uint8_t key[SHA256_SIZE];
  struct entry *entries;
  size_t count, cap;
};

/* ---- making one ---- */

static struct password_table *table_new(const uint8_t key[SHA256_SIZE]) {
  struct password_table *table = calloc(1, sizeof(*table));
  if (table == NULL) return NULL;
  atomic_init(&table->references, 1);
  memcpy(table->key, key, SHA256_SIZE);
  return table;
}

struct password_table *password_table_hold(struct password_table *table) {
  atomic_fetch_add_explicit(&table->references, 1, memory_order_relaxed);
  return table;
}

void password_table_drop(struct password_table *table) {
  if (table == NULL) return;
  if (atomic_fetch_sub_explicit(&table->references, 1, memory_order_acq_rel) > 1) return;
  if (table->entries != NULL) secret_wipe(table->entries, table->count * sizeof(*table->entries));
  secret_wipe(table->key, sizeof(table->key));
  free(table->entries);
  free(table);
}

size_t password_table_count(const struct password_table *table) {
  return table->count;
}

static int reserve(struct password_table *table) {
  if (table->count < table->cap) return 0;
  if (table->count == PASSWORD_TABLE_MAX) return WSL_NO_MEMORY;
  size_t cap = table->cap == 0 ? ENTRIES_FIRST : 2 * table->cap;
  struct entry *grown = realloc(table->entries, cap * sizeof(*grown));
  if (grown == NULL) return WSL_NO_MEMORY;
  table->entries = grown;
  table->cap = cap;
  return 0;
}

/* Of the user and whatever proves him: a NUL between them, which neither holds. */
static int make_tag(const struct password_table *table, struct entry *entry, const char *proof) {
  char text[sizeof(entry->user) + BASIC_PASSWORD_MAX + 1];
  int len = snprintf(text, sizeof(text), "%s%c%s", entry->user, 0, proof);
  uint8_t mac[SHA256_SIZE];
  int error = hash_hmac_sha256(table->key, SHA256_SIZE, text, (size_t)len, mac);
  memcpy(entry->tag, mac, PASSWORD_TAG_SIZE);
  secret_wipe(text, sizeof(text));
  return error;
}

struct password_table *password_table_of(const struct basic_login *login, const uint8_t key[SHA256_SIZE]) {
  struct password_table *table = table_new(key);
  if (table == NULL || reserve(table) != 0) goto fail;
  struct entry *entry = &table->entries[0];
  *entry = (struct entry){.kind = ENTRY_CLEAR};
  memcpy(entry->user, login->user, login->user_len + 1);
  table->count = 1;
  if (hash_hmac_sha256(key, SHA256_SIZE, login->password, login->password_len, entry->clear_mac) != 0 ||
      make_tag(table, entry, login->password) != 0)
    goto fail;
  return table;

fail:
  password_table_drop(table);
  return NULL;
}

static int add(struct password_table *table, const struct htpasswd_line *line) {
  int error = reserve(table);
  if (error != 0) return error;
  struct entry *entry = &table->entries[table->count];
  *entry = (struct entry){.kind = line->kind == HTPASSWD_SHA1 ? ENTRY_SHA1 : ENTRY_HASH};
  memcpy(entry->user, line->user.at, line->user.len);
  memcpy(entry->hash, line->hash.at, line->hash.len);
  error = make_tag(table, entry, entry->hash);
  if (error == 0) table->count++;
  return error;
}

/* ---- a file ---- */

static void warn(const char *path, uint64_t number, const char *why) {
  char shown[256];
  log_event(LOG_WARN, 0, "--auth-file \"%s\" line %llu is ignored: %s",
            log_escape(wsl_span_of(path), shown, sizeof(shown)), (unsigned long long)number, why);
}

static int take_line(struct password_table *table, struct wsl_span line, const char *path, uint64_t number) {
  struct htpasswd_line entry;
  const char *why = NULL;
  switch (htpasswd_line_read(line, &entry, &why)) {
    case HTPASSWD_NOTHING:
      break;
    case HTPASSWD_ENTRY:
      return add(table, &entry);
    case HTPASSWD_BAD:
      warn(path, number, why);
      break;
  }
  return 0;
}

static int read_lines(struct password_table *table, struct line_reader *reader, const char *path) {
  struct wsl_span line;
  int error = 0;
  while (error == 0) {
    switch (line_reader_next(reader, &line)) {
      case LINE_READ:
        error = take_line(table, line, path, reader->number);
        break;
      case LINE_TOO_LONG:
        warn(path, reader->number, "too long");
        break;
      case LINE_FAILED:
        return WSL_IO;
      case LINE_END:
        return 0;
    }
  }
  return error;
}

static int read_file(struct password_table *table, int fd, const char *path) {
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return WSL_INVALID;
  struct line_reader *reader = malloc(sizeof(*reader));
  if (reader == NULL) return WSL_NO_MEMORY;
  line_reader_init(reader, fd);
  int error = read_lines(table, reader, path);
  secret_wipe(reader, sizeof(*reader));
  free(reader);
  return error;
}

int password_table_read(struct password_table **result, const char *path, const uint8_t key[SHA256_SIZE]) {
  int fd = privileged_open_named(path);
  if (fd < 0) return fd;
  struct password_table *table = table_new(key);
  int error = table == NULL ? WSL_NO_MEMORY : read_file(table, fd, path);
  close(fd);
  if (error != 0) {
    password_table_drop(table);
    return error;
  }
  *result = table;
  return 0;
}

/* ---- checking ---- */

/* The first of that name, as Apache has it. Goes to the end whatever it finds. */
static const struct entry *find(const struct password_table *table, const struct basic_login *login) {
  const struct entry *found = NULL;
  for (size_t i = 0; i < table->count; i++) {
    const struct entry *entry = &table->entries[i];
    bool same =
        strlen(entry->user) == login->user_len && secret_equal(entry->user, login->user, login->user_len);
    if (same && found == NULL) found = entry;
  }
  return found;
}

/* Somebody whose hash an unknown user's password is held against: the same one each time for one name, so
 * that a file with cheap and dear hashes does not give away who is in it. */
static const struct entry *stand_in(const struct password_table *table, const struct basic_login *login) {
  uint8_t mac[SHA256_SIZE] = {0};
  uint64_t number = 0;
  if (hash_hmac_sha256(table->key, SHA256_SIZE, login->user, login->user_len, mac) != 0)
    return &table->entries[0];
  memcpy(&number, mac, sizeof(number));
  return &table->entries[number % table->count];
}

static enum password_verdict try_entry(const struct password_table *table, const struct entry *entry,
                                       const struct basic_login *login) {
  uint8_t mac[SHA256_SIZE];
  if (entry->kind == ENTRY_HASH) return password_try(HTPASSWD_CRYPT, entry->hash, login->password);
  if (entry->kind == ENTRY_SHA1) return password_try(HTPASSWD_SHA1, entry->hash, login->password);
  if (hash_hmac_sha256(table->key, SHA256_SIZE, login->password, login->password_len, mac) != 0)
    return PASSWORD_UNTRIED;
  return secret_equal(mac, entry->clear_mac, SHA256_SIZE) ? PASSWORD_RIGHT : PASSWORD_WRONG;
}

enum password_verdict password_table_check(const struct password_table *table,
                                           const struct basic_login *login, uint8_t tag[PASSWORD_TAG_SIZE]) {
  if (table->count == 0) return PASSWORD_WRONG;
  const struct entry *known = find(table, login);
  const struct entry *entry = known != NULL ? known : stand_in(table, login);
  enum password_verdict verdict = try_entry(table, entry, login);
  if (verdict == PASSWORD_RIGHT && known == NULL) return PASSWORD_WRONG;
  if (verdict == PASSWORD_RIGHT) memcpy(tag, entry->tag, PASSWORD_TAG_SIZE);
  return verdict;
}

const char *password_table_user(const struct password_table *table, const uint8_t tag[PASSWORD_TAG_SIZE]) {
  const char *user = NULL;
  for (size_t i = 0; i < table->count; i++) {
    if (secret_equal(table->entries[i].tag, tag, PASSWORD_TAG_SIZE)) user = table->entries[i].user;
  }
  return user;
}
