/* The built-in backend: what the bridge under test connects to. A thread of its own with its own loop, so
 * that it never waits for the load or the other way round.
 *
 *   sink    reads and checks all that comes            (mode up)
 *   source  sends the pattern as fast as it is taken   (mode down)
 *   echo    sends back what comes, in order; reads no further while its answer does not leave
 */
#ifndef LOADGEN_BACKEND_H
#define LOADGEN_BACKEND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/list.h"
#include "loadgen/endpoint.h"
#include "loadgen/lane.h"
#include "loadgen/options.h"
#include "loadgen/outgoing.h"
#include "loadgen/pattern.h"

#define BACKEND_FAILURE_MAX 256u

struct backend {
  enum backend_kind kind;
  bool verify; /* sink: check the content */
  const struct pattern *pattern;
  struct endpoint endpoint;
  struct lane lane;
  struct outgoing outgoing; /* source */
  int pattern_file;         /* likewise, where it can be sent by pages */
  int listen_fd;
  struct poller_watch listener;
  uv_timer_t retry; /* accepting goes on after descriptors ran out */
  uv_async_t stop;
  uv_thread_t thread;
  struct list sessions;
  bool in_bulk;         /* sessions are woken for much at once only; */
  uv_timer_t leftovers; /* and what is less than that is looked for */
  bool closing;
  /* read by the other thread: */
  atomic_uint_fast64_t received, sent; /* payload bytes */
  atomic_uint_fast64_t accepted, open;
  atomic_uint_fast64_t ended, broken; /* sessions that their peer has ended: in order, by a reset */
  atomic_bool failed;
  char failure[BACKEND_FAILURE_MAX]; /* written before `failed` is set, never after */
};

struct backend_wishes {
  enum backend_kind kind;
  bool verify;
  size_t write_len; /* source: bytes a write */
  bool in_bulk;     /* what comes is a stream at full speed: wake up for much of it at once */
};

/* Listens and starts the thread. 0, or an error with one line in why[]; then nothing is left to stop.
 * `pattern` outlives it. */
WSL_MUST_CHECK int backend_start(struct backend *backend, const struct url *address,
                                 const struct backend_wishes *wishes, const struct pattern *pattern,
                                 char why[ENDPOINT_WHY_MAX]);

/* Ends all sessions and the thread. */
void backend_stop(struct backend *backend);

/* What a backend must be for a mode. */
enum backend_kind backend_kind_for(enum bench_mode mode);
const char *backend_kind_name(enum backend_kind kind);

#endif
