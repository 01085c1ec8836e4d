/* See server/worker.h. */
#include "server/worker_internal.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/signal_mask.h"

void worker_post(struct worker *worker, unsigned bits) {
  atomic_fetch_or(&worker->commands, bits);
  (void)uv_async_send(&worker->async);
}

void worker_note_ended(struct worker *worker) {
  if (worker->draining) worker_post(worker, WORKER_SETTLE);
}

static void resume_listening(struct worker *worker) {
  for (size_t i = 0; i < worker->listeners_count; i++)
    listener_resume(&worker->listeners[i]);
}

/* ---- the end ---- */

void worker_stop_listening(struct worker *worker) {
  for (size_t i = 0; i < worker->listeners_count; i++)
    listener_stop(&worker->listeners[i]);
}

/* Nobody is here, and nothing is under way for anybody: files, lookups and hashes in the pool, processes. */
static bool is_empty(const struct worker *worker) {
  return worker->connections.count == 0 && worker->sessions.count == 0 && worker->files.running == 0 &&
         worker->offload.running == 0 && worker->programs.children.count == 0;
}

/* A stream that has just been closed waits for the end of its batch. */
static bool has_streams(const struct worker *worker) {
  return worker->streams.open > 0 || worker->tls.open > 0 || worker->programs.pipes.open > 0;
}

/* Closes what keeps the loop alive; the rest goes behind uv_run(). The async stays open until
 * worker_free(), since others may send to it as long as any worker runs. */
void worker_end_loop(struct worker *worker) {
  worker->ending = true;
  worker_stop_listening(worker);
  loop_timers_close(&worker->timers);
  if (worker->resolver != NULL) resolver_close(worker->resolver);
  if (worker->poller != NULL) poller_close(worker->poller);
  uv_unref((uv_handle_t *)&worker->async);
}

/* Ends the loop as soon as that loses nobody. Whoever leaves last asks again (worker_note_ended()). */
static void settle(struct worker *worker) {
  if (!worker->draining || worker->ending || !is_empty(worker)) return;
  token_router_rest(&worker->token_router);
  if (has_streams(worker)) {
    worker_post(worker, WORKER_SETTLE);
    return;
  }
  /* Whoever wants to hand a client on from now on keeps it. */
  if (!mailbox_close(&worker->mailbox)) {
    worker_post(worker, WORKER_MAIL);
    return;
  }
  worker_end_loop(worker);
}

static void drain(struct worker *worker) {
  worker->draining = true;
  worker_stop_listening(worker);
  connection_domain_drain(&worker->connections);
}

static void go_away(struct worker *worker) {
  connection_domain_go_away(&worker->connections);
  session_domain_go_away(&worker->sessions);
}

static void cut(struct worker *worker) {
  worker->is_cut = true;
  connection_domain_cut(&worker->connections);
  session_domain_cut(&worker->sessions);
  child_domain_cut(&worker->programs.children);
}

void worker_on_async(uv_async_t *handle) {
  struct worker *worker = handle->data;
  if (worker->ending) return;
  loop_timers_catch_up(&worker->timers);
  unsigned commands = atomic_exchange(&worker->commands, 0);
  /* First: what has been handed on before a command is there when it is acted on. */
  if (commands & WORKER_MAIL) worker_take_mail(worker);
  if (commands & WORKER_RESUME) resume_listening(worker);
  if (commands & WORKER_RENEW) worker_renew_certificates(worker);
  if (commands & WORKER_DRAIN) drain(worker);
  if (commands & WORKER_GO_AWAY) go_away(worker);
  if ((commands & WORKER_CUT) || worker->is_cut) cut(worker);
  settle(worker);
}

void worker_tell(struct worker *worker, enum worker_command command) {
  worker_post(worker, (unsigned)command);
}

struct admission_waiter *worker_waiter(struct worker *worker) {
  return &worker->waiter;
}

static void before_sleep(void *worker) {
  loop_timers_rearm(&((struct worker *)worker)->timers);
}

static void run_thread(void *argument) {
  struct worker *worker = argument;
  poller_drive(worker->poller, before_sleep, worker);
  (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
  worker->setup.on_ended(worker->setup.owner);
}

int worker_start(struct worker *worker) {
  /* Signals are the main thread's; a thread inherits the mask of whoever makes it. */
  sigset_t before = signals_block_all();
  int error = uv_thread_create(&worker->thread, run_thread, worker);
  signals_restore(&before);
  worker->started = error == 0;
  return error == 0 ? 0 : WSL_NO_MEMORY;
}

struct worker_footprint worker_footprint(const struct worker *worker) {
  size_t stream = slab_bytes_each(&worker->streams.slab);
  return (struct worker_footprint){.connection = slab_bytes_each(&worker->connections.slab) + stream,
                                   .session = slab_bytes_each(&worker->sessions.slab) + 2 * stream};
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
  worker_post(worker, WORKER_DRAIN | WORKER_CUT);
  (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
}

void worker_free(struct worker *worker) {
  assert(!worker->started);
  worker_run_out(worker);
  worker_free_domains(worker);
  mailbox_destroy(&worker->mailbox);
  free(worker->listeners);
  free(worker);
}
