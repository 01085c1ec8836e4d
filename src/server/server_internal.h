/* What the files of the server share; nobody else includes it.
 *
 *   server.c         its phases: draining, reloading, cutting, the end
 *   server_start.c   its birth from the settings, or what undoes one that failed
 *   server_log.c     what it tells the log of itself, at its start and at its end
 *
 * All on the main thread, but for server_note_worker_ended().
 */
#ifndef SERVER_SERVER_INTERNAL_H
#define SERVER_SERVER_INTERNAL_H

#include <stdatomic.h>

#include "net/program/program.h"
#include "net/splice_pool.h"
#include "server/access.h"
#include "server/admission.h"
#include "server/files/static_files.h"
#include "server/lifetime.h"
#include "server/listen_sockets.h"
#include "server/server.h"
#include "server/worker.h"

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

/* ---- server.c ---- */

/* For the workers: one has ended. On its thread. */
void server_note_worker_ended(void *owner);

/* On the main loop: a worker has ended, the certificates are new, a lifetime is over. */
void server_on_worker_ended(uv_async_t *handle);
void server_on_certificates_renewed(void *owner);
void server_on_lifetime_over(struct lifetime *lifetime, enum lifetime_end end);

/* Workers, listeners, files and memory; the handles on the main loop are closed or were never open. */
void server_free_parts(struct server *server);

/* ---- server_log.c ---- */

/* Where clients are taken from, and how many fit. */
void server_log_start(const struct server *server);

/* All that was counted. */
void server_log_end(const struct server *server);

#endif
