/* The server's birth (server/server_internal.h): how many workers and connections the system allows, then
 * each part in its order, whatever can fail before anything is accepted; and the way back where one fails.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/log.h"
#include "server/descriptor_budget.h"
#include "server/processors.h"
#include "server/server_internal.h"
#include "server/thread_pool.h"

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
      .on_ended = server_note_worker_ended,
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
  if (uv_async_init(main_loop, &server->on_ended, server_on_worker_ended) != 0) return WSL_NO_DESCRIPTOR;
  (void)uv_timer_init(main_loop, &server->timer); /* only fills in a struct */
  server->on_ended.data = server;
  server->timer.data = server;
  server->open_handles = 2;
  int error = lifetime_open(&server->lifetime, main_loop, server->settings, &server->admission,
                            server_on_lifetime_over, server);
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
  server_free_parts(server);
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

/* A certificate's file may hold the key. */
static void hide_private_files(struct server *server) {
  const struct server_settings *settings = server->settings;
  struct static_files *files = &server->files;
  const struct tls_server_options *tls = &settings->tls.server;
  const char *const paths[] = {
      tls->key_path != NULL ? tls->key_path : tls->cert_path,
      settings->auth.htpasswd,
      settings->auth.cookie_key_path,
      settings->token_kind != NULL ? settings->token_source.argument : NULL,
  };
  if (files->kind != STATIC_DIRECTORY) return;
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
    private_files_add(&files->hidden, paths[i], files->dir_path);
  for (size_t i = 0; i < files->hidden.count; i++) {
    char shown[256];
    log_event(LOG_WARN, 0, "\"%s\" lies in the folder of --web: nobody gets it from there, but move it away",
              log_escape(wsl_span_of(files->hidden.paths[i]), shown, sizeof shown));
  }
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
  if (error == 0) hide_private_files(server);
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
    certificates_watch(server->certificates, main_loop, server_on_certificates_renewed, server);
  access_watch(server->access, main_loop);
  server_log_start(server);
  *result = server;
  return 0;
}
