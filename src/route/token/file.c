/* websockify's TokenFile and ReadOnlyTokenFile (route/token/kind.h): lines of a file
 * (codec/text/token_line.h), or of all files in a directory (route/token/files.h).
 *
 * TokenFile searches its files at every lookup, so an edit is seen by the next connection; ReadOnlyTokenFile
 * the good lines that it keeps in memory, as text: one parser serves both. A search always goes to the end,
 * since the last line for a token counts, so its time says nothing about how much of a token was right. What
 * is wrong with a line is reported when the source is opened, and again when its file has changed.
 */

#include <stdlib.h>

#include "core/blob.h"
#include "core/cut.h"
#include "core/error.h"
#include "core/hash.h"
#include "route/token/files.h"
#include "route/token/kinds.h"
#include "route/token/target.h"
#include "route/token/trouble.h"

/* What ReadOnlyTokenFile keeps: about a million lines. */
#define KEPT_MAX ((size_t)64 * 1024 * 1024)

/* Lines of a file, parsed before and known to be good. */
struct kept {
  struct blob text;
  int error; /* why not all are there */
};

struct file_source {
  struct token_source source; /* first: it is one */
  struct token_files files;
  struct kept kept; /* of ReadOnlyTokenFile */
  struct token_trouble trouble;
};

/* ---- searching ---- */

struct search {
  struct wsl_span token;
  struct target *target; /* of the last line for it */
  bool no_memory;
};

/* In a time that depends on the lengths only. */
static bool same_secret(struct wsl_span a, struct wsl_span b) {
  return a.len == b.len && secret_equal(a.at, b.at, a.len);
}

static void search_entry(void *owner, const struct token_line *entry) {
  struct search *search = owner;
  if (!same_secret(entry->token, search->token)) return;
  free(search->target);
  search->target = token_target_make(&entry->where, entry->target, TARGET_FROM_FILE);
  search->no_memory = search->target == NULL;
}

/* ---- what ReadOnlyTokenFile keeps ---- */

static void append(struct kept *kept, struct wsl_span piece) {
  if (kept->error == 0) kept->error = blob_append(&kept->text, piece, KEPT_MAX);
}

static void keep_entry(void *owner, const struct token_line *entry) {
  struct kept *kept = owner;
  append(kept, entry->token);
  append(kept, wsl_span_of(": "));
  append(kept, entry->target);
  append(kept, wsl_span_of("\n"));
}

static void search_kept(const struct kept *kept, struct search *search) {
  struct wsl_span rest = blob_view(&kept->text);
  while (rest.len > 0) {
    struct wsl_span line = span_take(&rest, span_find(rest, '\n'));
    struct token_line entry;
    const char *why = NULL;
    if (token_line_read(line, &entry, &why) == TOKEN_LINE_ENTRY) search_entry(search, &entry);
    rest = span_from(rest, 1);
  }
}

/* ---- the source ---- */

/* A token that is found counts though some file can't be read; one that is not might stand in there. */
static enum route_outcome search_files(struct file_source *source, struct search *search) {
  struct token_reading reading = token_files_read(&source->files, search_entry, search);
  token_trouble_note(&source->trouble, source->files.path, reading.error);
  if (search->target != NULL) return ROUTE_FOUND;
  if (reading.error != 0) return token_trouble_outcome(reading.error);
  return reading.skipped != 0 ? token_trouble_outcome(reading.skipped) : ROUTE_UNKNOWN;
}

static struct file_source *of(struct token_source *source) {
  return (struct file_source *)(void *)source;
}

static void answer(const struct search *search, enum route_outcome otherwise, struct token_answer *answer) {
  enum route_outcome outcome = search->target != NULL ? ROUTE_FOUND : otherwise;
  if (search->no_memory) outcome = ROUTE_BUSY;
  *answer = (struct token_answer){.outcome = outcome, .target = search->target};
}

static void find_in_files(struct token_source *source, const struct token_question *question,
                          struct token_answer *result) {
  struct search search = {.token = question->token};
  enum route_outcome outcome = search_files(of(source), &search);
  answer(&search, outcome, result);
}

static void find_in_kept(struct token_source *source, const struct token_question *question,
                         struct token_answer *result) {
  struct search search = {.token = question->token};
  search_kept(&of(source)->kept, &search);
  answer(&search, ROUTE_UNKNOWN, result);
}

static void check_entry(void *owner, const struct token_line *entry) {
  (void)owner;
  (void)entry;
}

static void close_source(struct token_source *base) {
  struct file_source *source = of(base);
  token_files_destroy(&source->files);
  blob_free(&source->kept.text);
  free(source);
}

static int make(struct file_source **result, const char *path) {
  struct file_source *source = calloc(1, sizeof(*source));
  if (source == NULL) return WSL_NO_MEMORY;
  int error = token_files_init(&source->files, path);
  if (error == 0)
    *result = source;
  else
    free(source);
  return error;
}

/* The first reading, by `visit`: all of it is kept, or only looked at. */
static int open_and_read(struct token_source **result, const char *path, token_visit_fn visit, char *why,
                         size_t why_cap) {
  struct file_source *source = NULL;
  int error = make(&source, path);
  if (error != 0) return token_trouble_refuse(error, path, why, why_cap);
  error = token_files_read(&source->files, visit, &source->kept).error;
  if (error == 0) error = source->kept.error;
  if (error != 0) {
    close_source(&source->source);
    return token_trouble_refuse(error, path, why, why_cap);
  }
  *result = &source->source;
  return 0;
}

static int open_live(struct token_source **result, const struct token_source_options *options, char *why,
                     size_t why_cap) {
  return open_and_read(result, options->argument, check_entry, why, why_cap);
}

static int open_kept(struct token_source **result, const struct token_source_options *options, char *why,
                     size_t why_cap) {
  return open_and_read(result, options->argument, keep_entry, why, why_cap);
}

const struct token_kind token_kind_file = {
    .name = "TokenFile",
    .open = open_live,
    .close = close_source,
    .find = find_in_files,
};

const struct token_kind token_kind_read_only_file = {
    .name = "ReadOnlyTokenFile",
    .open = open_kept,
    .close = close_source,
    .find = find_in_kept,
};
