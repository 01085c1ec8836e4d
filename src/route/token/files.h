/* The files that tokens are read from: one, or all in a directory, taken line by line at each reading, with
 * what is wrong in them reported once.
 *
 * A directory's files are read in the order of their names, without hidden ones, sub-directories and what
 * editors leave beside a file ("tokens~", "#tokens#"): an old copy would bring back tokens that were taken
 * out. A fault is one line of the log with file and line number, never the token, and comes again only when
 * that file has changed (modification time, size, inode). Any thread may read, several at once. Blocks.
 */
#ifndef ROUTE_TOKEN_FILES_H
#define ROUTE_TOKEN_FILES_H

#include <pthread.h>
#include <stddef.h>
#include <sys/stat.h>

#include "codec/text/token_line.h"

/* Faults that are remembered as reported: files, not lines. With more broken files than that some are
 * reported again. */
#define TOKEN_FAULTS_MAX 256u

/* A state of a file, and what was wrong with it: 0 for its lines, else the error of opening it. */
struct token_fault {
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec modified;
  int error;
};

struct token_files {
  char *path;
  pthread_mutex_t lock; /* of what has been reported: */
  struct token_fault reported[TOKEN_FAULTS_MAX];
  size_t reported_count; /* ever; the oldest is written over */
};

/* 0 or WSL_NO_MEMORY. */
WSL_MUST_CHECK int token_files_init(struct token_files *files, const char *path);
void token_files_destroy(struct token_files *files);

/* Whether no file of that name (not empty) is looked at: a hidden one, or what an editor leaves behind. */
bool token_files_leave_out(const char *name);

/* For each good line, in order; `entry` lives only for the call. */
typedef void (*token_visit_fn)(void *owner, const struct token_line *entry);

struct token_reading {
  int error;   /* the path can't be read, or not to its end: WSL_NOT_FOUND, ...; WSL_INVALID when it is
                  neither a regular file nor a directory */
  int skipped; /* or a file of the directory can't; it was reported */
};

struct token_reading token_files_read(struct token_files *files, token_visit_fn visit, void *owner);

#endif
