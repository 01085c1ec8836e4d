/* Plain requests that get a file: built in, or from --web through the thread pool. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/path.h"
#include "core/log.h"
#include "server/connection_internal.h"
#include "server/content_type.h"

/* Longest path that a file is looked for under; PATH_MAX of Linux. */
#define FILE_PATH_MAX 4096u

#define ESCAPE_LEN 3u /* "%XX" */

/* Of an answer that is no file. */
static enum answer_body body_for(const struct connection *c) {
  return c->head.method_is_head ? ANSWER_HEAD_ONLY : ANSWER_BODY;
}

/* Where tokens stand in the path, one that names no file may be a token. */
static bool may_be_token(const struct connection *c, uint16_t status) {
  const struct server_settings *settings = c->domain->settings;
  return status >= 400 && settings->token_kind != NULL && settings->token_place.kind == TOKEN_IN_PATH;
}

/* `path` is a decoded one, relative, or the URL's as it came where that can't be decoded. */
static void log_answer(struct connection *c, uint16_t status, struct wsl_span path, uint64_t size) {
  if (status < 400 && !log_enabled(LOG_DEBUG)) {
    counter_add(&c->domain->counters->requests_served);
    return;
  }
  char shown[256], what[400];
  if (may_be_token(c, status)) path = wsl_span_of("***");
  const char *slash = path.len > 0 && path.at[0] == '/' ? "" : "/";
  log_escape(path, shown, sizeof(shown));
  if (status == 200) {
    snprintf(what, sizeof(what), "path=\"%s%s\" bytes=%" PRIu64, slash, shown, size);
  } else {
    snprintf(what, sizeof(what), "path=\"%s%s\" reason=\"%s\"", slash, shown, response_phrase(status));
  }
  connection_count_answer(c, status, what);
}

/* An answer without a file; the connection stays as it would have. */
static void refuse_file(struct connection *c, uint16_t status, struct wsl_span path) {
  struct response response = {.status = status, .retry_after_s = status == 503 ? 1 : 0};
  log_answer(c, status, path, 0);
  connection_answer_text(c, &response, response_phrase(status), body_for(c), c->next);
}

/* The file is there, but only its absence, or another state of it, was wanted. */
static void answer_precondition(struct connection *c, struct response *found, struct wsl_span path) {
  if (c->precondition == WSL_PRECONDITION_FAILED) {
    refuse_file(c, 412, path);
    return;
  }
  found->status = 304;
  log_answer(c, 304, path, 0);
  connection_answer_head(c, found, c->next);
}

static void answer_asset(struct connection *c, const char *path, enum file_body body) {
  const struct asset *asset = static_files_asset(c->domain->files->files, path);
  if (asset == NULL) {
    refuse_file(c, 404, wsl_span_of(path));
    return;
  }
  const char *type = asset->content_type != NULL ? asset->content_type : content_type_of(asset->path);
  struct response response = {.status = 200,
                              .content_length = asset->len,
                              .content_type = type,
                              .cache_control = content_type_cache_control(type)};
  if (c->precondition != WSL_PRECONDITION_HOLDS) {
    answer_precondition(c, &response, wsl_span_of(asset->path));
    return;
  }
  log_answer(c, 200, wsl_span_of(asset->path), body == FILE_WITH_BODY ? asset->len : 0);
  connection_answer_head(c, &response, c->next);
  if (body == FILE_HEAD_ONLY || c->out.head == NULL) return;
  c->out.body = asset->data;
  c->out.body_len = asset->len;
}

static void on_file_step(struct file_job *job, void *owner) {
  (void)job;
  struct connection *c = owner;
  connection_moved(c);
  connection_run(c);
}

/* Where sessions wait for buffers, a file would do so too. */
static bool have_room(const struct connection *c, enum file_body body) {
  bool lacks_buffer = body == FILE_WITH_BODY && session_domain_is_short(c->domain->sessions);
  return !lacks_buffer && file_jobs_have_room(c->domain->files);
}

static void begin_job(struct connection *c, const char *path, struct wsl_span query, enum file_name name,
                      enum file_body body) {
  struct file_jobs *jobs = c->domain->files;
  if (have_room(c, body)) c->file = file_job_new(jobs, path, query, name, body, on_file_step, c);
  if (c->file == NULL) {
    refuse_file(c, 503, wsl_span_of(path));
    return;
  }
  c->file_answered = false;
  connection_set_state(c, CONNECTION_FILE);
}

void connection_begin_file(struct connection *c, struct wsl_span url_path, struct wsl_span query,
                           enum file_body body) {
  char path[FILE_PATH_MAX];
  bool is_directory = false;
  switch (path_decode(url_path, path, sizeof(path), &is_directory)) {
    case PATH_OK:
      break;
    case PATH_MALFORMED:
      refuse_file(c, 400, url_path);
      return;
    case PATH_OUTSIDE:
    case PATH_TOO_LONG:
      refuse_file(c, 404, url_path);
      return;
  }
  if (path[0] == '\0') is_directory = true;
  if (c->domain->files->files->kind == STATIC_ASSETS) {
    answer_asset(c, path, body);
  } else {
    begin_job(c, path, query, is_directory ? FILE_INDEX_OF : FILE_NAMED, body);
  }
}

/* ---- CONNECTION_FILE ---- */

static void drop_job(struct connection *c) {
  file_job_drop(c->file);
  c->file = NULL;
}

static enum step open_job(struct connection *c) {
  struct buffer *buffer = NULL;
  connection_expect_progress(c);
  if (c->file->body == FILE_WITH_BODY) {
    buffer = connection_borrow(c, BUFFER_DOWN);
    if (buffer == NULL) return STEP_WAIT;
  }
  file_job_open(c->file, buffer);
  return STEP_WAIT;
}

/* "/path/?query", each encoded anew; the caller's to free. NULL without memory. */
static char *make_location(const struct file_job *job) {
  size_t path_cap = ESCAPE_LEN * strlen(job->path) + sizeof("/"), query_len = strlen(job->query);
  size_t cap = path_cap + strlen("/?") + ESCAPE_LEN * query_len;
  char *location = malloc(cap);
  if (location == NULL) return NULL;
  int error = path_encode(job->path, location, path_cap);
  assert(error == 0); /* the room is reckoned for all of it escaped */
  strcat(location, query_len > 0 ? "/?" : "/");
  size_t len = strlen(location);
  error = query_encode(job->query, location + len, cap - len);
  assert(error == 0);
  (void)error;
  return location;
}

/* RFC 9110 15.4.2. With the query, as other servers do it: pages such as noVNC are told there what to do. */
static void redirect(struct connection *c) {
  struct file_job *job = c->file;
  char *location = make_location(job);
  if (location == NULL) {
    refuse_file(c, 503, wsl_span_of(job->path));
    return;
  }
  struct response response = {.status = 301, .location = location};
  log_answer(c, 301, wsl_span_of(job->path), 0);
  connection_answer_text(c, &response, response_phrase(301), body_for(c), c->next);
  free(location);
}

static void refuse_outcome(struct connection *c) {
  struct file_job *job = c->file;
  uint16_t status = 500;
  if (job->outcome == FILE_MISSING || job->outcome == FILE_IS_DIRECTORY) status = 404;
  if (job->outcome == FILE_FORBIDDEN) status = 403;
  if (job->outcome == FILE_NO_RESOURCES) status = 503;
  refuse_file(c, status, wsl_span_of(job->path));
}

static struct response found(const struct file_job *job) {
  const char *type = content_type_of(job->path);
  return (struct response){.status = 200,
                           .content_length = job->size,
                           .content_type = type,
                           .cache_control = content_type_cache_control(type)};
}

/* The head goes right before the first chunk, in the room that the job has left for it. */
static void answer_file(struct connection *c) {
  struct file_job *job = c->file;
  struct response response = found(job);
  char head[RESPONSE_HEAD_MAX];
  size_t len = connection_write_head(c, &response, head, sizeof(head));
  uint8_t *at = job->buffer->data + FILE_HEAD_ROOM - len;
  memcpy(at, head, len);
  c->out.body = at;
  c->out.body_len = len + job->chunk_len;
  job->chunk_len = 0;
  c->file_answered = true;
  log_answer(c, 200, wsl_span_of(job->path), job->size);
}

static void answer_head_of_file(struct connection *c) {
  struct response response = found(c->file);
  if (c->precondition != WSL_PRECONDITION_HOLDS) {
    answer_precondition(c, &response, wsl_span_of(c->file->path));
    return;
  }
  log_answer(c, 200, wsl_span_of(c->file->path), 0);
  connection_answer_head(c, &response, c->next);
}

/* The job has opened its file, or not. */
static enum step answer_job(struct connection *c) {
  struct file_job *job = c->file;
  if (job->outcome == FILE_FOUND && job->body == FILE_WITH_BODY) {
    answer_file(c);
    return STEP_ON;
  }
  if (job->outcome == FILE_FOUND) {
    answer_head_of_file(c);
  } else if (job->outcome == FILE_IS_DIRECTORY && job->name == FILE_NAMED) {
    redirect(c);
  } else {
    refuse_outcome(c);
  }
  drop_job(c);
  return STEP_ON;
}

/* A chunk has left. */
static enum step next_chunk(struct connection *c) {
  struct file_job *job = c->file;
  if (job->short_read) {
    char shown[256];
    log_event(LOG_WARN, c->id, "file became shorter while it was sent path=\"/%s\"",
              log_escape(wsl_span_of(job->path), shown, sizeof(shown)));
    /* Content-Length can't be kept: only an abrupt end tells the client (RFC 9112 8). */
    return connection_close(c, CLOSE_BY_RESET);
  }
  if (file_job_left(job) > 0) {
    connection_expect_progress(c);
    file_job_read(job);
    return STEP_WAIT;
  }
  if (!connection_has_left(c)) return STEP_WAIT;
  drop_job(c);
  timer_disarm(c->domain->timers, &c->timer);
  return connection_answered(c);
}

enum step connection_step_file(struct connection *c) {
  struct file_job *job = c->file;
  if (!job->opened) return open_job(c);
  if (job->busy) return STEP_WAIT;
  if (!c->file_answered) return answer_job(c);
  if (outgoing_left(&c->out) > 0) return connection_write(c);
  if (job->chunk_len > 0) {
    c->out.body = job->chunk;
    c->out.body_len = job->chunk_len;
    job->chunk_len = 0;
    return STEP_ON;
  }
  return next_chunk(c);
}
