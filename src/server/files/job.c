/* See server/files/job.h. */
#include "server/files/job.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"
#include "net/privileged.h"

#define COMPRESSED_ENDING ".gz"

static enum file_outcome outcome_of(int error) {
  switch (error) {
    case WSL_NOT_FOUND:
      return FILE_MISSING;
    case WSL_DENIED:
      return FILE_FORBIDDEN;
    case WSL_NO_DESCRIPTOR:
    case WSL_NO_MEMORY:
      return FILE_NO_RESOURCES;
    default:
      return FILE_BROKEN;
  }
}

/* ---- in the pool ---- */

static int open_beneath(const struct file_job *job, const char *path) {
  const struct static_files *files = job->jobs->files;
  return privileged_open_beneath(files->dir_fd, files->dir_path, path);
}

static bool is_hidden(const struct file_job *job, const struct stat *st) {
  const struct static_files *files = job->jobs->files;
  return private_files_hold(&files->hidden, files->dir_fd, job->path, st);
}

/* Opens and looks what it is. */
static enum file_outcome open_and_stat(struct file_job *job, struct stat *st) {
  int fd = open_beneath(job, job->path);
  if (fd < 0) return outcome_of(fd);
  job->fd = fd;
  if (fstat(job->fd, st) != 0) return FILE_BROKEN;
  if (is_hidden(job, st)) return FILE_MISSING;
  if (S_ISDIR(st->st_mode)) return FILE_IS_DIRECTORY;
  return S_ISREG(st->st_mode) ? FILE_FOUND : FILE_MISSING;
}

static bool is_older(const struct timespec *a, const struct timespec *b) {
  return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* Takes the compressed form in place of the file, where there is one and it is wanted. One that is older than
 * the file was made of another. */
static void look_for_compressed(struct file_job *job, struct stat *st) {
  struct stat found;
  size_t len = strlen(job->path);
  memcpy(job->path + len, COMPRESSED_ENDING, sizeof(COMPRESSED_ENDING)); /* new_job() has left room */
  int fd = open_beneath(job, job->path);
  job->path[len] = '\0';
  if (fd < 0) return;
  bool fits = fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && !is_older(&found.st_mtim, &st->st_mtim) &&
              !is_hidden(job, &found);
  job->varies = fits;
  job->compressed = fits && conditions_accept_gzip(&job->conditions);
  if (!job->compressed) {
    close(fd);
    return;
  }
  close(job->fd);
  job->fd = fd;
  *st = found;
}

/* Reads until the chunk is full, or all that is wanted is there; a short read() alone means nothing. */
static void read_chunk(struct file_job *job, uint8_t *at, size_t room) {
  uint64_t left = job->end - job->offset;
  if (room > left) room = (size_t)left;
  job->chunk = at;
  job->chunk_len = 0;
  while (job->chunk_len < room) {
    ssize_t n = pread(job->fd, at + job->chunk_len, room - job->chunk_len, (off_t)job->offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      job->short_read = true;
      return;
    }
    job->chunk_len += (size_t)n;
    job->offset += (uint64_t)n;
  }
}

/* A file that changes gets another tag: by its time in nanoseconds, or by its size. */
static void describe(struct file_job *job, const struct stat *st, int64_t now) {
  unsigned long long size = (unsigned long long)st->st_size, seconds = (unsigned long long)st->st_mtim.tv_sec;
  snprintf(job->tag, sizeof(job->tag), "\"%llx.%08lx-%llx%s\"", seconds, (unsigned long)st->st_mtim.tv_nsec,
           size, job->compressed ? "-gz" : "");
  job->state = (struct file_state){
      .size = (uint64_t)st->st_size,
      .tag = job->tag,
      .modified_s = st->st_mtim.tv_sec < now ? st->st_mtim.tv_sec : now, /* RFC 9110 8.8.2.1 */
      .has_modified = st->st_mtim.tv_sec >= 0,
  };
}

/* What of the file is to be sent. */
static void judge(struct file_job *job, int64_t now) {
  struct file_part part = {0, job->state.size};
  job->condition = conditions_judge(&job->conditions, job->method, &job->state, now, &part);
  bool sends = job->condition == CONDITION_WHOLE || job->condition == CONDITION_PART;
  job->offset = part.first;
  job->end = sends ? part.first + part.len : part.first;
}

/* No index: the directory itself, whose path is without that. */
static enum file_outcome list_directory(struct file_job *job) {
  size_t index_len = sizeof(STATIC_INDEX) - 1, len = strlen(job->path) - index_len;
  job->path[len > 0 ? len - 1 : 0] = '\0';
  struct stat st;
  int fd = open_beneath(job, job->path);
  if (fd < 0) return outcome_of(fd);
  bool hidden = fstat(fd, &st) != 0 || is_hidden(job, &st);
  int error = hidden ? WSL_NOT_FOUND : directory_listing_make(fd, job->path, &job->listing);
  close(fd);
  return error == 0 ? FILE_LISTING : outcome_of(error);
}

static void open_step(uv_work_t *work) {
  struct file_job *job = LIST_ENTRY(work, struct file_job, work);
  struct stat st;
  int64_t now = time(NULL);
  job->outcome = open_and_stat(job, &st);
  bool lists = job->jobs->files->listing == STATIC_LISTED && job->name == FILE_INDEX_OF;
  if (job->outcome == FILE_MISSING && lists) job->outcome = list_directory(job);
  if (job->outcome != FILE_FOUND) return;
  look_for_compressed(job, &st);
  describe(job, &st, now);
  judge(job, now);
  if (job->method == CONDITION_HEAD || job->offset == job->end) return;
  read_chunk(job, job->buffer->data + FILE_HEAD_ROOM, job->buffer->size - FILE_HEAD_ROOM);
}

static void read_step(uv_work_t *work) {
  struct file_job *job = LIST_ENTRY(work, struct file_job, work);
  read_chunk(job, job->buffer->data, job->buffer->size);
}

/* ---- on the worker's thread ---- */

static void free_job(struct file_job *job) {
  buffer_return(job->jobs->buffers, job->buffer);
  if (job->fd >= 0) close(job->fd);
  if (job->listing.html != NULL && job->counted) job->jobs->listings--;
  free(job->listing.html);
  free(job);
}

/* One too many is not sent. */
static void count_listing(struct file_job *job) {
  if (job->outcome != FILE_LISTING || job->counted) return;
  job->counted = true;
  if (++job->jobs->listings > FILE_LISTINGS_MAX) job->outcome = FILE_NO_RESOURCES;
}

static void on_step_over(uv_work_t *work, int status) {
  (void)status; /* UV_ECANCELED: dropped, and the owner is NULL */
  struct file_job *job = LIST_ENTRY(work, struct file_job, work);
  struct file_jobs *jobs = job->jobs;
  jobs->running--;
  job->busy = false;
  count_listing(job);
  if (job->owner == NULL) {
    free_job(job);
    if (jobs->on_dropped_ended != NULL) jobs->on_dropped_ended(jobs);
    return;
  }
  job->done(job, job->owner);
}

static void queue(struct file_job *job, uv_work_cb step) {
  int error = uv_queue_work(job->jobs->loop, &job->work, step, on_step_over);
  assert(error == 0); /* it fails only for a NULL callback */
  (void)error;
  job->busy = true;
  job->jobs->running++;
}

bool file_jobs_have_room(const struct file_jobs *jobs) {
  return jobs->running < FILE_JOBS_RUNNING_MAX;
}

/* "a/b" asked for as a directory is "a/b/index.html"; one that is a file is then not found. */
static void write_path(char *out, const struct file_request *request) {
  size_t len = strlen(request->path);
  memcpy(out, request->path, len);
  if (request->name == FILE_NAMED) return;
  if (len > 0) out[len++] = '/';
  memcpy(out + len, STATIC_INDEX, sizeof(STATIC_INDEX));
}

struct file_job *file_job_new(struct file_jobs *jobs, const struct file_request *request, file_job_fn done,
                              void *owner) {
  size_t path_size = strlen(request->path) + sizeof("/" STATIC_INDEX COMPRESSED_ENDING);
  size_t query_size = request->query.len + 1;
  struct file_job *job = calloc(1, sizeof(*job) + path_size + query_size + conditions_room(request->head));
  if (job == NULL) return NULL;
  job->path = job->words;
  write_path(job->path, request);
  char *query = job->words + path_size;
  if (request->query.len > 0) memcpy(query, request->query.at, request->query.len);
  job->query = query;
  conditions_copy(request->head, query + query_size, &job->conditions);
  job->jobs = jobs;
  job->done = done;
  job->owner = owner;
  job->name = request->name;
  job->method = request->method;
  job->fd = -1;
  return job;
}

void file_job_open(struct file_job *job, struct buffer *buffer) {
  assert(!job->opened && (job->method == CONDITION_GET) == (buffer != NULL));
  job->opened = true;
  job->buffer = buffer;
  queue(job, open_step);
}

uint64_t file_job_left(const struct file_job *job) {
  return job->end - job->offset;
}

void file_job_read(struct file_job *job) {
  assert(!job->busy && job->outcome == FILE_FOUND && file_job_left(job) > 0);
  queue(job, read_step);
}

void file_job_drop(struct file_job *job) {
  job->owner = NULL;
  if (!job->busy) {
    free_job(job);
    return;
  }
  /* Succeeds while the step waits in the queue; on_step_over() comes in either case. */
  (void)uv_cancel((uv_req_t *)&job->work);
}
