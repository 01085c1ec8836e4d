/* One file on its way from the disk to a client: opening and reading run in libuv's thread pool, since
 * a disk or a network file system may take its time, and the loop must not.
 *
 * The job owns its descriptor, its path and its buffer, because it may outlive the connection that
 * asked: a step that a pool thread has begun can't be called back. Opening, fstat, judging the request's
 * conditions and the first read are one trip, so that a small file costs one.
 *
 * Where FILE.gz lies beside FILE, is not older and the client takes gzip, that is the file. A directory
 * without an index is listed, where the operator wants that.
 *
 *   buffer:  | room for the response head | first chunk ........ |
 *            data                         data + FILE_HEAD_ROOM
 *
 * All calls on the worker's thread; only the step itself runs elsewhere, and nobody else touches the
 * job meanwhile (busy).
 */
#ifndef SERVER_FILES_JOB_H
#define SERVER_FILES_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "codec/http/conditions.h"
#include "net/buffer_pool.h"
#include "server/files/directory_listing.h"
#include "server/files/static_files.h"
#include "server/response.h"

/* The head stands right before the first chunk, so that both leave in one write. */
#define FILE_HEAD_ROOM RESPONSE_HEAD_MAX

/* Jobs that a worker may have in the pool before new requests are answered 503: a disk that hangs
 * must not pile up requests. */
#define FILE_JOBS_RUNNING_MAX 128u

/* Listings on their way to clients, a worker: each is LISTING_BYTES_MAX at most. */
#define FILE_LISTINGS_MAX 64u

/* An entity tag: two numbers of 64 bits, what tells the compressed form, quotes and a NUL. */
#define FILE_TAG_SIZE 40u

/* What a worker lends. */
struct file_jobs {
  uv_loop_t *loop;
  struct buffer_pool *buffers;
  const struct static_files *files;
  unsigned running;  /* steps in the pool or in its queue */
  unsigned listings; /* made and not yet sent */
  /* A job that was dropped while its step ran is freed now; may be NULL. Nobody else would tell whoever
   * waits for `running` to become 0. */
  void (*on_dropped_ended)(struct file_jobs *jobs);
};

/* What opening found. */
enum file_outcome {
  FILE_FOUND,
  FILE_LISTING,      /* a directory's */
  FILE_IS_DIRECTORY, /* asked for without a slash at the end: redirect */
  FILE_MISSING,      /* 404; also a directory without an index */
  FILE_FORBIDDEN,    /* 403 */
  FILE_NO_RESOURCES, /* 503: no descriptor, no memory */
  FILE_BROKEN        /* 500 */
};

enum file_name { FILE_NAMED, FILE_INDEX_OF }; /* path is a file's, or a directory's ("a/b/") */

/* What is asked for; all of it is copied. */
struct file_request {
  const char *path; /* decoded, relative */
  enum file_name name;
  enum condition_method method;
  struct wsl_span query;       /* of the URL as it came, for a redirect */
  const struct wsl_head *head; /* for its conditions */
};

struct file_job;
typedef void (*file_job_fn)(struct file_job *job, void *owner);

struct file_job {
  uv_work_t work;
  struct file_jobs *jobs;
  file_job_fn done;
  void *owner; /* NULL once dropped */
  bool opened; /* file_job_open() was called */
  bool busy;   /* a step is in the pool */
  enum condition_method method;
  enum file_name name;
  struct conditions conditions; /* of the request; point into `words` */

  enum file_outcome outcome;        /* of the opening */
  enum condition_outcome condition; /* FILE_FOUND: which answer it gets */
  int fd;
  bool compressed;         /* it is the compressed form */
  bool varies;             /* there is one */
  char tag[FILE_TAG_SIZE]; /* strong entity tag */
  struct file_state state; /* as fstat said */
  struct listing listing;  /* FILE_LISTING */
  bool counted;            /* among the listings; on the loop */

  struct buffer *buffer; /* NULL for CONDITION_HEAD */
  uint64_t offset, end;  /* of the next read; behind the last byte wanted */
  uint8_t *chunk;        /* the last read: in buffer */
  size_t chunk_len;
  bool short_read; /* the last read met the end or an error before `end` */

  const char *query; /* in `words` */
  char *path;        /* likewise; with FILE_INDEX_OF the index's, once opened */
  char words[];
};

/* Whether the pool takes another request. */
bool file_jobs_have_room(const struct file_jobs *jobs);

/* A job for `request`, not started. `done` comes after each step, from the loop. NULL without memory. */
struct file_job *file_job_new(struct file_jobs *jobs, const struct file_request *request, file_job_fn done,
                              void *owner);

/* Starts opening; `buffer` (for CONDITION_GET, else NULL) is the job's from now on. */
void file_job_open(struct file_job *job, struct buffer *buffer);

/* Bytes wanted of the file behind the last chunk. */
uint64_t file_job_left(const struct file_job *job);

/* Reads the next chunk (the last one has left); `done` comes later. */
void file_job_read(struct file_job *job);

/* The owner is done with it, or gone: frees it now, or when the running step has ended. */
void file_job_drop(struct file_job *job);

#endif
