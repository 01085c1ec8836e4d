/* See ops/recorder.h. The mutex is held to link entries only; files belong to the recorder's thread. */
#include "ops/recorder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "core/error.h"
#include "core/list.h"
#include "core/log.h"
#include "core/signal_mask.h"

#define NS_PER_MS   UINT64_C(1000000)
#define NO_FILE     (-1)
#define NUMBER_ROOM 24u  /* ".", a number of 64 bits and a NUL */
#define FRAME_ROOM  32u  /* what stands round a frame's data */
#define ESCAPE_MAX  4u   /* "\xff" */
#define FILE_MODE   0600 /* it holds what people type */
#define PIECE_BYTES ((size_t)16 * 1024)
#define SHOWN_MAX   256u
#define FIRST_LINE  "var VNC_frame_data = [\n"
#define LAST_LINE   "'EOF'];\n"

enum entry_kind { ENTRY_OPEN, ENTRY_FRAME, ENTRY_CLOSE };

/* Something to be written. */
struct entry {
  struct list node;
  struct recording *recording;
  enum entry_kind kind;
  enum recording_way way;
  uint64_t ms; /* since the recording began */
  size_t len;
  uint8_t data[];
};

struct recording {
  struct recorder *recorder;
  uint64_t id, number;
  uint64_t started_ns;
  atomic_bool given_up; /* nothing is added or written any more */
  struct entry *last;   /* its ENTRY_CLOSE, made in time: an end must not fail for want of memory */
  off_t whole;          /* the thread's: bytes of whole lines in the file */
};

struct recorder {
  const char *path;
  uv_thread_t thread;
  uv_mutex_t mutex;
  uv_cond_t changed;
  /* Under the mutex: */
  struct list queue;
  size_t queued; /* bytes of the frames in it */
  uint64_t numbers;
  size_t open; /* recordings that are not closed */
  bool ends;
  /* The thread's: */
  int fd;
  struct recording *of; /* whose file `fd` is */
};

/* ---- any thread ---- */

static uint64_t ms_since(const struct recording *recording) {
  return (uv_hrtime() - recording->started_ns) / NS_PER_MS;
}

static struct entry *make_entry(struct recording *recording, enum entry_kind kind, size_t len) {
  struct entry *entry = malloc(sizeof(*entry) + len);
  if (entry == NULL) return NULL;
  entry->recording = recording;
  entry->kind = kind;
  entry->ms = ms_since(recording);
  entry->len = len;
  return entry;
}

/* What it takes of the queue's room: a frame with what stands around it in memory, or many short ones would
 * be far more than their data. The two others, as many as there are sessions, always fit. */
static size_t weight_of(const struct entry *entry) {
  return entry->kind == ENTRY_FRAME ? sizeof(*entry) + entry->len : 0;
}

/* False: the queue is full. */
static bool enqueue(struct recorder *recorder, struct entry *entry) {
  size_t weight = weight_of(entry);
  uv_mutex_lock(&recorder->mutex);
  bool fits = weight <= RECORDER_QUEUE_BYTES - recorder->queued;
  if (fits) {
    recorder->queued += weight;
    list_append(&recorder->queue, &entry->node);
    uv_cond_signal(&recorder->changed);
  }
  uv_mutex_unlock(&recorder->mutex);
  return fits;
}

/* Once for each recording. */
static void give_up(struct recording *recording, const char *reason) {
  if (atomic_exchange(&recording->given_up, true)) return;
  log_event(LOG_WARN, recording->id, "recording ended before its session number=%llu reason=\"%s\"",
            (unsigned long long)recording->number, reason);
}

struct recording *recording_open(struct recorder *recorder, uint64_t id) {
  struct recording *recording = calloc(1, sizeof(*recording));
  if (recording == NULL) return NULL;
  recording->recorder = recorder;
  recording->id = id;
  recording->started_ns = uv_hrtime();
  struct entry *entry = make_entry(recording, ENTRY_OPEN, 0);
  recording->last = make_entry(recording, ENTRY_CLOSE, 0);
  if (entry == NULL || recording->last == NULL) {
    free(entry);
    free(recording->last);
    free(recording);
    return NULL;
  }
  uv_mutex_lock(&recorder->mutex);
  recording->number = ++recorder->numbers;
  recorder->open++;
  uv_mutex_unlock(&recorder->mutex);
  bool fits = enqueue(recorder, entry); /* it weighs nothing */
  assert(fits);
  (void)fits;
  return recording;
}

void recording_add(struct recording *recording, enum recording_way way, const uint8_t *data, size_t len) {
  if (atomic_load_explicit(&recording->given_up, memory_order_relaxed)) return;
  struct entry *entry = make_entry(recording, ENTRY_FRAME, len);
  if (entry == NULL) {
    give_up(recording, "not enough memory");
    return;
  }
  entry->way = way;
  memcpy(entry->data, data, len);
  if (enqueue(recording->recorder, entry)) return;
  free(entry);
  give_up(recording, "the disk is slower than the stream");
}

void recording_close(struct recording *recording) {
  struct recorder *recorder = recording->recorder;
  bool fits = enqueue(recorder, recording->last);
  assert(fits);
  (void)fits;
}

/* ---- the thread: files ---- */

static void close_file(struct recorder *recorder) {
  if (recorder->fd != NO_FILE) close(recorder->fd);
  recorder->fd = NO_FILE;
  recorder->of = NULL;
}

/* Folders such as /tmp are everybody's: what somebody else has put where a recording goes, a link to another
 * file of ours or a FIFO that holds us up, is not written to. 0, or an errno. */
static int check_file(int fd) {
  struct stat st;
  if (fstat(fd, &st) != 0) return errno;
  if (st.st_uid != geteuid()) return EPERM;
  return fcntl(fd, F_SETFL, O_APPEND) == 0 ? 0 : errno; /* blocking, from here on */
}

/* Has `fd` be the recording's file. */
static int use_file(struct recorder *recorder, struct recording *recording, int flags) {
  char path[PATH_MAX];
  if (recorder->of == recording) return 0;
  close_file(recorder);
  int len = snprintf(path, sizeof path, "%s.%llu", recorder->path, (unsigned long long)recording->number);
  if (len < 0 || (size_t)len >= sizeof path) return ENAMETOOLONG;
  recorder->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, FILE_MODE);
  if (recorder->fd < 0) return errno;
  int error = check_file(recorder->fd);
  if (error == 0)
    recorder->of = recording;
  else
    close_file(recorder);
  return error;
}

static int write_all(int fd, const char *text, size_t len) {
  while (len > 0) {
    ssize_t n = write(fd, text, len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    text += n;
    len -= (size_t)n;
  }
  return 0;
}

/* A whole line, or none of it that counts. */
static int write_line(struct recorder *recorder, const char *text, size_t len) {
  int error = write_all(recorder->fd, text, len);
  if (error == 0) recorder->of->whole += (off_t)len;
  return error;
}

/* ---- the thread: lines ---- */

/* As Python's unicode_escape has it of Latin-1, and a quote escaped. */
static char *put_escaped(char *at, uint8_t byte) {
  static const char digits[] = "0123456789abcdef";
  static const char named[] = {['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r'};
  char name = byte < sizeof named ? named[byte] : '\0';
  if (byte == '\\' || byte == '\'') name = (char)byte;
  if (name != '\0') {
    *at++ = '\\';
    *at++ = name;
  } else if (byte >= ' ' && byte < 0x7f) {
    *at++ = (char)byte;
  } else {
    *at++ = '\\';
    *at++ = 'x';
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 0xf];
  }
  return at;
}

/* One piece of a frame, as a line of its own: the page joins what it gets. */
static int write_piece(struct recorder *recorder, const struct entry *entry, const uint8_t *data,
                       size_t len) {
  char line[FRAME_ROOM + ESCAPE_MAX * PIECE_BYTES];
  char mark = entry->way == RECORDING_TO_CLIENT ? '{' : '}';
  char *at = line + snprintf(line, FRAME_ROOM, "'%c%llu%c", mark, (unsigned long long)entry->ms, mark);
  for (size_t i = 0; i < len; i++)
    at = put_escaped(at, data[i]);
  memcpy(at, "',\n", 3);
  return write_line(recorder, line, (size_t)(at + 3 - line));
}

static int write_frame(struct recorder *recorder, const struct entry *entry) {
  int error = use_file(recorder, entry->recording, 0);
  for (size_t at = 0; error == 0 && at < entry->len; at += PIECE_BYTES) {
    size_t left = entry->len - at;
    error = write_piece(recorder, entry, entry->data + at, left < PIECE_BYTES ? left : PIECE_BYTES);
  }
  return error;
}

/* A number that an earlier run has used is written anew, as websockify does it, whose files anybody may read;
 * where a file system has no modes there is none to set. Pipes have nothing to cut. */
static int begin_file(struct recorder *recorder, struct recording *recording) {
  int error = use_file(recorder, recording, O_CREAT);
  if (error == 0 && ftruncate(recorder->fd, 0) != 0 && errno != EINVAL) error = errno;
  if (error == 0) (void)fchmod(recorder->fd, FILE_MODE);
  return error != 0 ? error : write_line(recorder, FIRST_LINE, strlen(FIRST_LINE));
}

/* The last line stands behind whole ones, also when the disk was full: cutting off a part has made room. */
static void end_file(struct recorder *recorder, struct recording *recording) {
  if (recording->whole > 0 && use_file(recorder, recording, 0) == 0) {
    struct stat st;
    bool torn = fstat(recorder->fd, &st) == 0 && st.st_size != recording->whole;
    if (!torn || ftruncate(recorder->fd, recording->whole) == 0)
      (void)write_all(recorder->fd, LAST_LINE, strlen(LAST_LINE));
  }
  if (recorder->of == recording) close_file(recorder);
}

/* ---- the thread: the queue ---- */

static void write_entry(struct recorder *recorder, const struct entry *entry) {
  struct recording *recording = entry->recording;
  if (atomic_load_explicit(&recording->given_up, memory_order_relaxed)) return;
  int error = entry->kind == ENTRY_OPEN ? begin_file(recorder, recording) : write_frame(recorder, entry);
  if (error != 0) give_up(recording, strerror(error));
}

/* Frees what the recording has left. */
static void end_recording(struct recorder *recorder, struct recording *recording) {
  end_file(recorder, recording);
  free(recording);
  uv_mutex_lock(&recorder->mutex);
  recorder->open--;
  uv_mutex_unlock(&recorder->mutex);
}

static void run_entry(struct recorder *recorder, struct entry *entry) {
  size_t weight = weight_of(entry);
  if (entry->kind == ENTRY_CLOSE)
    end_recording(recorder, entry->recording);
  else
    write_entry(recorder, entry);
  free(entry);
  uv_mutex_lock(&recorder->mutex);
  recorder->queued -= weight;
  uv_mutex_unlock(&recorder->mutex);
}

/* The next entry; NULL: the end. */
static struct entry *next_entry(struct recorder *recorder) {
  struct entry *entry = NULL;
  uv_mutex_lock(&recorder->mutex);
  while (list_empty(&recorder->queue) && !recorder->ends)
    uv_cond_wait(&recorder->changed, &recorder->mutex);
  if (!list_empty(&recorder->queue)) {
    entry = LIST_ENTRY(recorder->queue.next, struct entry, node);
    list_remove(&entry->node);
  }
  uv_mutex_unlock(&recorder->mutex);
  return entry;
}

static void run(void *owner) {
  struct recorder *recorder = owner;
  for (struct entry *entry; (entry = next_entry(recorder)) != NULL;)
    run_entry(recorder, entry);
  close_file(recorder);
}

/* ---- start and stop ---- */

static int check_folder(const char *path, char *why, size_t why_cap) {
  char folder[PATH_MAX], shown[SHOWN_MAX];
  const char *slash = strrchr(path, '/');
  size_t len = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
  int error = ENAMETOOLONG;
  if (len < sizeof folder - NUMBER_ROOM) {
    memcpy(folder, slash == NULL ? "." : path, len);
    folder[len] = '\0';
    if (access(folder, W_OK | X_OK) == 0) return WSL_OK;
    error = errno;
  }
  snprintf(why, why_cap, "can't write recordings to \"%s.1\": %s",
           log_escape(wsl_span_of(path), shown, sizeof shown), strerror(error));
  return error_from_errno(error);
}

static int create_thread(struct recorder *recorder) {
  sigset_t before = signals_block_all();
  int error = uv_thread_create(&recorder->thread, run, recorder);
  signals_restore(&before);
  return error;
}

int recorder_start(struct recorder **started, const char *path, char *why, size_t why_cap) {
  int error = check_folder(path, why, why_cap);
  if (error != WSL_OK) return error;
  snprintf(why, why_cap, "not enough memory or threads for recordings");
  struct recorder *recorder = calloc(1, sizeof(*recorder));
  if (recorder == NULL) return WSL_NO_MEMORY;
  recorder->path = path;
  recorder->fd = NO_FILE;
  list_init(&recorder->queue);
  if (uv_mutex_init(&recorder->mutex) != 0) goto fail_memory;
  if (uv_cond_init(&recorder->changed) != 0) goto fail_mutex;
  if (create_thread(recorder) != 0) goto fail_cond;
  *started = recorder;
  return WSL_OK;

fail_cond:
  uv_cond_destroy(&recorder->changed);
fail_mutex:
  uv_mutex_destroy(&recorder->mutex);
fail_memory:
  free(recorder);
  return WSL_NO_MEMORY;
}

void recorder_stop(struct recorder *recorder) {
  if (recorder == NULL) return;
  uv_mutex_lock(&recorder->mutex);
  recorder->ends = true;
  uv_cond_signal(&recorder->changed);
  uv_mutex_unlock(&recorder->mutex);
  uv_thread_join(&recorder->thread);
  assert(recorder->open == 0);
  uv_cond_destroy(&recorder->changed);
  uv_mutex_destroy(&recorder->mutex);
  free(recorder);
}
