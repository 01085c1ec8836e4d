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
#include "core/text.h"
#include "net/program.h"
#include "net/splice_pool.h"
#include "server/access.h"
#include "server/admission.h"
#include "server/descriptor_budget.h"
#include "server/lifetime.h"
#include "server/listen_sockets.h"
#include "server/processors.h"
#include "server/static_files.h"
#include "server/thread_pool.h"
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
  struct listen_sockets sockets;
  struct address client; /* the only one, where there is no listening */
  struct static_files files;
  struct token_source *tokens;       /* or NULL, as the next three may be */
  struct access *access;             /* who may come in */
  struct certificates *certificates; /* toward clients */
  struct tls_context *target_tls;    /* toward targets */
  struct admission admission;
  struct balance balance;
  struct worker_setup setup;
  struct splice_budget pipes;
  struct program_room programs;
  struct worker **workers;
  struct admission_waiter **waiters;
  unsigned workers_count;
  atomic_uint workers_ended;
  uv_async_t on_ended; /* a worker's loop is over */
  uv_timer_t timer;    /* to the next phase */
  struct lifetime lifetime;
  int open_handles;
};

uint16_t server_port(const struct server *server) {
  return listen_sockets_port(&server->sockets);
}

/* ---- stopping ---- */

static void log_worker(const struct server *server, unsigned index) {
  const struct counters *counters = worker_counters(server->workers[index]);
  log_event(LOG_DEBUG, 0,
            "worker stopped worker=%u connections=%" PRIu64 " sessions=%" PRIu64 " handed_on=%" PRIu64, index,
            counter_get(&counters->accepted), counter_get(&counters->upgrades),
            counter_get(&counters->handed_on));
}

/* What the last line of the log adds to its first four figures, where it is not 0: those of one letter come
 * together. */
static const struct {
  const char *name;
  size_t offset; /* of the counter in struct counters */
  char group;
} notable[] = {
    {"refused_targets", offsetof(struct counters, refused_targets), 'r'},
    {"proxy_failed", offsetof(struct counters, proxy_failed), 'p'},
    {"stalled", offsetof(struct counters, stalled), 's'},
    {"auth_failures", offsetof(struct counters, auth_failures), 'a'},
    {"auth_delays", offsetof(struct counters, auth_delays), 'a'},
    {"lookups", offsetof(struct counters, lookups), 'l'},
    {"lookups_failed", offsetof(struct counters, lookups_failed), 'l'},
    {"tls", offsetof(struct counters, tls_handshakes), 't'},
    {"tls_resumed", offsetof(struct counters, tls_resumed), 't'},
    {"tls_failed", offsetof(struct counters, tls_failed), 't'},
};
#define NOTABLE (sizeof(notable) / sizeof(notable[0]))

/* All workers' together. */
static uint64_t total(const struct server *server, size_t offset) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < server->workers_count; i++) {
    const char *counters = (const char *)worker_counters(server->workers[i]);
    sum += counter_get((const _Atomic uint64_t *)(const void *)(counters + offset));
  }
  return sum;
}
#define TOTAL(server, counter) total(server, offsetof(struct counters, counter))

static bool group_is_notable(const uint64_t totals[NOTABLE], char group) {
  for (size_t i = 0; i < NOTABLE; i++) {
    if (notable[i].group == group && totals[i] > 0) return true;
  }
  return false;
}

static void log_summary(const struct server *server) {
  uint64_t totals[NOTABLE];
  char rest[LOG_TEXT_MAX];
  struct text text;
  text_init(&text, rest, sizeof(rest));
  for (unsigned i = 0; i < server->workers_count; i++)
    log_worker(server, i);
  for (size_t i = 0; i < NOTABLE; i++)
    totals[i] = total(server, notable[i].offset);
  for (size_t i = 0; i < NOTABLE; i++) {
    if (group_is_notable(totals, notable[i].group))
      text_format(&text, " %s=%" PRIu64, notable[i].name, totals[i]);
  }
  if (server->settings->target.program != NULL)
    text_format(&text, " programs=%" PRIu64 " programs_failed=%" PRIu64,
                atomic_load(&server->programs.started), atomic_load(&server->programs.failed));
  log_event(LOG_INFO, 0,
            "stopped connections=%" PRIu64 " sessions=%" PRIu64 " requests=%" PRIu64 " refused=%" PRIu64 "%s",
            TOTAL(server, accepted), TOTAL(server, upgrades), TOTAL(server, requests_served),
            TOTAL(server, refused_4xx) + TOTAL(server, refused_5xx), rest);
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
  access_unwatch(server->access);
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

void server_finish(struct server *server, uint64_t patience_ms) {
  uint64_t drain_ms = server->settings->drain_timeout_ms;
  drain(server, drain_ms > patience_ms ? drain_ms : patience_ms);
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
  if (server->phase != SERVER_RUNNING) return;
  if (server->certificates != NULL) certificates_reload(server->certificates);
  access_reload(server->access);
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
  }
  free(server->workers);
  free(server->waiters);
  free(server->balance.seats);
  listen_sockets_close(&server->sockets);
  static_files_close(&server->files);
  if (server->tokens != NULL) token_source_close(server->tokens);
  access_close(server->access);
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
  if (settings->client != NULL) wanted = 1;
  uint64_t descriptors = descriptor_budget_raise_limit();
  descriptor_budget_take_listeners(&descriptors, listen_sockets_planned(settings), wanted);
  size_t pipes = descriptor_budget_take_pipes(&descriptors, pipes_wished(settings, wanted));
  if (settings->target.program != NULL)
    server->programs.limit = descriptor_budget_take_programs(&descriptors, settings->target.program->limit);
  struct descriptor_budget budget = descriptor_budget_plan(descriptors, wanted, settings->max_sessions);
  assert(budget.workers > 0);
  if (budget.workers < wanted)
    log_event(LOG_WARN, 0, "only %u of %u workers: --max-sessions or the descriptor limit allow no more",
              budget.workers, wanted);
  splice_budget_init(&server->pipes, pipes, budget.workers);
  server->workers_count = budget.workers;
  server->workers = calloc(budget.workers, sizeof(struct worker *));
  server->waiters = calloc(budget.workers, sizeof(struct admission_waiter *));
  server->balance.seats = calloc(budget.workers, sizeof(struct balance_seat));
  server->balance.count = budget.workers;
  if (server->workers == NULL || server->waiters == NULL || server->balance.seats == NULL)
    return WSL_NO_MEMORY;
  admission_init(&server->admission, budget.connections, server->waiters, budget.workers);
  return 0;
}

static int open_workers(struct server *server) {
  server->setup = (struct worker_setup){
      .settings = server->settings,
      .files = &server->files,
      .tokens = server->tokens,
      .auth = access_auth(server->access),
      .certificates = server->certificates,
      .target_tls = server->target_tls,
      .programs = &server->programs,
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
    server->workers[i] =
        worker_open(&server->setup, i, listen_sockets_take(&server->sockets), server->sockets.count);
    if (server->workers[i] == NULL) return WSL_NO_DESCRIPTOR;
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

/* The one client of a server that listens on nothing. It may have gone already. */
static int look_at_client(struct server *server, char *why, size_t why_cap) {
  const struct inherited_socket *client = server->settings->client;
  struct address *peer = &server->client;
  peer->len = sizeof peer->storage;
  if (getpeername(client->fd, (struct sockaddr *)&peer->storage, &peer->len) != 0) {
    snprintf(why, why_cap, "nobody to serve: the client on %s has gone", client->name);
    return WSL_RESET;
  }
  if (peer->storage.ss_family != AF_UNIX) socket_tune_accepted(client->fd, &server->settings->sockets);
  return WSL_OK;
}

/* Its place counts before the worker hears that nobody else comes, so that it stays for this one. */
static void serve_client(struct server *server) {
  worker_give(server->workers[0], server->settings->client->fd, &server->client);
  server->phase = SERVER_RETIRED;
  worker_tell(server->workers[0], WORKER_DRAIN);
}

static int start_parts(struct server *server, uv_loop_t *main_loop, char *why, size_t why_cap) {
  const struct server_settings *settings = server->settings;
  int error = plan(server);
  if (error != 0) return explain(error, "workers", why, why_cap);
  error = static_files_open(&server->files, settings->web_dir, settings->web_listing, settings->assets, why,
                            why_cap);
  if (error == 0) error = open_tokens(server, why, why_cap);
  if (error == 0) error = access_open(&server->access, settings, why, why_cap);
  if (error == 0) error = open_tls(server, why, why_cap);
  if (error != 0) return error;
  error = listen_sockets_open(&server->sockets, settings, server->workers_count, why, why_cap);
  if (error == 0 && settings->client != NULL) error = look_at_client(server, why, why_cap);
  if (error != 0) return error;
  error = thread_pool_start();
  if (error == 0) error = open_workers(server);
  if (error == 0) error = open_handles(server, main_loop);
  if (error == 0 && settings->client != NULL) serve_client(server);
  if (error == 0) error = start_workers(server);
  return error == 0 ? 0 : explain(error, "workers", why, why_cap);
}

/* For who wonders how many fit: descriptors end sooner than memory mostly. */
static void log_room(const struct server *server) {
  struct worker_footprint footprint = worker_footprint(server->workers[0]);
  log_event(LOG_DEBUG, 0, "room connections=%zu idle_session_bytes=%zu idle_connection_bytes=%zu",
            server->admission.cap, footprint.session, footprint.connection);
}

static const char *show_targets(const struct server_settings *settings) {
  if (settings->target_place != NULL) return "by-client";
  return settings->token_kind != NULL ? "by-token" : settings->target.text;
}

/* Where clients are taken from. */
static void log_places(const struct server *server) {
  char where[ADDRESS_TEXT_MAX];
  const struct server_settings *settings = server->settings;
  const char *target = show_targets(settings);
  for (size_t i = 0; i < server->sockets.count; i++) {
    const struct listen_socket *socket = &server->sockets.all[i];
    log_event(LOG_INFO, 0, "listening on %s workers=%u target=%s%s%s",
              address_format(&socket->address, where), server->workers_count, target,
              socket->name == NULL ? "" : " inherited=", socket->name == NULL ? "" : socket->name);
  }
  if (settings->client != NULL)
    log_event(LOG_INFO, 0, "serving one client client=%s target=%s inherited=%s",
              address_format(&server->client, where), target, settings->client->name);
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
  access_watch(server->access, main_loop);
  log_places(server);
  log_room(server);
  *result = server;
  return 0;
}
