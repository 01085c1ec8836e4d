/* The phases of the whole (server/server.h; server/server_internal.h has the other files).
 *
 *   RUNNING --server_drain()--> DRAINING --drain time--> GOING_AWAY --2 s--> CUT
 *      \--lifetime--> RETIRED --^
 *      all workers ended, from any of them --> STOPPED: on_stopped()
 */
#include <assert.h>
#include <stdlib.h>

#include "core/log.h"
#include "server/server_internal.h"

/* What sessions get for their closing handshake when the drain time is over. */
#define GO_AWAY_TIME_MS 2000u

uint16_t server_port(const struct server *server) {
  return listen_sockets_port(&server->sockets);
}

/* ---- stopping ---- */

static void on_handle_closed(uv_handle_t *handle) {
  struct server *server = handle->data;
  if (--server->open_handles > 0) return;
  server_log_end(server);
  server->on_stopped(server, server->owner);
}

void server_on_worker_ended(uv_async_t *handle) {
  struct server *server = handle->data;
  if (server->phase == SERVER_STOPPED || atomic_load(&server->workers_ended) < server->workers_count) return;
  server->phase = SERVER_STOPPED;
  if (server->certificates != NULL) certificates_unwatch(server->certificates);
  access_unwatch(server->access);
  uv_close((uv_handle_t *)&server->on_ended, on_handle_closed);
  uv_close((uv_handle_t *)&server->timer, on_handle_closed);
  lifetime_close(&server->lifetime, on_handle_closed);
}

void server_note_worker_ended(void *owner) {
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

void server_on_lifetime_over(struct lifetime *lifetime, enum lifetime_end end) {
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

void server_on_certificates_renewed(void *owner) {
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

void server_free_parts(struct server *server) {
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
  server_free_parts(server);
  free(server);
}
