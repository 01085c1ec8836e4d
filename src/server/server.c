/* Start and stop of the whole (server/server.h).
 *
 *   RUNNING --server_drain()--> DRAINING --drain time--> GOING_AWAY --2 s--> CUT
 *      \--lifetime--> RETIRED --^
 *      all workers ended, from any of them --> STOPPED: on_stopped()
 */
#include "server/server.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/error.h"
#include "core/log.h"
#include "net/splice_pool.h"
#include "server/admission.h"
#include "server/descriptor_budget.h"
#include "server/lifetime.h"
#include "server/listen_address.h"
#include "server/processors.h"
#include "server/static_files.h"
#include "server/thread_pool.h"
#include "server/unix_listen.h"
#include "server/worker.h"

/* What sessions get for their closing handshake when the drain time is over. */
#define GO_AWAY_TIME_MS 2000u

enum server_phase {
  SERVER_RUNNING,
  SERVER_RETIRED,
  SERVER_DRAINING,
  SERVER_GOING_AWAY,
  SERVER_CUT,
  SERVER_STOPPED
};

struct server {
  const struct server_settings *settings;
  server_stopped_fn on_stopped;
  void *owner;
  enum server_phase phase;
  struct address address; /* where the first worker listens */
  struct unix_listen unix_listen;
  struct static_files files;
  struct token_source *tokens;       /* or NULL, as the next two may be */
  struct certificates *certificates; /* toward clients */
  struct tls_context *target_tls;    /* toward targets */
  struct admission admission;
  struct balance balance;
  struct worker_setup setup;
  struct splice_budget pipes;
  struct worker **workers;
  struct admission_waiter **waiters;
  int *listen_fds; /* of workers that are not opened yet, else -1 */
  unsigned workers_count;
  atomic_uint workers_ended;
  uv_async_t on_ended; /* a worker's loop is over */
  uv_timer_t timer;    /* to the next phase */
  struct lifetime lifetime;
  int open_handles;
};

uint16_t server_port(const struct server *server) {
  return address_port(&server->address);
}

/* ---- stopping ---- */

static void log_worker(const struct server *server, unsigned index) {
  const struct counters *counters = worker_counters(server->workers[index]);
  log_event(LOG_DEBUG, 0,
            "worker stopped worker=%u connections=%" PRIu64 " sessions=%" PRIu64 " handed_on=%" PRIu64, index,
            counter_get(&counters->accepted), counter_get(&counters->upgrades),
            counter_get(&counters->handed_on));
}

static void log_summary(const struct server *server) {
  uint64_t accepted = 0, upgrades = 0, served = 0, refused = 0, handshakes = 0, resumed = 0, failed = 0;
  uint64_t stalled_count = 0;
  for (unsigned i = 0; i < server->workers_count; i++) {
    log_worker(server, i);
    const struct counters *counters = worker_counters(server->workers[i]);
    accepted += counter_get(&counters->accepted);
    upgrades += counter_get(&counters->upgrades);
    served += counter_get(&counters->requests_served);
    refused += counter_get(&counters->refused_4xx) + counter_get(&counters->refused_5xx);
    stalled_count += counter_get(&counters->stalled);
    handshakes += counter_get(&counters->tls_handshakes);
    resumed += counter_get(&counters->tls_resumed);
    failed += counter_get(&counters->tls_failed);
  }
  char stalled[32] = "", tls[96] = "";
  if (stalled_count > 0) snprintf(stalled, sizeof(stalled), " stalled=%" PRIu64, stalled_count);
  if (handshakes + failed > 0)
    snprintf(tls, sizeof(tls), " tls=%" PRIu64 " tls_resumed=%" PRIu64 " tls_failed=%" PRIu64, handshakes,
             resumed, failed);
  log_event(LOG_INFO, 0,
            "stopped connections=%" PRIu64 " sessions=%" PRIu64 " requests=%" PRIu64 " refused=%" PRIu64
            "%s%s",
            accepted, upgrades, served, refused, stalled, tls);
}

static void on_handle_closed(uv_handle_t *handle) {
  struct server *server = handle->data;
  if (--server->open_handles > 0) return;
  log_summary(server);
  server->on_stopped(server, server->owner);
}

static void on_worker_ended(uv_async_t *handle) {
  struct server *server = handle->data;
  if (server->phase == SERVER_STOPPED || atomic_load(&server->workers_ended) < server->workers_count) return;
  server->phase = SERVER_STOPPED;
  if (server->certificates != NULL) certificates_unwatch(server->certificates);
  uv_close((uv_handle_t *)&server->on_ended, on_handle_closed);
  uv_close((uv_handle_t *)&server->timer, on_handle_closed);
  lifetime_close(&server->lifetime, on_handle_closed);
}

/* On a worker's thread. */
static void note_worker_ended(void *owner) {
  struct server *server = owner;
  atomic_fetch_add(&server->workers_ended, 1);
  (void)uv_async_send(&server->on_ended);
}

static void tell_all(struct server *server, enum worker_command command) {
  for (unsigned i = 0; i < server->workers_count; i++)
    worker_tell(server->workers[i], command);
}

static void on_phase_over(uv_timer_t *timer) {
  struct server *server = timer->data;
  if (server->phase == SERVER_DRAINING) {
    server->phase = SERVER_GOING_AWAY;
    tell_all(server, WORKER_GO_AWAY);
    (void)uv_timer_start(timer, on_phase_over, GO_AWAY_TIME_MS, 0);
  } else {
    server_cut(server);
  }
}

static void drain(struct server *server, uint64_t patience_ms) {
  if (server->phase > SERVER_RETIRED) return;
  server->phase = SERVER_DRAINING;
  tell_all(server, WORKER_DRAIN);
  if (patience_ms == 0) {
    on_phase_over(&server->timer);
    return;
  }
  (void)uv_timer_start(&server->timer, on_phase_over, patience_ms, 0);
}

void server_drain(struct server *server) {
  drain(server, server->settings->drain_timeout_ms);
}

/* --run-once: files that are on their way to other clients are not cut off in the middle. */
#define LAST_FILES_TIME_MS 2000u

static void on_lifetime_over(struct lifetime *lifetime, enum lifetime_end end) {
  struct server *server = LIST_ENTRY(lifetime, struct server, lifetime);
  if (server->phase != SERVER_RUNNING) return;
  switch (end) {
    case LIFETIME_LISTENED:
      log_event(LOG_INFO, 0, "listening ends (--timeout); sessions go on");
      server->phase = SERVER_RETIRED;
      tell_all(server, WORKER_DRAIN);
      break;
    case LIFETIME_IDLE:
      log_event(LOG_INFO, 0, "stopping: nobody was connected (--idle-timeout)");
      server_drain(server);
      break;
    case LIFETIME_ONCE:
      log_event(LOG_INFO, 0, "stopping: the session has ended (--run-once)");
      drain(server, LAST_FILES_TIME_MS);
      break;
  }
}

static void on_certificates_renewed(void *owner) {
  tell_all(owner, WORKER_RENEW);
}

void server_reload(struct server *server) {
  if (server->certificates != NULL && server->phase == SERVER_RUNNING)
    certificates_reload(server->certificates);
}

void server_cut(struct server *server) {
  if (server->phase >= SERVER_CUT) return;
  server->phase = SERVER_CUT;
  (void)uv_timer_stop(&server->timer);
  tell_all(server, WORKER_DRAIN);
  tell_all(server, WORKER_CUT);
}

/* Workers, listeners, files and memory; the handles on the main loop are closed or were never open. */
static void free_parts(struct server *server) {
  for (unsigned i = 0; i < server->workers_count && server->workers != NULL; i++) {
    if (server->workers[i] != NULL) worker_join(server->workers[i]);
  }
  for (unsigned i = 0; i < server->workers_count; i++) {
    if (server->workers != NULL && server->workers[i] != NULL) worker_free(server->workers[i]);
    if (server->listen_fds != NULL && server->listen_fds[i] >= 0) close(server->listen_fds[i]);
  }
  free(server->workers);
  free(server->waiters);
  free(server->balance.seats);
  free(server->listen_fds);
  unix_listen_remove(&server->unix_listen);
  static_files_close(&server->files);
  if (server->tokens != NULL) token_source_close(server->tokens);
  certificates_close(server->certificates);
  tls_context_drop(server->target_tls);
}

void server_free(struct server *server) {
  assert(server->phase == SERVER_STOPPED);
  free_parts(server);
  free(server);
}

/* ---- starting ---- */

static int explain(int error, const char *what, char *why, size_t why_cap) {
  snprintf(why, why_cap, "can't start: %s: %s", what, error_text(error));
  return error;
}

/* Pipes that so many workers would like to have; 0: nothing is to be spliced. */
static size_t pipes_wished(const struct server_settings *settings, unsigned workers) {
  if (settings->session.max_frame_size < SPLICE_FRAME_MIN || !splice_supported()) return 0;
  size_t allowed = splice_pipes_allowed(), wished = (size_t)workers * SPLICE_POOL_CEILING;
  if (allowed == 0)
    log_event(LOG_WARN, 0,
              "frames of --max-frame-size are copied, not spliced: sysctl fs.pipe-user-pages-soft allows no "
              "pipes for it");
  return wished < allowed ? wished : allowed;
}

/* How many workers and connections; the arrays for them. */
static int plan(struct server *server) {
  const struct server_settings *settings = server->settings;
  unsigned wanted = settings->workers == 0 ? processors_usable() : settings->workers;
  uint64_t descriptors = descriptor_budget_raise_limit();
  size_t pipes = descriptor_budget_take_pipes(&descriptors, pipes_wished(settings, wanted));
  struct descriptor_budget budget = descriptor_budget_plan(descriptors, wanted, settings->max_sessions);
  if (budget.workers < wanted)
    log_event(LOG_WARN, 0, "only %u of %u workers: --max-sessions or the descriptor limit allow no more",
              budget.workers, wanted);
  splice_budget_init(&server->pipes, pipes, budget.workers);
  server->workers_count = budget.workers;
  server->workers = calloc(budget.workers, sizeof(struct worker *));
  server->waiters = calloc(budget.workers, sizeof(struct admission_waiter *));
  server->listen_fds = calloc(budget.workers, sizeof(int));
  server->balance.seats = calloc(budget.workers, sizeof(struct balance_seat));
  server->balance.count = budget.workers;
  if (server->workers == NULL || server->waiters == NULL || server->listen_fds == NULL ||
      server->balance.seats == NULL)
    return WSL_NO_MEMORY;
  for (unsigned i = 0; i < budget.workers; i++)
    server->listen_fds[i] = -1;
  admission_init(&server->admission, budget.connections, server->waiters, budget.workers);
  return 0;
}

/* One Unix socket for all workers: each has a descriptor of it, and whoever is first accepts. */
static int listen_unix(struct server *server, char *why, size_t why_cap) {
  const struct server_settings *settings = server->settings;
  int fd = unix_listen_open(&server->unix_listen, settings->unix_listen, settings->unix_listen_mode,
                            settings->backlog, &server->address, why, why_cap);
  if (fd < 0) return fd;
  server->listen_fds[0] = fd;
  for (unsigned i = 1; i < server->workers_count; i++) {
    server->listen_fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (server->listen_fds[i] < 0) return explain(WSL_NO_DESCRIPTOR, "workers", why, why_cap);
  }
  return WSL_OK;
}

/* One socket a worker: the first claims the port alone, so that a second instance fails. */
static int listen_all(struct server *server, char *why, size_t why_cap) {
  const struct server_settings *settings = server->settings;
  if (settings->unix_listen != NULL) return listen_unix(server, why, why_cap);
  int error = listen_address_resolve(settings->listen_host, settings->listen_port, settings->listen_family,
                                     &server->address, why, why_cap);
  for (unsigned i = 0; error == 0 && i < server->workers_count; i++) {
    enum listen_sharing sharing = LISTEN_OTHER;
    if (i == 0) sharing = server->workers_count == 1 ? LISTEN_ALONE : LISTEN_FIRST;
    int fd = listen_address_bind(settings->listen_host, &server->address, sharing, &settings->sockets,
                                 settings->backlog, why, why_cap);
    if (fd < 0) error = fd;
    server->listen_fds[i] = fd < 0 ? -1 : fd;
  }
  return error;
}

static int open_workers(struct server *server) {
  server->setup = (struct worker_setup){
      .settings = server->settings,
      .files = &server->files,
      .tokens = server->tokens,
      .certificates = server->certificates,
      .target_tls = server->target_tls,
      .admission = &server->admission,
      .balance = &server->balance,
      .all = server->workers,
      .single = &server->lifetime.single,
      .workers = server->workers_count,
      .pipes = server->pipes.pipes > 0 ? &server->pipes : NULL,
      .on_ended = note_worker_ended,
      .owner = server,
  };
  for (unsigned i = 0; i < server->workers_count; i++) {
    server->workers[i] = worker_open(&server->setup, i, server->listen_fds[i]);
    if (server->workers[i] == NULL) return WSL_NO_DESCRIPTOR;
    server->listen_fds[i] = -1;
    server->waiters[i] = worker_waiter(server->workers[i]);
  }
  return 0;
}

static int open_handles(struct server *server, uv_loop_t *main_loop) {
  if (uv_async_init(main_loop, &server->on_ended, on_worker_ended) != 0) return WSL_NO_DESCRIPTOR;
  (void)uv_timer_init(main_loop, &server->timer); /* only fills in a struct */
  server->on_ended.data = server;
  server->timer.data = server;
  server->open_handles = 2;
  int error = lifetime_open(&server->lifetime, main_loop, server->settings, &server->admission,
                            on_lifetime_over, server);
  if (error == 0) server->open_handles += LIFETIME_HANDLES;
  return error;
}

static void on_failed_handle_closed(uv_handle_t *handle) {
  struct server *server = handle->data;
  if (--server->open_handles == 0) free(server);
}

/* A start that failed: undoes it. Where handles are open their memory stays until the main loop has
 * let go of them. */
static void undo(struct server *server) {
  for (unsigned i = 0; i < server->workers_count && server->workers != NULL; i++) {
    if (server->workers[i] == NULL) continue;
    worker_tell(server->workers[i], WORKER_DRAIN);
    worker_tell(server->workers[i], WORKER_CUT);
  }
  free_parts(server);
  if (server->open_handles == 0) {
    free(server);
    return;
  }
  uv_close((uv_handle_t *)&server->on_ended, on_failed_handle_closed);
  uv_close((uv_handle_t *)&server->timer, on_failed_handle_closed);
  if (server->lifetime.settings != NULL) lifetime_close(&server->lifetime, on_failed_handle_closed);
}

static int start_workers(struct server *server) {
  for (unsigned i = 0; i < server->workers_count; i++) {
    int error = worker_start(server->workers[i]);
    if (error != 0) return error;
  }
  return 0;
}

static int open_tokens(struct server *server, char *why, size_t why_cap) {
  const struct server_settings *settings = server->settings;
  if (settings->token_kind == NULL) return 0;
  return token_source_open(&server->tokens, settings->token_kind, &settings->token_source, why, why_cap);
}

/* Certificates of both sides. */
static int open_tls(struct server *server, char *why, size_t why_cap) {
  const struct server_settings *settings = server->settings;
  int error = 0;
  if (settings->tls.service != TLS_SERVICE_NONE)
    error = certificates_open(&server->certificates, &settings->tls, why, why_cap);
  if (error != 0 || settings->target_tls == TARGET_PLAIN) return error;
  error = tls_context_new_client(&server->target_tls, &settings->target_tls_options, why, why_cap);
  if (error == 0 && why[0] != '\0') log_event(LOG_WARN, 0, "%s", why);
  return error;
}

static int start_parts(struct server *server, uv_loop_t *main_loop, char *why, size_t why_cap) {
  const struct server_settings *settings = server->settings;
  int error = plan(server);
  if (error != 0) return explain(error, "workers", why, why_cap);
  error = static_files_open(&server->files, settings->web_dir, settings->assets, why, why_cap);
  if (error == 0) error = open_tokens(server, why, why_cap);
  if (error == 0) error = open_tls(server, why, why_cap);
  if (error != 0) return error;
  error = listen_all(server, why, why_cap);
  if (error != 0) return error;
  error = thread_pool_start();
  if (error == 0) error = open_workers(server);
  if (error == 0) error = open_handles(server, main_loop);
  if (error == 0) error = start_workers(server);
  return error == 0 ? 0 : explain(error, "workers", why, why_cap);
}

/* For who wonders how many fit: descriptors end sooner than memory mostly. */
static void log_room(const struct server *server) {
  struct worker_footprint footprint = worker_footprint(server->workers[0]);
  log_event(LOG_DEBUG, 0, "room connections=%zu idle_session_bytes=%zu idle_connection_bytes=%zu",
            server->admission.cap, footprint.session, footprint.connection);
}

int server_start(struct server **result, const struct server_settings *settings, uv_loop_t *main_loop,
                 server_stopped_fn on_stopped, void *owner, char *why, size_t why_cap) {
  struct server *server = calloc(1, sizeof(*server));
  if (server == NULL) return explain(WSL_NO_MEMORY, "memory", why, why_cap);
  server->settings = settings;
  server->on_stopped = on_stopped;
  server->owner = owner;
  server->files.dir_fd = -1;
  int error = start_parts(server, main_loop, why, why_cap);
  if (error != 0) {
    undo(server);
    return error;
  }
  if (server->certificates != NULL)
    certificates_watch(server->certificates, main_loop, on_certificates_renewed, server);
  char where[ADDRESS_TEXT_MAX];
  log_event(LOG_INFO, 0, "listening on %s workers=%u target=%s", address_format(&server->address, where),
            server->workers_count, settings->token_kind == NULL ? settings->target.text : "by-token");
  log_room(server);
  *result = server;
  return 0;
}
