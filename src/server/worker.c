/* See server/worker.h. */
#include "server/worker.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridge/session.h"
#include "core/hash.h"
#include "core/log.h"
#include "net/loop_timers.h"
#include "net/offload_pool.h"
#include "net/socket_dialer.h"
#include "net/tls_dialer.h"
#include "route/fixed_router.h"
#include "route/token_router.h"
#include "server/connection.h"
#include "server/listener.h"

/* Not a command of the server's: the admission has a place, or something has ended. */
#define WORKER_RESUME (1u << 8)
#define WORKER_SETTLE (1u << 9)

struct worker {
  struct worker_setup setup;
  unsigned index;
  uv_thread_t thread;
  bool started;

  uv_loop_t loop;
  uv_async_t async;
  atomic_uint commands; /* bits that wait to be acted on */
  struct admission_waiter waiter;
  struct listener listener;
  bool draining;
  bool ending; /* handles are being closed */

  struct loop_timers timers;
  struct poller *poller;
  struct resolver *resolver;
  struct buffer_pool buffers;
  struct offload_pool offload;
  struct stream_domain streams;
  struct tls_domain tls;
  struct tls_context *tls_context; /* held: for new clients; NULL: no certificate */
  struct socket_dialer dialer;
  struct tls_dialer tls_dialer; /* over the other, where targets speak TLS */
  struct fixed_router fixed_router;
  struct token_router token_router;
  struct session_domain sessions;
  struct file_jobs files;
  struct connection_domain connections;
  struct counters counters;
  uint64_t next_id;
};

static void post(struct worker *worker, unsigned bits) {
  atomic_fetch_or(&worker->commands, bits);
  (void)uv_async_send(&worker->async);
}

/* ---- clients ---- */

/* Process-unique without sharing: worker i of n gives i + 1, i + 1 + n, ... */
static uint64_t take_id(struct worker *worker) {
  uint64_t id = worker->next_id;
  worker->next_id += worker->setup.workers;
  return id;
}

/* Something has ended: while draining it may have been the last. */
static void note_ended(struct worker *worker) {
  if (worker->draining) post(worker, WORKER_SETTLE);
}

static void drop_place(struct worker *worker) {
  admission_release(worker->setup.admission);
  counter_add(&worker->counters.closed);
  note_ended(worker);
}

static void on_accept(void *owner, int fd, const struct address *peer) {
  struct worker *worker = owner;
  uint64_t id = take_id(worker);
  char client[ADDRESS_TEXT_MAX];
  loop_timers_catch_up(&worker->timers);
  counter_add(&worker->counters.accepted);
  log_event(LOG_DEBUG, id, "accepted client=%s", address_format(peer, client));
  enum stream_kind kind = peer->storage.ss_family == AF_UNIX ? STREAM_UNIX : STREAM_TCP;
  struct transport *transport = stream_open(&worker->streams, fd, kind, connection_not_ready, NULL);
  if (transport != NULL && connection_open(&worker->connections, transport, peer, id) == 0) return;
  if (transport != NULL) transport_reset(transport);
  log_event(LOG_ERROR, id, "connection dropped: no memory");
  drop_place(worker);
}

static void on_connection_closed(struct connection_domain *domain, void *owner) {
  (void)domain;
  drop_place(owner);
}

static void on_session_ended(struct session_domain *domain, void *owner) {
  (void)domain;
  struct worker *worker = owner;
  counter_add(&worker->counters.sessions_ended);
  single_session_over(worker->setup.single);
  drop_place(worker);
}

static void on_dropped_file_ended(struct file_jobs *files) {
  note_ended(LIST_ENTRY(files, struct worker, files));
}

static void on_offload_back(struct offload_pool *offload) {
  loop_timers_catch_up(&LIST_ENTRY(offload, struct worker, offload)->timers);
}

static void on_offload_quiet(struct offload_pool *offload) {
  note_ended(LIST_ENTRY(offload, struct worker, offload));
}

static void on_admission_wake(struct admission_waiter *waiter) {
  post(LIST_ENTRY(waiter, struct worker, waiter), WORKER_RESUME);
}

/* ---- the end ---- */

static bool is_empty(const struct worker *worker) {
  return worker->connections.count == 0 && worker->sessions.count == 0 && worker->files.running == 0 &&
         worker->offload.running == 0;
}

/* Closes what keeps the loop alive; the rest goes behind uv_run(). The async stays open until
 * worker_free(), since others may send to it as long as any worker runs. */
static void end_loop(struct worker *worker) {
  worker->ending = true;
  listener_stop(&worker->listener);
  loop_timers_close(&worker->timers);
  if (worker->resolver != NULL) resolver_close(worker->resolver);
  if (worker->poller != NULL) poller_close(worker->poller);
  uv_unref((uv_handle_t *)&worker->async);
}

static void settle(struct worker *worker) {
  if (!worker->draining || worker->ending || !is_empty(worker)) return;
  /* A stream that has just been closed waits for the end of its batch. */
  if (worker->streams.open > 0 || worker->tls.open > 0) {
    post(worker, WORKER_SETTLE);
    return;
  }
  end_loop(worker);
}

static void drain(struct worker *worker) {
  worker->draining = true;
  listener_stop(&worker->listener);
  connection_domain_drain(&worker->connections);
}

static void go_away(struct worker *worker) {
  connection_domain_go_away(&worker->connections);
  session_domain_go_away(&worker->sessions);
}

static void cut(struct worker *worker) {
  connection_domain_cut(&worker->connections);
  session_domain_cut(&worker->sessions);
}

/* Connections that are open keep theirs. */
static void renew_certificates(struct worker *worker) {
  struct certificates *certificates = worker->setup.certificates;
  tls_context_drop(worker->tls_context);
  worker->tls_context = certificates == NULL ? NULL : certificates_current(certificates);
  worker->connections.tls_context = worker->tls_context;
}

static void on_async(uv_async_t *handle) {
  struct worker *worker = handle->data;
  if (worker->ending) return;
  loop_timers_catch_up(&worker->timers);
  unsigned commands = atomic_exchange(&worker->commands, 0);
  if (commands & WORKER_RESUME) listener_resume(&worker->listener);
  if (commands & WORKER_RENEW) renew_certificates(worker);
  if (commands & WORKER_DRAIN) drain(worker);
  if (commands & WORKER_GO_AWAY) go_away(worker);
  if (commands & WORKER_CUT) cut(worker);
  settle(worker);
}

void worker_tell(struct worker *worker, enum worker_command command) {
  post(worker, (unsigned)command);
}

/* ---- birth ---- */

/* With TLS to the targets its dialer goes over the plain one. */
static struct dialer *set_up_dialer(struct worker *worker) {
  struct timers *timers = &worker->timers.timers;
  struct tls_context *context = worker->setup.target_tls;
  socket_dialer_init(&worker->dialer, &worker->streams, worker->resolver, timers);
  if (context == NULL) return &worker->dialer.dialer;
  tls_dialer_init(&worker->tls_dialer, &worker->dialer.dialer, &worker->tls, context, timers);
  return &worker->tls_dialer.dialer;
}

static void set_up_sessions(struct worker *worker, struct dialer *dialer) {
  uint64_t seed;
  if (random_bytes(&seed, sizeof(seed)) != 0) seed = worker->index; /* jitter only: it has to do */
  session_domain_init(&worker->sessions);
  worker->sessions.settings = &worker->setup.settings->session;
  worker->sessions.timers = &worker->timers.timers;
  worker->sessions.buffers = &worker->buffers;
  worker->sessions.dialer = dialer;
  random_seed(&worker->sessions.random, seed);
  worker->sessions.on_ended = on_session_ended;
  worker->sessions.owner = worker;
}

static struct router *set_up_router(struct worker *worker) {
  const struct worker_setup *setup = &worker->setup;
  fixed_router_init(&worker->fixed_router, &setup->settings->target);
  if (setup->tokens == NULL) return &worker->fixed_router.router;
  token_router_init(&worker->token_router, &worker->offload.offload, setup->tokens,
                    setup->settings->token_place);
  return &worker->token_router.router;
}

static int set_up_connections(struct worker *worker, struct dialer *dialer) {
  worker->files = (struct file_jobs){.loop = &worker->loop,
                                     .buffers = &worker->buffers,
                                     .files = worker->setup.files,
                                     .on_dropped_ended = on_dropped_file_ended};
  worker->connections = (struct connection_domain){
      .settings = worker->setup.settings,
      .timers = &worker->timers.timers,
      .buffers = &worker->buffers,
      .dialer = dialer,
      .tls = &worker->tls,
      .router = set_up_router(worker),
      .sessions = &worker->sessions,
      .files = &worker->files,
      .counters = &worker->counters,
      .single = worker->setup.single,
      .on_closed = on_connection_closed,
      .owner = worker,
  };
  return connection_domain_init(&worker->connections);
}

/* Frees what has no handle. The loop has ended, or never began. */
static void free_domains(struct worker *worker) {
  connection_domain_destroy(&worker->connections);
  session_domain_destroy(&worker->sessions);
  if (worker->setup.target_tls != NULL) tls_dialer_destroy(&worker->tls_dialer);
  socket_dialer_destroy(&worker->dialer);
  tls_domain_destroy(&worker->tls);
  tls_context_drop(worker->tls_context);
  stream_domain_destroy(&worker->streams);
  buffer_pool_destroy(&worker->buffers);
  offload_pool_destroy(&worker->offload);
}

static int open_domains(struct worker *worker) {
  const struct server_settings *settings = worker->setup.settings;
  size_t buffers = settings->buffer_memory / settings->buffer_size;
  buffer_pool_init(&worker->buffers, settings->buffer_size, buffers == 0 ? 1 : buffers);
  buffer_pool_retry(&worker->buffers, &worker->timers.timers);
  offload_pool_init(&worker->offload, &worker->loop);
  worker->offload.on_quiet = on_offload_quiet;
  worker->offload.on_back = on_offload_back;
  stream_domain_init(&worker->streams, worker->poller);
  int error = tls_domain_init(&worker->tls, worker->poller, &worker->offload.offload);
  struct dialer *dialer = set_up_dialer(worker);
  set_up_sessions(worker, dialer);
  int connections_error = set_up_connections(worker, dialer);
  renew_certificates(worker);
  return error != 0 ? error : connections_error;
}

/* Before events are handed out: what they arm counts from now, not from before the loop slept. */
static void on_wake(void *worker) {
  loop_timers_catch_up(&((struct worker *)worker)->timers);
}

/* The worker with its loop and async, nothing else. */
static struct worker *make_worker(const struct worker_setup *setup, unsigned index) {
  struct worker *worker = calloc(1, sizeof(*worker));
  if (worker == NULL) return NULL;
  worker->setup = *setup;
  worker->index = index;
  worker->next_id = index + 1;
  worker->waiter.wake = on_admission_wake;
  worker->listener.state = LISTENER_CLOSED;
  if (uv_loop_init(&worker->loop) != 0) goto fail_memory;
  if (uv_async_init(&worker->loop, &worker->async, on_async) != 0) goto fail_loop;
  worker->async.data = worker;
  return worker;

fail_loop:
  uv_loop_close(&worker->loop);
fail_memory:
  free(worker);
  return NULL;
}

static void run_out(struct worker *worker) {
  uv_close((uv_handle_t *)&worker->async, NULL);
  (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
  int closed = uv_loop_close(&worker->loop);
  assert(closed == 0);
  (void)closed;
}

struct worker *worker_open(const struct worker_setup *setup, unsigned index, int listen_fd) {
  struct worker *worker = make_worker(setup, index);
  if (worker == NULL) return NULL;
  if (loop_timers_open(&worker->timers, &worker->loop) != 0) goto fail_async;
  worker->poller = poller_open(&worker->loop);
  if (worker->poller != NULL) poller_on_wake(worker->poller, on_wake, worker);
  worker->resolver = worker->poller == NULL ? NULL : resolver_open(&worker->loop);
  if (worker->resolver == NULL) goto fail_handles;
  if (open_domains(worker) != 0) goto fail_domains;
  if (listener_open(&worker->listener, &worker->loop, listen_fd, &worker->timers.timers, setup->admission,
                    &worker->waiter, on_accept, worker) != 0) {
    worker->listener.state = LISTENER_CLOSED;
    goto fail_domains;
  }
  return worker;

fail_domains:
  free_domains(worker);
fail_handles:
  end_loop(worker);
  run_out(worker);
  free(worker);
  return NULL;
fail_async:
  run_out(worker);
  free(worker);
  return NULL;
}

struct admission_waiter *worker_waiter(struct worker *worker) {
  return &worker->waiter;
}

static void run_thread(void *argument) {
  struct worker *worker = argument;
  (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
  worker->setup.on_ended(worker->setup.owner);
}

int worker_start(struct worker *worker) {
  /* Signals are the main thread's; a thread inherits the mask of whoever makes it. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = uv_thread_create(&worker->thread, run_thread, worker);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  worker->started = error == 0;
  return error == 0 ? 0 : WSL_NO_MEMORY;
}

const struct counters *worker_counters(const struct worker *worker) {
  return &worker->counters;
}

void worker_join(struct worker *worker) {
  if (worker->started) {
    uv_thread_join(&worker->thread);
    worker->started = false;
    return;
  }
  /* Never started: its loop has only to end. Clients that the kernel took for it are cut. */
  post(worker, WORKER_DRAIN | WORKER_CUT);
  (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
}

void worker_free(struct worker *worker) {
  assert(!worker->started);
  run_out(worker);
  free_domains(worker);
  free(worker);
}
