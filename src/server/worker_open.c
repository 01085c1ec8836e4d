/* A worker's birth: its loop, and everything that its clients share (server/worker_internal.h).
 */
#include "server/worker_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/log.h"

static void on_dropped_file_ended(struct file_jobs *files) {
  worker_note_ended(LIST_ENTRY(files, struct worker, files));
}

static void on_offload_back(struct offload_pool *offload) {
  loop_timers_catch_up(&LIST_ENTRY(offload, struct worker, offload)->timers);
}

static void on_offload_quiet(struct offload_pool *offload) {
  worker_note_ended(LIST_ENTRY(offload, struct worker, offload));
}

static void on_admission_wake(struct admission_waiter *waiter) {
  worker_post(LIST_ENTRY(waiter, struct worker, waiter), WORKER_RESUME);
}

void worker_renew_certificates(struct worker *worker) {
  struct certificates *certificates = worker->setup.certificates;
  tls_context_drop(worker->tls_context);
  worker->tls_context = certificates == NULL ? NULL : certificates_current(certificates);
  worker->connections.tls_context = worker->tls_context;
}

static void on_target_refused(struct socket_dialer *dialer) {
  counter_add(&LIST_ENTRY(dialer, struct worker, dialer)->counters.refused_targets);
}

static void on_programs_gone(struct child_domain *children) {
  worker_note_ended(LIST_ENTRY(children, struct worker, programs.children));
}

static struct dialer *set_up_programs(struct worker *worker, const struct program_settings *program) {
  struct timers *timers = &worker->timers.timers;
  uint64_t grace_ms = program == NULL ? 0 : program->grace_ms;
  program_domain_init(&worker->programs, worker->setup.programs, worker->poller, timers, grace_ms);
  worker->programs.children.on_none = on_programs_gone;
  program_dialer_init(&worker->program_dialer, &worker->programs, &worker->offload.offload, timers);
  return &worker->program_dialer.dialer;
}

/* One over the other: sockets, the PROXY header, TLS. */
static struct dialer *set_up_dialer(struct worker *worker) {
  struct timers *timers = &worker->timers.timers;
  struct tls_context *context = worker->setup.target_tls;
  const struct server_settings *settings = worker->setup.settings;
  socket_dialer_init(&worker->dialer, &worker->streams, worker->resolver, timers);
  socket_dialer_configure(&worker->dialer, &settings->sockets, &settings->sources, worker->index);
  socket_dialer_judge(&worker->dialer, &settings->target_rules, on_target_refused);
  struct dialer *programs = set_up_programs(worker, settings->target.program);
  struct dialer *dialer = &worker->dialer.dialer;
  preface_dialer_init(&worker->preface_dialer, dialer, timers);
  if (settings->target.program != NULL) return programs;
  if (settings->send_proxy != SEND_PROXY_NONE) dialer = &worker->preface_dialer.dialer;
  if (context == NULL) return dialer;
  tls_dialer_init(&worker->tls_dialer, dialer, &worker->tls, context, timers);
  return &worker->tls_dialer.dialer;
}

static void set_up_sessions(struct worker *worker, struct dialer *dialer) {
  uint64_t seed;
  if (random_bytes(&seed, sizeof(seed)) != 0) seed = worker->index; /* jitter only: it has to do */
  session_domain_init(&worker->sessions);
  worker->sessions.settings = &worker->setup.settings->session;
  worker->sessions.timers = &worker->timers.timers;
  worker->sessions.buffers = &worker->buffers;
  worker->sessions.pipes = worker->setup.pipes != NULL ? &worker->pipes : NULL;
  worker->sessions.dialer = dialer;
  worker->sessions.watch = worker->setup.settings->watch;
  random_seed(&worker->sessions.random, seed);
  worker->sessions.on_ended = worker_on_session_ended;
  worker->sessions.on_stalled = worker_on_session_stalled;
  worker->sessions.on_replaced = worker_on_session_replaced;
  worker->sessions.owner = worker;
}

/* For lookups over TLS. */
static struct dialer *set_up_lookups(struct worker *worker) {
  struct tls_context *context = worker->setup.tokens->tls;
  if (context == NULL) return NULL;
  tls_dialer_init(&worker->lookup_dialer, &worker->dialer.dialer, &worker->tls, context,
                  &worker->timers.timers);
  return &worker->lookup_dialer.dialer;
}

/* NULL without memory. */
static struct router *set_up_router(struct worker *worker) {
  const struct worker_setup *setup = &worker->setup;
  fixed_router_init(&worker->fixed_router, &setup->settings->target);
  if (setup->settings->target_place != NULL) {
    named_router_init(&worker->named_router, setup->settings->target_place);
    return &worker->named_router.router;
  }
  if (setup->tokens == NULL) return &worker->fixed_router.router;
  struct token_means means = {
      .timers = &worker->timers.timers,
      .dialer = &worker->dialer.dialer,
      .tls_dialer = set_up_lookups(worker),
      .offload = &worker->offload.offload,
  };
  int error = token_router_init(&worker->token_router, &means, setup->tokens, &setup->settings->token_place);
  return error == 0 ? &worker->token_router.router : NULL;
}

/* NULL: everybody may come in. */
static struct gate *set_up_gate(struct worker *worker) {
  if (worker->setup.auth == NULL) return NULL;
  auth_gate_init(&worker->auth_gate, worker->setup.auth, &worker->offload.offload, &worker->timers.timers);
  return &worker->auth_gate.gate;
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
      .gate = set_up_gate(worker),
      .sessions = &worker->sessions,
      .files = &worker->files,
      .counters = &worker->counters,
      .single = worker->setup.single,
      .on_closed = worker_on_connection_closed,
      .owner = worker,
  };
  int error = connection_domain_init(&worker->connections);
  return worker->connections.router == NULL ? WSL_NO_MEMORY : error;
}

void worker_free_domains(struct worker *worker) {
  connection_domain_destroy(&worker->connections);
  if (worker->setup.auth != NULL) auth_gate_destroy(&worker->auth_gate);
  session_domain_destroy(&worker->sessions);
  token_router_destroy(&worker->token_router);
  if (worker->setup.tokens != NULL && worker->setup.tokens->tls != NULL)
    tls_dialer_destroy(&worker->lookup_dialer);
  if (worker->setup.target_tls != NULL) tls_dialer_destroy(&worker->tls_dialer);
  preface_dialer_destroy(&worker->preface_dialer);
  socket_dialer_destroy(&worker->dialer);
  program_dialer_destroy(&worker->program_dialer);
  program_domain_destroy(&worker->programs);
  tls_domain_destroy(&worker->tls);
  tls_context_drop(worker->tls_context);
  stream_domain_destroy(&worker->streams);
  buffer_pool_destroy(&worker->buffers);
  splice_pool_destroy(&worker->pipes);
  offload_pool_destroy(&worker->offload);
}

/* What a trickle reads at once, and a session that stalls behind one holds. Enough for a burst (a screen's
 * change, a page of rows) to be one read and one write, over TLS in as few records as fit; of what a trickle
 * leaves untouched no page is resident. */
#define SMALL_BUFFER_BYTES ((size_t)64 * 1024)

static void open_buffers(struct worker *worker) {
  const struct server_settings *settings = worker->setup.settings;
  size_t large = settings->buffer_size, small = large < SMALL_BUFFER_BYTES ? large : SMALL_BUFFER_BYTES;
  size_t buffers = settings->buffer_memory / small;
  buffer_pool_init(&worker->buffers, small, buffers == 0 ? 1 : buffers);
  if (large > small) buffer_pool_lend_large(&worker->buffers, large);
  buffer_pool_lend_spares(&worker->buffers, BUFFER_SPARES, BUFFER_SPARE_BYTES);
  buffer_pool_retry(&worker->buffers, &worker->timers.timers);
}

static int open_domains(struct worker *worker) {
  open_buffers(worker);
  splice_pool_init(&worker->pipes, SPLICE_POOL_CEILING, worker->setup.pipes);
  offload_pool_init(&worker->offload, &worker->loop);
  worker->offload.on_quiet = on_offload_quiet;
  worker->offload.on_back = on_offload_back;
  stream_domain_init(&worker->streams, worker->poller);
  int error = tls_domain_init(&worker->tls, worker->poller, &worker->offload.offload);
  struct dialer *dialer = set_up_dialer(worker);
  set_up_sessions(worker, dialer);
  int connections_error = set_up_connections(worker, dialer);
  worker_renew_certificates(worker);
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
  if (mailbox_init(&worker->mailbox) != 0) goto fail_memory;
  if (uv_loop_init(&worker->loop) != 0) goto fail_mailbox;
  if (uv_async_init(&worker->loop, &worker->async, worker_on_async) != 0) goto fail_loop;
  worker->async.data = worker;
  return worker;

fail_loop:
  uv_loop_close(&worker->loop);
fail_mailbox:
  mailbox_destroy(&worker->mailbox);
fail_memory:
  free(worker);
  return NULL;
}

void worker_run_out(struct worker *worker) {
  uv_close((uv_handle_t *)&worker->async, NULL);
  (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
  int closed = uv_loop_close(&worker->loop);
  assert(closed == 0);
  (void)closed;
}

/* How many of them it has taken; less than all: the system refuses. */
static size_t open_listeners(struct worker *worker, const struct listener_socket *sockets, size_t count) {
  if (count == 0) return 0;
  worker->listeners = calloc(count, sizeof *worker->listeners);
  if (worker->listeners == NULL) return 0;
  for (size_t i = 0; i < count; i++) {
    if (listener_open(&worker->listeners[i], &worker->loop, sockets[i], &worker->timers.timers,
                      worker->setup.admission, &worker->waiter, worker_on_accept, worker) != 0)
      break;
    worker->listeners_count++;
  }
  return worker->listeners_count;
}

static void close_sockets(const struct listener_socket *sockets, size_t count) {
  for (size_t i = 0; i < count; i++)
    close(sockets[i].fd);
}

struct worker *worker_open(const struct worker_setup *setup, unsigned index,
                           const struct listener_socket *sockets, size_t count) {
  size_t taken = 0;
  struct worker *worker = make_worker(setup, index);
  if (worker == NULL) goto fail_sockets;
  if (loop_timers_open(&worker->timers, &worker->loop) != 0) goto fail_async;
  worker->poller = poller_open(&worker->loop);
  if (worker->poller != NULL) poller_on_wake(worker->poller, on_wake, worker);
  worker->resolver = worker->poller == NULL ? NULL : resolver_open(&worker->loop);
  if (worker->resolver == NULL) goto fail_handles;
  if (open_domains(worker) != 0) goto fail_domains;
  taken = open_listeners(worker, sockets, count);
  if (taken < count) goto fail_domains;
  return worker;

fail_domains:
  worker_free_domains(worker);
fail_handles:
  worker_end_loop(worker);
fail_async:
  worker_run_out(worker);
  mailbox_destroy(&worker->mailbox);
  free(worker->listeners);
  free(worker);
fail_sockets:
  close_sockets(sockets + taken, count - taken);
  return NULL;
}
