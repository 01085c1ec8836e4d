/* websockify's TokenFileName and UnixDomainSocketDirectory (route/token/kind.h): the token is a name in a
 * directory, of a file that holds the target, or of a socket that is it.
 *
 * Names come from strangers: none leaves the directory, by ".." or by a link, none is hidden or an editor's
 * copy, nothing but a regular file is opened. Everything is looked up anew each time, the directory as well.
 * A file that can't be read is named in the log by its inode (find DIR -inum N): its name is a secret.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/log.h"
#include "core/read_all.h"
#include "net/privileged.h"
#include "route/token/files.h"
#include "route/token/kinds.h"
#include "route/token/target.h"
#include "route/token/trouble.h"

/* Of a file; the longest target and some white space. */
#define CONTENT_MAX 1024u

/* Longest name below the directory. */
#define NAME_SIZE 256u

struct directory_source {
  struct token_source source; /* first: it is one */
  const char *path;
  struct token_trouble trouble;
};

static struct directory_source *of(struct token_source *source) {
  return (struct directory_source *)(void *)source;
}

/* ---- names ---- */

/* The part behind the last slash, as websockify takes it. */
static struct wsl_span base_name(struct wsl_span token) {
  for (size_t i = token.len; i > 0; i--) {
    if (token.at[i - 1] == '/') return (struct wsl_span){token.at + i, token.len - i};
  }
  return token;
}

/* Whether each component may be looked at; "." and ".." begin like hidden ones. */
static bool is_allowed(const char *name) {
  char component[NAME_SIZE];
  for (;;) {
    size_t len = strcspn(name, "/");
    if (len == 0) return false;
    memcpy(component, name, len);
    component[len] = '\0';
    if (token_files_leave_out(component)) return false;
    if (name[len] == '\0') return true;
    name += len + 1;
  }
}

/* False for what can't be the name of anything that counts. */
static bool make_name(struct wsl_span token, char name[NAME_SIZE]) {
  if (token.len == 0 || token.len >= NAME_SIZE || memchr(token.at, '\0', token.len) != NULL) return false;
  memcpy(name, token.at, token.len);
  name[token.len] = '\0';
  return is_allowed(name);
}

/* ---- the directory ---- */

/* A descriptor, or an error. */
static int open_directory(const char *path) {
  int fd = privileged_open_named(path);
  if (fd < 0) return fd;
  struct stat st;
  if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) return fd;
  close(fd);
  return TOKEN_SOURCE_NO_DIRECTORY;
}

/* Opens a name in it; WSL_NOT_FOUND: the name is not there. Errors of the directory go to *trouble. */
static int open_name(const struct directory_source *source, const char *name, int *trouble) {
  int dir_fd = open_directory(source->path);
  if (dir_fd < 0) {
    *trouble = dir_fd;
    return dir_fd;
  }
  char *resolved = realpath(source->path, NULL);
  int fd = resolved == NULL ? error_from_errno(errno) : privileged_open_beneath(dir_fd, resolved, name);
  free(resolved);
  close(dir_fd);
  return fd;
}

/* ---- TokenFileName ---- */

static void complain(const struct directory_source *source, uint64_t id, const struct stat *st,
                     const char *why) {
  char shown[256];
  log_event(LOG_WARN, id, "token file in \"%s\" holds no target inode=%" PRIuMAX " reason=\"%s\"",
            log_escape(wsl_span_of(source->path), shown, sizeof(shown)), (uintmax_t)st->st_ino, why);
}

/* The target that the open file holds. */
static enum route_outcome read_target(const struct directory_source *source, uint64_t id, int fd,
                                      struct target **target) {
  char content[CONTENT_MAX + 1];
  struct stat st;
  if (fstat(fd, &st) != 0) return ROUTE_FAILED;
  if (!S_ISREG(st.st_mode)) return ROUTE_UNKNOWN;
  ssize_t len = read_all(fd, content, sizeof(content));
  const char *why = NULL;
  int error = len < 0 ? error_from_errno(errno) : WSL_INVALID;
  if (len < 0)
    why = error_text(error);
  else if ((size_t)len > CONTENT_MAX)
    why = "the file is too long";
  else
    error = token_target_read((struct wsl_span){content, (size_t)len}, TARGET_FROM_FILE, target, &why);
  if (error == 0) return ROUTE_FOUND;
  if (why != NULL) complain(source, id, &st, why);
  return token_trouble_outcome(error);
}

static enum route_outcome find_file(struct directory_source *source, const struct token_question *question,
                                    struct target **target) {
  char name[NAME_SIZE];
  int trouble = 0;
  if (!make_name(base_name(question->token), name)) return ROUTE_UNKNOWN;
  int fd = open_name(source, name, &trouble);
  token_trouble_note(&source->trouble, source->path, trouble);
  if (fd == WSL_NOT_FOUND && trouble == 0) return ROUTE_UNKNOWN;
  if (fd < 0) return token_trouble_outcome(fd);
  enum route_outcome outcome = read_target(source, question->id, fd, target);
  close(fd);
  return outcome;
}

static void find_file_name(struct token_source *source, const struct token_question *question,
                           struct token_answer *answer) {
  *answer = (struct token_answer){.target = NULL};
  answer->outcome = find_file(of(source), question, &answer->target);
}

/* ---- UnixDomainSocketDirectory ---- */

/* WSL_NOT_FOUND may also be the directory's; then nothing of it is found. */
static int check_directory(const char *path) {
  int fd = open_directory(path);
  if (fd >= 0) close(fd);
  return fd < 0 ? fd : 0;
}

static enum route_outcome make_socket(const struct directory_source *source, uint64_t id, const char *path,
                                      struct target **target) {
  struct target_text where = {.unix_path = wsl_span_of(path)};
  if (token_target_unix_fault(where.unix_path) != NULL) {
    char shown[256];
    log_event(LOG_WARN, id, "a path in \"%s\" is too long for a Unix socket length=%zu",
              log_escape(wsl_span_of(source->path), shown, sizeof(shown)), strlen(path));
    return ROUTE_FAILED;
  }
  *target = token_target_make(&where, where.unix_path, TARGET_FROM_FILE);
  return *target == NULL ? ROUTE_BUSY : ROUTE_FOUND;
}

static enum route_outcome find_socket(struct directory_source *source, const struct token_question *question,
                                      struct target **target) {
  char name[NAME_SIZE], path[PATH_MAX];
  if (!make_name(question->token, name)) return ROUTE_UNKNOWN;
  int trouble = check_directory(source->path);
  token_trouble_note(&source->trouble, source->path, trouble);
  if (trouble != 0) return token_trouble_outcome(trouble);
  int error = privileged_find_socket(source->path, name, path, sizeof(path));
  if (error == WSL_NOT_FOUND) return ROUTE_UNKNOWN;
  if (error != 0) return token_trouble_outcome(error);
  return make_socket(source, question->id, path, target);
}

static void find_unix(struct token_source *source, const struct token_question *question,
                      struct token_answer *answer) {
  *answer = (struct token_answer){.target = NULL};
  answer->outcome = find_socket(of(source), question, &answer->target);
}

/* ---- both ---- */

static int open_source(struct token_source **result, const struct token_source_options *options, char *why,
                       size_t why_cap) {
  int error = check_directory(options->argument);
  struct directory_source *source = error == 0 ? calloc(1, sizeof(*source)) : NULL;
  if (error == 0 && source == NULL) error = WSL_NO_MEMORY;
  if (error != 0) return token_trouble_refuse(error, options->argument, why, why_cap);
  source->path = options->argument;
  *result = &source->source;
  return 0;
}

static void close_source(struct token_source *source) {
  free(of(source));
}

const struct token_kind token_kind_file_name = {
    .name = "TokenFileName",
    .open = open_source,
    .close = close_source,
    .find = find_file_name,
};

const struct token_kind token_kind_unix_directory = {
    .name = "UnixDomainSocketDirectory",
    .open = open_source,
    .close = close_source,
    .find = find_unix,
};
