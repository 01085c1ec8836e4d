/* Reading token files (route/token/files.h). Everything is opened anew each time: a file may have been
 * replaced by rename(), a directory by a link that now points elsewhere (mounted ConfigMaps).
 */
#include "route/token/files.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/error.h"
#include "core/log.h"
#include "net/privileged.h"
#include "route/line_reader.h"
#include "route/token/target.h"

/* Lines of one file that are reported each; the others are counted. A binary file named by mistake must not
 * fill the log. */
#define LINES_REPORTED_MAX 10u

#define SHOWN_PATH_MAX 512u

/* Whether this reading may report faults of the file it is at: known at the first. */
enum voice { VOICE_UNKNOWN, VOICE_SPEAKS, VOICE_SILENT };

struct reading {
  struct token_files *files;
  token_visit_fn visit;
  void *owner;
  struct token_reading result;
  /* the file it is at */
  const char *path;
  struct token_fault identity;
  enum voice voice;
  uint64_t faults;
  struct line_reader lines;
};

/* ---- faults ---- */

static bool same_fault(const struct token_fault *a, const struct token_fault *b) {
  return a->device == b->device && a->inode == b->inode && a->size == b->size && a->error == b->error &&
         a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

static struct token_fault fault_of(const struct stat *st, int error) {
  return (struct token_fault){
      .device = st->st_dev,
      .inode = st->st_ino,
      .size = st->st_size,
      .modified = st->st_mtim,
      .error = error,
  };
}

/* True once for each fault: of several threads that meet it, one reports it. */
static bool claim_fault(struct token_files *files, const struct token_fault *fault) {
  pthread_mutex_lock(&files->lock);
  size_t known = files->reported_count < TOKEN_FAULTS_MAX ? files->reported_count : TOKEN_FAULTS_MAX;
  bool is_new = true;
  for (size_t i = 0; is_new && i < known; i++)
    is_new = !same_fault(&files->reported[i], fault);
  if (is_new) files->reported[files->reported_count++ % TOKEN_FAULTS_MAX] = *fault;
  pthread_mutex_unlock(&files->lock);
  return is_new;
}

static void report_line(struct reading *reading, const char *why) {
  if (reading->voice == VOICE_UNKNOWN)
    reading->voice = claim_fault(reading->files, &reading->identity) ? VOICE_SPEAKS : VOICE_SILENT;
  if (reading->voice == VOICE_SILENT || ++reading->faults > LINES_REPORTED_MAX) return;
  char shown[SHOWN_PATH_MAX];
  log_event(LOG_WARN, 0, "syntax error in token file %s:%" PRIu64 ": %s",
            log_escape(wsl_span_of(reading->path), shown, sizeof(shown)), reading->lines.number, why);
}

static void report_rest(const struct reading *reading) {
  if (reading->faults <= LINES_REPORTED_MAX) return;
  char shown[SHOWN_PATH_MAX];
  log_event(LOG_WARN, 0, "syntax error in token file %s: and in %" PRIu64 " more lines",
            log_escape(wsl_span_of(reading->path), shown, sizeof(shown)),
            reading->faults - LINES_REPORTED_MAX);
}

/* A file of a directory that can't be opened or read: the others count. */
static void skip_file(struct reading *reading, int error) {
  if (error == WSL_NOT_FOUND) return; /* gone since it was listed, or a link to nothing */
  reading->result.skipped = error;
  struct stat st;
  struct token_fault fault = {.error = error};
  if (stat(reading->path, &st) == 0) fault = fault_of(&st, error);
  if (!claim_fault(reading->files, &fault)) return;
  char shown[SHOWN_PATH_MAX];
  log_event(LOG_WARN, 0, "token file %s can't be read: %s",
            log_escape(wsl_span_of(reading->path), shown, sizeof(shown)), error_text(error));
}

/* ---- a file ---- */

static void read_line(struct reading *reading, struct wsl_span line) {
  struct token_line entry;
  const char *why = NULL;
  switch (token_line_read(line, &entry, &why)) {
    case TOKEN_LINE_NOTHING:
      return;
    case TOKEN_LINE_BAD:
      report_line(reading, why);
      return;
    case TOKEN_LINE_ENTRY:
      break;
  }
  if (entry.where.unix_path.at != NULL) why = token_target_unix_fault(entry.where.unix_path);
  if (why != NULL)
    report_line(reading, why);
  else
    reading->visit(reading->owner, &entry);
}

/* All lines of `fd`, a regular file's. */
static int read_lines(struct reading *reading, int fd, const struct stat *st) {
  reading->identity = fault_of(st, 0);
  reading->voice = VOICE_UNKNOWN;
  reading->faults = 0;
  line_reader_init(&reading->lines, fd);
  for (;;) {
    struct wsl_span line;
    switch (line_reader_next(&reading->lines, &line)) {
      case LINE_READ:
        read_line(reading, line);
        break;
      case LINE_TOO_LONG:
        report_line(reading, "the line is too long");
        break;
      case LINE_END:
        report_rest(reading);
        return 0;
      case LINE_FAILED:
        return error_from_errno(errno);
    }
  }
}

/* ---- a directory ---- */

struct names {
  char **at;
  size_t count, cap;
};

static void free_names(struct names *names) {
  for (size_t i = 0; i < names->count; i++)
    free(names->at[i]);
  free(names->at);
}

static int add_name(struct names *names, const char *name) {
  if (names->count == names->cap) {
    size_t cap = names->cap == 0 ? 16 : 2 * names->cap;
    char **grown = realloc(names->at, cap * sizeof(*grown));
    if (grown == NULL) return WSL_NO_MEMORY;
    names->at = grown;
    names->cap = cap;
  }
  char *copy = strdup(name);
  if (copy == NULL) return WSL_NO_MEMORY;
  names->at[names->count++] = copy;
  return 0;
}

bool token_files_leave_out(const char *name) {
  return name[0] == '.' || name[0] == '#' || name[strlen(name) - 1] == '~';
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_names(DIR *directory, struct names *names) {
  for (;;) {
    errno = 0;
    const struct dirent *entry = readdir(directory);
    if (entry == NULL) break;
    if (token_files_leave_out(entry->d_name)) continue;
    int error = add_name(names, entry->d_name);
    if (error != 0) return error;
  }
  if (errno != 0) return error_from_errno(errno);
  if (names->count > 0) qsort(names->at, names->count, sizeof(*names->at), compare_names);
  return 0;
}

static void read_entry(struct reading *reading) {
  int fd = privileged_open_named(reading->path);
  if (fd < 0) {
    skip_file(reading, fd);
    return;
  }
  struct stat st;
  int error = fstat(fd, &st) == 0 ? 0 : WSL_IO;
  if (error == 0 && S_ISREG(st.st_mode)) error = read_lines(reading, fd, &st);
  close(fd);
  if (error != 0) skip_file(reading, error);
}

static int read_named(struct reading *reading, const struct names *names) {
  const char *parent = reading->files->path;
  for (size_t i = 0; i < names->count; i++) {
    size_t cap = strlen(parent) + strlen(names->at[i]) + sizeof("/");
    char *path = malloc(cap);
    if (path == NULL) return WSL_NO_MEMORY;
    snprintf(path, cap, "%s/%s", parent, names->at[i]);
    reading->path = path;
    read_entry(reading);
    free(path);
  }
  return 0;
}

/* Takes `fd` over. */
static int read_directory(struct reading *reading, int fd) {
  DIR *directory = fdopendir(fd);
  if (directory == NULL) {
    int error = error_from_errno(errno);
    close(fd);
    return error;
  }
  struct names names = {NULL, 0, 0};
  int error = list_names(directory, &names);
  closedir(directory); /* its descriptor is not needed while files are open */
  if (error == 0) error = read_named(reading, &names);
  free_names(&names);
  return error;
}

/* ---- all of it ---- */

static int read_path(struct reading *reading) {
  reading->path = reading->files->path;
  int fd = privileged_open_named(reading->path);
  if (fd < 0) return fd;
  struct stat st;
  int error = fstat(fd, &st) == 0 ? 0 : WSL_IO;
  if (error == 0 && S_ISDIR(st.st_mode)) return read_directory(reading, fd);
  if (error == 0) error = S_ISREG(st.st_mode) ? read_lines(reading, fd, &st) : WSL_INVALID;
  close(fd);
  return error;
}

struct token_reading token_files_read(struct token_files *files, token_visit_fn visit, void *owner) {
  struct reading *reading = malloc(sizeof(*reading)); /* 64 KB: not for the stack */
  if (reading == NULL) return (struct token_reading){.error = WSL_NO_MEMORY};
  reading->files = files;
  reading->visit = visit;
  reading->owner = owner;
  reading->result = (struct token_reading){0, 0};
  reading->result.error = read_path(reading);
  struct token_reading result = reading->result;
  free(reading);
  return result;
}

int token_files_init(struct token_files *files, const char *path) {
  files->path = strdup(path);
  if (files->path == NULL) return WSL_NO_MEMORY;
  files->reported_count = 0;
  pthread_mutex_init(&files->lock, NULL);
  return 0;
}

void token_files_destroy(struct token_files *files) {
  pthread_mutex_destroy(&files->lock);
  free(files->path);
}
