/* See server/file_job.h. */
#include "server/file_job.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "net/privileged.h"

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

static int open_path(struct file_job *job) {
  const struct static_files *files = job->jobs->files;
  int fd = privileged_open_beneath(files->dir_fd, files->dir_path, job->path);
  if (fd < 0) return fd;
  job->fd = fd;
  return 0;
}

/* Opens and looks what it is. */
static enum file_outcome open_and_stat(struct file_job *job, struct stat *st) {
  int error = open_path(job);
  if (error != 0) return outcome_of(error);
  if (fstat(job->fd, st) != 0) return FILE_BROKEN;
  if (S_ISDIR(st->st_mode)) return FILE_IS_DIRECTORY;
  return S_ISREG(st->st_mode) ? FILE_FOUND : FILE_MISSING;
}

/* Reads until the chunk is full, or all of it is there; a short read() alone means nothing. */
static void read_chunk(struct file_job *job, uint8_t *at, size_t room) {
  uint64_t left = job->size - job->offset;
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

static void open_step(uv_work_t *work) {
  struct file_job *job = LIST_ENTRY(work, struct file_job, work);
  struct stat st;
  job->outcome = open_and_stat(job, &st);
  if (job->outcome != FILE_FOUND) return;
  job->size = (uint64_t)st.st_size;
  if (job->body == FILE_HEAD_ONLY) return;
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
  free(job);
}

static void on_step_over(uv_work_t *work, int status) {
  (void)status; /* UV_ECANCELED: dropped, and the owner is NULL */
  struct file_job *job = LIST_ENTRY(work, struct file_job, work);
  struct file_jobs *jobs = job->jobs;
  jobs->running--;
  job->busy = false;
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
static struct file_job *make_job(const char *path, struct wsl_span query, enum file_name name) {
  size_t path_len = strlen(path), path_size = path_len + sizeof("/" STATIC_INDEX);
  struct file_job *job = calloc(1, sizeof(*job) + path_size + query.len + 1);
  if (job == NULL) return NULL;
  if (query.len > 0) memcpy(job->path + path_size, query.at, query.len);
  job->query = job->path + path_size;
  memcpy(job->path, path, path_len);
  if (name == FILE_NAMED) return job;
  if (path_len > 0) job->path[path_len++] = '/';
  memcpy(job->path + path_len, STATIC_INDEX, sizeof(STATIC_INDEX));
  return job;
}

struct file_job *file_job_new(struct file_jobs *jobs, const char *path, struct wsl_span query,
                              enum file_name name, enum file_body body, file_job_fn done, void *owner) {
  struct file_job *job = make_job(path, query, name);
  if (job == NULL) return NULL;
  job->jobs = jobs;
  job->done = done;
  job->owner = owner;
  job->name = name;
  job->body = body;
  job->fd = -1;
  return job;
}

void file_job_open(struct file_job *job, struct buffer *buffer) {
  assert(!job->opened && (job->body == FILE_WITH_BODY) == (buffer != NULL));
  job->opened = true;
  job->buffer = buffer;
  queue(job, open_step);
}

uint64_t file_job_left(const struct file_job *job) {
  return job->size - job->offset;
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
