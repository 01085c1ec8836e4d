/* Plain requests that get a file: built in, or from --web through the thread pool. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "codec/http/path.h"
#include "core/log.h"
#include "server/connection/internal.h"
#include "server/files/content_type.h"

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

static enum condition_method method_of(const struct connection *c) {
  return c->head.method_is_head ? CONDITION_HEAD : CONDITION_GET;
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
  if (status < 300) {
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

/* The status of an answer that has a file, and its body's length. */
static uint16_t status_of(enum condition_outcome condition) {
  switch (condition) {
    case CONDITION_WHOLE:
      return 200;
    case CONDITION_PART:
      return 206;
    case CONDITION_UNCHANGED:
      return 304;
    case CONDITION_FAILED:
      return 412;
    case CONDITION_NO_PART:
      return 416;
  }
  return 500;
}

/* 304, 412, 416: what is said instead of the file that `response` describes. */
static void answer_without_file(struct connection *c, struct response *response, struct wsl_span path) {
  struct response no_part = {.status = 416, .file = response->file};
  switch (response->status) {
    case 304:
      log_answer(c, 304, path, 0);
      connection_answer_head(c, response, c->next);
      break;
    case 416:
      log_answer(c, 416, path, 0);
      connection_answer_text(c, &no_part, response_phrase(416), body_for(c), c->next);
      break;
    default:
      refuse_file(c, response->status, path);
  }
}

/* False without memory. */
static bool judge_asset(const struct connection *c, const struct file_state *state,
                        enum condition_outcome *outcome, struct file_part *part) {
  struct conditions conditions;
  char *memory = malloc(conditions_room(&c->head) + 1);
  if (memory == NULL) return false;
  conditions_copy(&c->head, memory, &conditions);
  *outcome = conditions_judge(&conditions, method_of(c), state, time(NULL), part);
  free(memory);
  return true;
}

static void send_asset(struct connection *c, const struct asset *asset, struct response *response,
                       const struct file_part *part) {
  log_answer(c, response->status, wsl_span_of(asset->path), c->head.method_is_head ? 0 : part->len);
  connection_answer_head(c, response, c->next);
  if (c->head.method_is_head || c->out.head == NULL) return;
  c->out.body = asset->data + part->first;
  c->out.body_len = part->len;
}

/* Built-in files have neither a tag nor a date. */
static void answer_asset(struct connection *c, const char *path) {
  const struct asset *asset = static_files_asset(c->domain->files->files, path);
  if (asset == NULL) {
    refuse_file(c, 404, wsl_span_of(path));
    return;
  }
  struct file_state state = {.size = asset->len};
  struct file_part part = {0, asset->len};
  enum condition_outcome outcome;
  if (!judge_asset(c, &state, &outcome, &part)) {
    refuse_file(c, 503, wsl_span_of(path));
    return;
  }
  const char *type = asset->content_type != NULL ? asset->content_type : content_type_of(asset->path);
  struct response_file about = {.size = asset->len, .first = part.first};
  struct response response = {.status = status_of(outcome),
                              .content_length = part.len,
                              .content_type = type,
                              .type_unknown = content_type_is_unknown(type),
                              .cache_control = content_type_cache_control(type),
                              .file = &about};
  if (outcome == CONDITION_WHOLE || outcome == CONDITION_PART)
    send_asset(c, asset, &response, &part);
  else
    answer_without_file(c, &response, wsl_span_of(asset->path));
}

static void on_file_step(struct file_job *job, void *owner) {
  (void)job;
  struct connection *c = owner;
  connection_moved(c);
  connection_run(c);
}

/* Where sessions wait for buffers, a file would do so too. */
static bool have_room(const struct connection *c, enum condition_method method) {
  bool lacks_buffer = method == CONDITION_GET && session_domain_is_short(c->domain->sessions);
  return !lacks_buffer && file_jobs_have_room(c->domain->files);
}

static void begin_job(struct connection *c, const struct file_request *request) {
  if (have_room(c, request->method)) c->file = file_job_new(c->domain->files, request, on_file_step, c);
  if (c->file == NULL) {
    refuse_file(c, 503, wsl_span_of(request->path));
    return;
  }
  c->file_answered = false;
  connection_set_state(c, CONNECTION_FILE);
}

void connection_begin_file(struct connection *c, const struct wsl_request *request) {
  char path[FILE_PATH_MAX];
  bool is_directory = false;
  switch (path_decode(request->path, path, sizeof(path), &is_directory)) {
    case PATH_OK:
      break;
    case PATH_MALFORMED:
      refuse_file(c, 400, request->path);
      return;
    case PATH_OUTSIDE:
    case PATH_TOO_LONG:
      refuse_file(c, 404, request->path);
      return;
  }
  if (path_is_hidden(path)) {
    refuse_file(c, 404, request->path);
    return;
  }
  if (c->domain->files->files->kind == STATIC_ASSETS) {
    answer_asset(c, path);
    return;
  }
  struct file_request wanted = {
      .path = path,
      .name = is_directory || path[0] == '\0' ? FILE_INDEX_OF : FILE_NAMED,
      .method = method_of(c),
      .query = request->query,
      .head = &c->head,
  };
  begin_job(c, &wanted);
}

/* ---- CONNECTION_FILE ---- */

static void drop_job(struct connection *c) {
  file_job_drop(c->file);
  c->file = NULL;
}

static enum step open_job(struct connection *c) {
  struct buffer *buffer = NULL;
  connection_expect_progress(c);
  if (c->file->method == CONDITION_GET) {
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

/* A page that says what is in a directory. The job keeps it until it has left. */
static void answer_listing(struct connection *c) {
  const struct listing *listing = &c->file->listing;
  struct response response = {.status = 200,
                              .content_length = listing->len,
                              .content_type = LISTING_TYPE,
                              .cache_control = content_type_cache_control(LISTING_TYPE)};
  char *head = malloc(RESPONSE_HEAD_MAX);
  if (head == NULL) {
    refuse_file(c, 503, wsl_span_of(c->file->path));
    drop_job(c);
    return;
  }
  outgoing_take_head(&c->out, head, connection_write_head(c, &response, head, RESPONSE_HEAD_MAX));
  if (!c->head.method_is_head) {
    c->out.body = (const uint8_t *)listing->html;
    c->out.body_len = listing->len;
  }
  c->file_answered = true;
  log_answer(c, 200, wsl_span_of(c->file->path), c->out.body_len);
}

/* Of the part, or of what a client has already (RFC 9110 8.6). */
static uint64_t length_of(const struct file_job *job) {
  return job->condition == CONDITION_PART ? file_job_left(job) + job->chunk_len : job->state.size;
}

/* What the answer with a file says; `about` and `date` outlive the head's making. */
static struct response describe(const struct file_job *job, struct response_file *about,
                                char date[HTTP_DATE_SIZE]) {
  const char *type = content_type_of(job->path);
  *about = (struct response_file){
      .tag = job->tag,
      .last_modified = job->state.has_modified ? date : NULL,
      .compressed = job->compressed,
      .varies = job->varies,
      .size = job->state.size,
      .first = job->offset - job->chunk_len,
  };
  if (job->state.has_modified) http_date_write(job->state.modified_s, date);
  return (struct response){.status = status_of(job->condition),
                           .content_length = length_of(job),
                           .content_type = type,
                           .type_unknown = content_type_is_unknown(type),
                           .cache_control = content_type_cache_control(type),
                           .file = about};
}

/* The head goes right before the first chunk, in the room that the job has left for it. */
static void send_file(struct connection *c, struct response *response) {
  struct file_job *job = c->file;
  char head[RESPONSE_HEAD_MAX];
  size_t len = connection_write_head(c, response, head, sizeof(head));
  uint8_t *at = job->buffer->data + FILE_HEAD_ROOM - len;
  memcpy(at, head, len);
  c->out.body = at;
  c->out.body_len = len + job->chunk_len;
  job->chunk_len = 0;
  c->file_answered = true;
}

/* The file is open, and it is known what of it is wanted. */
static void answer_file(struct connection *c) {
  struct file_job *job = c->file;
  struct response_file about;
  char date[HTTP_DATE_SIZE];
  struct response response = describe(job, &about, date);
  if (job->condition != CONDITION_WHOLE && job->condition != CONDITION_PART) {
    answer_without_file(c, &response, wsl_span_of(job->path));
  } else if (job->method == CONDITION_GET) {
    log_answer(c, response.status, wsl_span_of(job->path), response.content_length);
    send_file(c, &response);
    return;
  } else {
    log_answer(c, response.status, wsl_span_of(job->path), 0);
    connection_answer_head(c, &response, c->next);
  }
  drop_job(c);
}

/* The job has opened its file, or not. */
static enum step answer_job(struct connection *c) {
  struct file_job *job = c->file;
  if (job->outcome == FILE_FOUND) {
    answer_file(c);
    return STEP_ON;
  }
  if (job->outcome == FILE_LISTING) {
    answer_listing(c);
    return STEP_ON;
  }
  if (job->outcome == FILE_IS_DIRECTORY && job->name == FILE_NAMED) {
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
