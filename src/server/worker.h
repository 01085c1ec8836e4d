/* A worker: one thread, its loop, and everything that connections on it share. Nothing here is touched
 * by another thread but the commands, the mailbox, the counters, the balance and the admission.
 *
 *   opened (main thread) -> started -> serving -> [draining] -> [going away] -> empty -> ended -> freed
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include <uv.h>

#include "route/auth/auth.h"
#include "server/admission.h"
#include "server/balance.h"
#include "server/certificates.h"
#include "server/counters.h"
#include "server/files/static_files.h"
#include "server/listener.h"
#include "server/settings.h"

struct worker;

/* What the server tells a worker, in this order; any of them may be left out. */
enum worker_command {
  WORKER_DRAIN = 1 << 0,   /* accept what is queued, close the listener, end when empty */
  WORKER_GO_AWAY = 1 << 1, /* sessions get Close 1001, waiting connections are closed */
  WORKER_CUT = 1 << 2,     /* everything ends at once */
  WORKER_RENEW = 1 << 3    /* at any time: the certificates have been renewed */
};

/* What all workers share, immutable or thread-safe; outlives them. */
struct worker_setup {
  const struct server_settings *settings;
  const struct static_files *files;
  struct certificates *certificates; /* of TLS with clients; NULL: none */
  struct tls_context *target_tls;    /* of TLS with targets; NULL: none */
  struct program_room *programs;     /* for targets that are programs */
  struct token_source *tokens;       /* NULL: every request gets settings->target */
  struct auth *auth;                 /* NULL: everybody may come in */
  struct admission *admission;
  struct balance *balance;
  struct worker **all; /* by index; complete before the first is started */
  struct single_session *single;
  unsigned workers;
  struct splice_budget *pipes;   /* for splicing; NULL: none */
  void (*on_ended)(void *owner); /* on the worker's thread: its loop is over */
  void *owner;
};

/* Makes a worker that will accept from `count` listening sockets, its own in any case from now on. NULL when
 * the system refuses. */
struct worker *worker_open(const struct worker_setup *setup, unsigned index,
                           const struct listener_socket *sockets, size_t count);

/* Has it serve a client that is connected already, whose descriptor is its own from now on. Before
 * worker_start(). */
void worker_give(struct worker *worker, int fd, const struct address *peer);

/* For the admission's table. */
struct admission_waiter *worker_waiter(struct worker *worker);

/* Starts the thread, with all signals blocked. 0 or WSL_NO_MEMORY. */
WSL_MUST_CHECK int worker_start(struct worker *worker);

/* From any thread; acted on at the worker's next turn. */
void worker_tell(struct worker *worker, enum worker_command command);

/* What one client costs while nothing of it is under way: all slots that it has, not the kernel's part. */
struct worker_footprint {
  size_t connection; /* bytes, before it is a session: its socket and itself */
  size_t session;    /* bytes: two sockets and itself; no buffer */
};

struct worker_footprint worker_footprint(const struct worker *worker);

const struct counters *worker_counters(const struct worker *worker);

/* Waits for the thread, which ends by itself after WORKER_DRAIN. Once, before worker_free(). */
void worker_join(struct worker *worker);

/* Frees everything. All workers have been joined, since each may send to any other. */
void worker_free(struct worker *worker);

#endif
