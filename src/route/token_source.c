/* See route/token_source.h. TokenFile searches its files at every lookup, ReadOnlyTokenFile the good lines
 * that it keeps in memory, as text: one parser serves both. A search always goes to the end, since the last
 * line for a token counts, so its time says nothing about how much of a token was right.
 */
#include "route/token_source.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/log.h"
#include "route/token_files.h"

/* What ReadOnlyTokenFile keeps: about a million lines. */
#define KEPT_MAX ((size_t)64 * 1024 * 1024)

/* Room for an escaped target: "unix:" and a socket's path of 107 bytes, or a host and a port. */
#define TARGET_TEXT_MAX 512u

/* Lines of a file, parsed before and known to be good. */
struct kept {
  char *text;
  size_t len, cap;
  int error; /* why not all are there */
};

struct token_source {
  enum token_plugin plugin;
  struct token_files files;
  struct kept kept;        /* of TOKEN_READ_ONLY_FILE */
  atomic_int failed_since; /* the error of the last reading; for the log, which hears of changes */
};

/* ---- the plugin's name ---- */

static const char name_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";

/* The name without the module that websockify has its plugins in. */
static const char *class_of(const char *name) {
  static const char *const modules[] = {"websockify.token_plugins.", "token_plugins."};
  for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
    size_t len = strlen(modules[i]);
    if (strncmp(name, modules[i], len) == 0) return name + len;
  }
  return name;
}

int token_plugin_parse(const char *name, enum token_plugin *plugin, const char **why) {
  static const struct {
    const char *name;
    enum token_plugin plugin; /* TOKEN_NONE: websockify has it, we don't */
  } plugins[] = {
      {"TokenFile", TOKEN_FILE},     {"ReadOnlyTokenFile", TOKEN_READ_ONLY_FILE},
      {"TokenFileName", TOKEN_NONE}, {"BaseTokenAPI", TOKEN_NONE},
      {"JSONTokenApi", TOKEN_NONE},  {"JWTTokenApi", TOKEN_NONE},
      {"TokenRedis", TOKEN_NONE},    {"UnixDomainSocketDirectory", TOKEN_NONE},
  };
  const char *class = class_of(name);
  for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++) {
    if (strcmp(class, plugins[i].name) != 0) continue;
    *plugin = plugins[i].plugin;
    if (*plugin != TOKEN_NONE) return 0;
    *why = "this plugin is not there yet: TokenFile and ReadOnlyTokenFile are";
    return WSL_UNSUPPORTED;
  }
  if (*class == '\0' || class[strspn(class, name_characters)] != '\0') {
    *why = "not the name of a plugin such as TokenFile";
    return WSL_INVALID;
  }
  *why = "classes of Python can't be loaded: use TokenFile or ReadOnlyTokenFile, and write the file";
  return WSL_UNSUPPORTED;
}

/* ---- searching ---- */

struct search {
  struct wsl_span token;
  struct target *target; /* of the last line for it */
  bool no_memory;
};

/* In a time that depends on the lengths only. */
static bool same_secret(struct wsl_span a, struct wsl_span b) {
  if (a.len != b.len) return false;
  volatile unsigned char difference = 0;
  for (size_t i = 0; i < a.len; i++)
    difference = (unsigned char)(difference | (a.at[i] ^ b.at[i]));
  return difference == 0;
}

/* Appends a string to the room behind a target; returns where it stands. */
static const char *put(char **room, struct wsl_span text) {
  char *start = *room;
  memcpy(start, text.at, text.len);
  start[text.len] = '\0';
  *room += text.len + 1;
  return start;
}

/* The target with its strings, in one piece. NULL without memory. */
static struct target *make_target(const struct token_line *entry) {
  bool is_unix = entry->unix_path.at != NULL;
  struct wsl_span address = is_unix ? entry->unix_path : wsl_span_of(entry->host);
  char shown[TARGET_TEXT_MAX], text[TARGET_TEXT_MAX + sizeof("unix:")];
  log_escape(is_unix ? entry->unix_path : entry->target, shown, sizeof(shown));
  int text_len = snprintf(text, sizeof(text), "%s%s", is_unix ? "unix:" : "", shown);
  struct target *target = malloc(sizeof(*target) + address.len + 1 + (size_t)text_len + 1);
  if (target == NULL) return NULL;
  char *room = (char *)(target + 1);
  const char *where = put(&room, address);
  *target = (struct target){
      .host = is_unix ? NULL : where,
      .port = is_unix ? 0 : entry->port,
      .unix_path = is_unix ? where : NULL,
      .text = put(&room, wsl_span_of(text)),
      .origin = TARGET_FROM_FILE,
  };
  return target;
}

static void search_entry(void *owner, const struct token_line *entry) {
  struct search *search = owner;
  if (!same_secret(entry->token, search->token)) return;
  free(search->target);
  search->target = make_target(entry);
  search->no_memory = search->target == NULL;
}

/* ---- what ReadOnlyTokenFile keeps ---- */

static int reserve(struct kept *kept, size_t more) {
  size_t cap = kept->cap == 0 ? 4096 : kept->cap;
  if (more > KEPT_MAX - kept->len) return WSL_NO_MEMORY;
  while (cap - kept->len < more)
    cap *= 2;
  if (cap == kept->cap) return 0;
  char *grown = realloc(kept->text, cap);
  if (grown == NULL) return WSL_NO_MEMORY;
  kept->text = grown;
  kept->cap = cap;
  return 0;
}

static void append(struct kept *kept, struct wsl_span piece) {
  memcpy(kept->text + kept->len, piece.at, piece.len);
  kept->len += piece.len;
}

static void keep_entry(void *owner, const struct token_line *entry) {
  struct kept *kept = owner;
  static const char separator[] = ": ", end[] = "\n";
  if (kept->error == 0)
    kept->error = reserve(kept, entry->token.len + entry->target.len + sizeof(separator) + sizeof(end));
  if (kept->error != 0) return;
  append(kept, entry->token);
  append(kept, wsl_span_of(separator));
  append(kept, entry->target);
  append(kept, wsl_span_of(end));
}

static void search_kept(const struct kept *kept, struct search *search) {
  for (size_t at = 0; at < kept->len;) {
    const char *start = kept->text + at;
    const char *end = memchr(start, '\n', kept->len - at);
    struct token_line entry;
    const char *why = NULL;
    if (token_line_read((struct wsl_span){start, (size_t)(end - start)}, &entry, &why) == TOKEN_LINE_ENTRY)
      search_entry(search, &entry);
    at = (size_t)(end - kept->text) + 1;
  }
}

/* ---- the source ---- */

static const char *reading_error_text(int error) {
  return error == WSL_INVALID ? "Neither a regular file nor a directory" : error_text(error);
}

/* Once when it begins to fail, in another way perhaps, and once when it is over: clients' requests have
 * lines of their own. */
static void note_reading(struct token_source *source, int error) {
  if (atomic_exchange(&source->failed_since, error) == error) return;
  char shown[256];
  log_escape(wsl_span_of(source->files.path), shown, sizeof(shown));
  if (error == 0) {
    log_event(LOG_INFO, 0, "token source \"%s\" can be read again", shown);
  } else {
    log_event(LOG_ERROR, 0, "token source \"%s\" can't be read: %s", shown, reading_error_text(error));
  }
}

static enum route_outcome outcome_of_error(int error) {
  return error == WSL_NO_MEMORY || error == WSL_NO_DESCRIPTOR ? ROUTE_BUSY : ROUTE_FAILED;
}

/* A token that is found counts though some file can't be read; one that is not might stand in there. */
static enum route_outcome search_files(struct token_source *source, struct search *search) {
  struct token_reading reading = token_files_read(&source->files, search_entry, search);
  note_reading(source, reading.error);
  if (search->target != NULL) return ROUTE_FOUND;
  if (reading.error != 0) return outcome_of_error(reading.error);
  return reading.skipped != 0 ? outcome_of_error(reading.skipped) : ROUTE_UNKNOWN;
}

enum route_outcome token_source_find(struct token_source *source, struct wsl_span token,
                                     struct target **target) {
  struct search search = {.token = token};
  enum route_outcome outcome = ROUTE_UNKNOWN;
  if (source->plugin == TOKEN_FILE) {
    outcome = search_files(source, &search);
  } else {
    search_kept(&source->kept, &search);
  }
  if (search.no_memory) return ROUTE_BUSY;
  if (search.target == NULL) return outcome;
  *target = search.target;
  return ROUTE_FOUND;
}

static void check_entry(void *owner, const struct token_line *entry) {
  (void)owner;
  (void)entry;
}

/* The first reading: all of it for ReadOnlyTokenFile, else to see whether it can be. */
static int read_first(struct token_source *source) {
  if (source->plugin == TOKEN_FILE) return token_files_read(&source->files, check_entry, NULL).error;
  int error = token_files_read(&source->files, keep_entry, &source->kept).error;
  return error != 0 ? error : source->kept.error;
}

static int refuse(int error, const char *path, char *why, size_t why_cap) {
  char shown[256];
  snprintf(why, why_cap, "can't read --token-source \"%s\": %s",
           log_escape(wsl_span_of(path), shown, sizeof(shown)), reading_error_text(error));
  return error;
}

int token_source_open(struct token_source **result, enum token_plugin plugin, const char *path, char *why,
                      size_t why_cap) {
  struct token_source *source = calloc(1, sizeof(*source));
  if (source == NULL) return refuse(WSL_NO_MEMORY, path, why, why_cap);
  source->plugin = plugin;
  int error = token_files_init(&source->files, path);
  if (error != 0) {
    free(source);
    return refuse(error, path, why, why_cap);
  }
  error = read_first(source);
  if (error != 0) {
    token_source_close(source);
    return refuse(error, path, why, why_cap);
  }
  *result = source;
  return 0;
}

void token_source_close(struct token_source *source) {
  token_files_destroy(&source->files);
  free(source->kept.text);
  free(source);
}
