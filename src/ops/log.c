/* The log writer: a ring of bytes, a mutex, and a thread that empties the ring.
 *
 *   any thread: format, lock, copy into the ring, unlock      (never waits for the descriptor)
 *   the writer: lock, copy whole lines out, unlock, poll, write, rest
 *
 * The mutex is only ever held to copy bytes. All state is static: a writer that can't be ended (stuck
 * inside write() on a stopped terminal) may be left behind without leaving it with freed memory.
 */
#include "ops/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "core/error.h"
#include "core/signal_mask.h"
#include "ops/log_file.h"
#include "ops/log_limit.h"
#include "ops/log_line.h"
#include "ops/syslog_output.h"

/* At most this many bytes go to one write(). A pipe that polls writable takes PIPE_BUF (4,096 on
 * Linux) bytes in one piece and without blocking (pipe(7)); more could block the thread for good, so
 * that it could not be ended, and could be mixed with lines of other processes. */
#define BATCH_BYTES 4096u

/* The pause behind what was written, in which lines gather, up to a batch of them: waking the writer costs
 * more than any line (two threads, six system calls), so a busy server wakes it a hundred times a second and
 * not for each line. */
#define REST_MS 10

/* Behind a silence of REST_MS so many batches leave at once, without a rest: a quiet server's log is prompt.
 */
#define PROMPT_BATCHES 8

/* How often a writer whose reader is stuck looks whether it shall give up. */
#define GIVE_UP_LOOK_MS 20

/* The pause when write() says EAGAIN although poll() said writable: others may write there too. */
#define AGAIN_PAUSE_MS 5

/* How long a writer that was given up may take to notice, before it is left behind: it does so within
 * GIVE_UP_LOOK_MS unless it sits inside write(). */
#define LEAVE_BEHIND_AFTER_MS 200

/* Nobody waits longer for a log (a day); keeps the sum of nanoseconds from overflowing. */
#define PATIENCE_MAX_MS UINT64_C(86400000)

#define NS_PER_MS UINT64_C(1000000)

#define SHOWN_PATH_MAX 256u

_Static_assert(LOG_LINE_MAX <= BATCH_BYTES, "a batch holds at least one line");

enum writer_state {
  WRITER_NONE,     /* not started, or ended: lines are written directly                    */
  WRITER_RUNNING,  /* lines are queued                                                     */
  WRITER_STOPPING, /* lines are queued; the writer ends once it has written everything     */
  WRITER_GIVEN_UP  /* lines are written directly; the writer has still to notice           */
};

static struct {
  uv_once_t once; /* guards the making of the mutex and the condition */
  uv_mutex_t mutex;
  uv_cond_t changed; /* something was queued, or the state changed */
  pthread_t thread;
  _Atomic(enum log_format) format; /* read by producers before they lock */
  atomic_bool syslog;              /* likewise: lines go there too */
  /* All below: under the mutex. */
  struct log_output output;
  bool reopens; /* the writer shall open output.path anew */
  enum writer_state state;
  bool thread_alive;
  bool thread_waits; /* for `changed`: a producer signals only then */
  bool thread_rests; /* likewise, and only where the ring fills */
  unsigned batches;  /* since the last silence, at most PROMPT_BATCHES */
  uint64_t lost;     /* lines dropped since the last note about that */
  size_t first;      /* where the oldest queued byte lies in the ring */
  size_t queued;     /* bytes in the ring; always whole lines */
  struct log_limit limit;
  char ring[LOG_QUEUE_BYTES];
} writer = {.once = UV_ONCE_INIT};

static uint64_t now_ms(void) {
  return uv_hrtime() / NS_PER_MS;
}

/* ---- the ring (under the mutex) ---------------------------------------------------------------- */

/* Appends a whole line, or returns false when it does not fit. */
static bool ring_put(const char *line, size_t len) {
  if (len > LOG_QUEUE_BYTES - writer.queued) return false;
  size_t at = (writer.first + writer.queued) % LOG_QUEUE_BYTES;
  size_t before_end = LOG_QUEUE_BYTES - at;
  size_t head = len < before_end ? len : before_end;
  memcpy(writer.ring + at, line, head);
  memcpy(writer.ring, line + head, len - head);
  writer.queued += len;
  return true;
}

/* Moves whole lines, as many as fit, to batch[0..BATCH_BYTES); returns their length. */
static size_t ring_take_lines(char *batch) {
  size_t len = writer.queued < BATCH_BYTES ? writer.queued : BATCH_BYTES;
  size_t before_end = LOG_QUEUE_BYTES - writer.first;
  size_t head = len < before_end ? len : before_end;
  memcpy(batch, writer.ring + writer.first, head);
  memcpy(batch + head, writer.ring, len - head);
  while (len > 0 && batch[len - 1] != '\n')
    len--;
  writer.first = (writer.first + len) % LOG_QUEUE_BYTES;
  writer.queued -= len;
  return len;
}

/* ---- producers: any thread ---------------------------------------------------------------------- */

static size_t format_line(char line[LOG_LINE_MAX], enum log_level level, uint64_t id, const char *text) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return log_line_write(atomic_load_explicit(&writer.format, memory_order_relaxed), &now, level, id, text,
                        line);
}

static void send_to_syslog(enum log_level level, uint64_t id, const char *text) {
  struct timespec now;
  if (!writer.syslog) return;
  clock_gettime(CLOCK_REALTIME, &now);
  syslog_output_send(&now, level, id, text);
}

/* Queues a line of the writer's own. False when there is no room. */
static bool put_note(enum log_level level, const char *text) {
  char line[LOG_LINE_MAX];
  if (!ring_put(line, format_line(line, level, 0, text))) return false;
  send_to_syslog(level, 0, text);
  return true;
}

/* Queues the note about lost lines before anything newer, so that it stands where they are missing.
 * False when there is no room even for that. */
static bool note_losses(void) {
  if (writer.lost == 0) return true;
  char text[LOG_TEXT_MAX];
  snprintf(text, sizeof text, "%llu log lines lost: the reader of the log is too slow",
           (unsigned long long)writer.lost);
  if (!put_note(LOG_WARN, text)) return false;
  writer.lost = 0;
  return true;
}

/* Queues the summaries of lines held back that are due by `due_by_ms`, as far as there is room. */
static void note_held_back(uint64_t now, uint64_t due_by_ms) {
  struct log_limit_kind *kind;
  while ((kind = log_limit_due(&writer.limit, due_by_ms)) != NULL) {
    char text[LOG_TEXT_MAX];
    log_limit_describe(kind, now, text);
    if (!put_note(kind->level, text)) return;
    log_limit_told(&writer.limit, kind);
  }
}

/* Writes to a descriptor that nobody queues for, unless it would block. Best effort: a line that
 * does not get out has nowhere else to go. */
static void write_directly(int fd, const char *line, size_t len) {
  struct pollfd writable = {.fd = fd, .events = POLLOUT};
  if (poll(&writable, 1, 0) != 1) return;
  while (write(fd, line, len) < 0 && errno == EINTR) {
  }
}

/* Queues the line, or counts it as held back or lost. Whether it was not held back. */
static bool queue_line(enum log_level level, const char *format, const char *line, size_t len) {
  bool passes = log_limit_judge(&writer.limit, level, format, now_ms()) == LOG_PASSES;
  if (passes && !(note_losses() && ring_put(line, len))) writer.lost++;
  if (writer.thread_waits || (writer.thread_rests && writer.queued >= BATCH_BYTES))
    uv_cond_signal(&writer.changed);
  return passes;
}

/* The log_sink. */
static void on_line(enum log_level level, uint64_t id, const char *format, const char *text) {
  char line[LOG_LINE_MAX];
  size_t len = format_line(line, level, id, text);

  uv_mutex_lock(&writer.mutex);
  bool queues = writer.state == WRITER_RUNNING || writer.state == WRITER_STOPPING;
  bool passes = !queues || queue_line(level, format, line, len);
  int fd = writer.output.fd;
  uv_mutex_unlock(&writer.mutex);

  if (!queues) write_directly(fd, line, len);
  if (passes) send_to_syslog(level, id, text); /* outside of the mutex: it is a system call */
}

/* ---- the writer thread ---------------------------------------------------------------------------- */

static bool given_up(void) {
  uv_mutex_lock(&writer.mutex);
  bool is_given_up = writer.state == WRITER_GIVEN_UP;
  uv_mutex_unlock(&writer.mutex);
  return is_given_up;
}

/* Writes all of batch, however long the reader takes, unless log_writer_stop() gives up. Where the
 * descriptor is broken (no reader, disk full) the batch is dropped: there is nobody to tell. Returns how
 * many bytes were not written. */
static size_t write_batch(int fd, const char *batch, size_t len) {
  while (len > 0 && !given_up()) {
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    if (poll(&writable, 1, GIVE_UP_LOOK_MS) == 0) continue;
    ssize_t written = write(fd, batch, len);
    if (written >= 0) {
      batch += written;
      len -= (size_t)written;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      poll(NULL, 0, AGAIN_PAUSE_MS);
    } else if (errno != EINTR) {
      break;
    }
  }
  return len;
}

enum writer_task { TASK_WRITE, TASK_REOPEN, TASK_END };

/* Until something is queued, asked for, or a summary is due; under the mutex. */
static void await_change(void) {
  uint64_t due_ms = log_limit_due_ms(&writer.limit), now = now_ms();
  writer.thread_waits = true;
  if (due_ms == LOG_LIMIT_NEVER)
    uv_cond_wait(&writer.changed, &writer.mutex);
  else if (due_ms > now)
    (void)uv_cond_timedwait(&writer.changed, &writer.mutex, (due_ms - now) * NS_PER_MS);
  writer.thread_waits = false;
  if (now_ms() - now >= REST_MS) writer.batches = 0;
}

/* Behind a batch: a while, or until something else than a line is there to be done; under the mutex. */
static void rest(void) {
  if (writer.batches < PROMPT_BATCHES) {
    writer.batches++;
    return;
  }
  if (writer.state != WRITER_RUNNING || writer.reopens || writer.queued >= BATCH_BYTES) return;
  writer.thread_rests = true;
  (void)uv_cond_timedwait(&writer.changed, &writer.mutex, REST_MS * NS_PER_MS);
  writer.thread_rests = false;
}

/* Queues what the writer has to say itself. When the end is near all summaries are due. */
static void note_all(void) {
  uint64_t now = now_ms();
  note_losses();
  note_held_back(now, writer.state == WRITER_RUNNING ? now : LOG_LIMIT_NEVER);
}

/* Waits for something to do, behind a batch (*len is its length) at first for more lines. TASK_WRITE: a batch
 * was taken. TASK_END: from that moment on, without a gap, lines are written directly: none can be queued
 * behind the last batch. */
static enum writer_task next_task(char *batch, size_t *len) {
  enum writer_task task = TASK_WRITE;
  uv_mutex_lock(&writer.mutex);
  if (*len > 0) rest();
  *len = 0;
  for (note_all(); writer.queued == 0 && writer.state == WRITER_RUNNING && !writer.reopens; note_all())
    await_change();
  if (writer.state == WRITER_GIVEN_UP || (writer.queued == 0 && !writer.reopens)) {
    task = TASK_END;
    writer.state = WRITER_NONE;
    writer.thread_alive = false;
    uv_cond_broadcast(&writer.changed);
  } else if (writer.reopens) {
    task = TASK_REOPEN;
    writer.reopens = false;
  } else {
    *len = ring_take_lines(batch);
  }
  uv_mutex_unlock(&writer.mutex);
  return task;
}

/* Between two batches, so that no line is split. Only this thread changes the descriptor while it runs.
 * The new file takes over the old one's number in one step: nobody can meet a closed descriptor. */
static void reopen(void) {
  char shown[SHOWN_PATH_MAX];
  log_escape(wsl_span_of(writer.output.path), shown, sizeof shown);
  int fd = log_file_open_again(writer.output.path);
  int error = fd < 0 ? -fd : dup2(fd, writer.output.fd) < 0 ? errno : 0;
  if (fd >= 0) close(fd);
  if (error == 0) {
    (void)fcntl(writer.output.fd, F_SETFD, FD_CLOEXEC);
    log_event(LOG_INFO, 0, "log file reopened path=\"%s\"", shown);
    return;
  }
  log_event(LOG_ERROR, 0, "log file not reopened, the old one stays in use path=\"%s\" reason=\"%s\"", shown,
            log_file_fault(error));
}

/* A line that a full disk has cut in two is ended before the next one begins, should there be room again:
 * for that a line end stands before the batch. */
static void *run_writer(void *fd) {
  char buffer[1 + BATCH_BYTES] = "\n";
  char *batch = buffer + 1;
  bool torn = false;
  size_t len = 0;
  for (enum writer_task task; (task = next_task(batch, &len)) != TASK_END;) {
    if (task == TASK_REOPEN) {
      reopen();
      continue;
    }
    const char *from = torn ? buffer : batch;
    size_t left = write_batch(*(const int *)fd, from, (size_t)(batch + len - from));
    const char *reached = batch + len - left;
    if (reached > from) torn = reached[-1] != '\n';
  }
  return NULL;
}

/* ---- start and stop: the main thread ------------------------------------------------------------- */

/* libuv's primitives and not plain pthreads: their timed wait is on the monotonic clock everywhere. */
static void make_locks(void) {
  if (uv_mutex_init(&writer.mutex) != 0 || uv_cond_init(&writer.changed) != 0) abort();
}

/* Creates the thread with all signals blocked: handlers run elsewhere, and a write to a broken pipe is
 * an EPIPE even where nobody ignores SIGPIPE. */
static int create_thread(void) {
  sigset_t before = signals_block_all();
  int failed = pthread_create(&writer.thread, NULL, run_writer, &writer.output.fd);
  signals_restore(&before);
  return failed;
}

int log_writer_start(const struct log_output *output) {
  uv_once(&writer.once, make_locks);
  uv_mutex_lock(&writer.mutex);
  bool was_alive = writer.thread_alive;
  if (!was_alive) {
    writer.output = *output;
    writer.reopens = false;
    writer.limit = (struct log_limit){0};
    atomic_store_explicit(&writer.format, output->format, memory_order_relaxed);
    atomic_store_explicit(&writer.syslog, output->syslog, memory_order_relaxed);
    writer.first = writer.queued = 0;
    writer.lost = 0;
    writer.state = WRITER_RUNNING;
    writer.thread_alive = create_thread() == 0;
    if (!writer.thread_alive) writer.state = WRITER_NONE;
  }
  bool is_alive = writer.thread_alive;
  uv_mutex_unlock(&writer.mutex);

  if (was_alive) return WSL_IN_USE;
  if (!is_alive) return WSL_NO_MEMORY;
  log_set_sink(on_line);
  return WSL_OK;
}

bool log_writer_reopen(void) {
  uv_once(&writer.once, make_locks);
  uv_mutex_lock(&writer.mutex);
  bool is_file = writer.output.path[0] != '\0';
  writer.reopens = is_file;
  uv_cond_broadcast(&writer.changed);
  uv_mutex_unlock(&writer.mutex);
  return is_file;
}

/* Waits until the thread has ended, at most `timeout_ms`; under the mutex. Returns whether it has. */
static bool await_end(uint64_t timeout_ms) {
  uint64_t deadline_ns = uv_hrtime() + timeout_ms * NS_PER_MS;
  for (uint64_t now_ns = uv_hrtime(); writer.thread_alive && now_ns < deadline_ns; now_ns = uv_hrtime()) {
    uv_cond_timedwait(&writer.changed, &writer.mutex, deadline_ns - now_ns);
  }
  return !writer.thread_alive;
}

void log_writer_stop(uint64_t patience_ms) {
  uv_once(&writer.once, make_locks);
  uv_mutex_lock(&writer.mutex);
  if (writer.state != WRITER_RUNNING) {
    uv_mutex_unlock(&writer.mutex);
    return;
  }
  writer.state = WRITER_STOPPING;
  uv_cond_broadcast(&writer.changed);
  bool ended = await_end(patience_ms < PATIENCE_MAX_MS ? patience_ms : PATIENCE_MAX_MS);
  if (!ended) {
    writer.state = WRITER_GIVEN_UP;
    ended = await_end(LEAVE_BEHIND_AFTER_MS);
  }
  uv_mutex_unlock(&writer.mutex);

  if (ended) {
    pthread_join(writer.thread, NULL);
  } else {
    pthread_detach(writer.thread);
  }
}
