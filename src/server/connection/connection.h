/* The HTTP side of one accepted connection: request heads in, answers out, until it is closed or has
 * become a session.
 *
 *                +-------------- kept alive ----------------+
 *                v                                          |
 *   accepted -> HEAD --plain--> ANSWERING (text, asset) ----+--> LINGERING -> gone
 *                |   \--plain--> FILE (from --web) ---------+        ^
 *                |<--passed-- AUTHORIZING (the gate) --401, 403, 429, 503--> ANSWERING
 *                |                                                   |
 *                +--refused, 408, draining--> ANSWERING -------------+
 *                |                                                   |
 *                +--upgrade--> ROUTING --403, 404, 502, 503, 504-----+
 *                                |  |                                |
 *                                |  +--DIAL_BEFORE--> DIALLING ------+ 502, 503, 504
 *                                |                       | connected
 *                                +--DIAL_AFTER--> UPGRADING (the 101 is leaving) --> session_open()
 *
 * One request is dealt with at a time; what is pipelined behind it waits in the stash. A connection
 * between requests owns no buffer and no descriptor but its client's. Everything a callback brings
 * (route, dial, file, buffer) is noted and acted on at the transport's next turn, so that nothing here runs
 * inside itself.
 *
 * Works over the interfaces of net and core/timers; needs a uv_loop_t only for the file jobs. One
 * worker, one thread.
 */
#ifndef SERVER_CONNECTION_CONNECTION_H
#define SERVER_CONNECTION_CONNECTION_H

#include <stdint.h>

#include "bridge/session.h"
#include "core/slab.h"
#include "net/address.h"
#include "net/tls/tls.h"
#include "route/gate.h"
#include "route/router.h"
#include "server/connection/stash.h"
#include "server/counters.h"
#include "server/files/job.h"
#include "server/response.h"
#include "server/settings.h"
#include "server/single_session.h"

/* How far the server's stopping has come. */
enum serving {
  SERVING,
  SERVING_LAST, /* draining: requests are answered, then the connection is closed */
  SERVING_OVER  /* the drain time is over: 503 */
};

/* What a worker lends to its connections; outlives them all. The caller fills in the first part. */
struct connection_domain {
  const struct server_settings *settings;
  struct timers *timers;
  struct buffer_pool *buffers;
  struct dialer *dialer;
  struct tls_domain *tls;          /* with tls_context: */
  struct tls_context *tls_context; /* for new connections, not held; NULL: no certificate */
  struct router *router;           /* which target an upgrade gets */
  struct gate *gate;               /* who may come in; NULL: everybody */
  struct session_domain *sessions;
  struct file_jobs *files;
  struct counters *counters;
  struct single_session *single; /* shared by all workers */
  /* A connection has closed without becoming a session, and is about to be freed. */
  void (*on_closed)(struct connection_domain *domain, void *owner);
  void *owner;

  enum serving serving;
  struct stash_budget stashes;
  struct response_clock clock;
  struct wsl_head_field *scratch_fields; /* for heads that arrive whole */
  uint8_t *scratch_head;                 /* what heads are read into: nobody waits for a buffer with one */
  struct slab slab;
  struct slab words;       /* of upgrades under way */
  struct list connections; /* all that live */
  size_t count;
};

/* The first part is filled in. 0 or WSL_NO_MEMORY. */
WSL_MUST_CHECK int connection_domain_init(struct connection_domain *domain);

/* No connection may live (asserted). */
void connection_domain_destroy(struct connection_domain *domain);

/* Begins a connection on `client`, which is its own from now on. `id` ties log lines together. 0, or
 * WSL_NO_MEMORY with nothing taken over. */
WSL_MUST_CHECK int connection_open(struct connection_domain *domain, struct transport *client,
                                   const struct address *peer, uint64_t id);

/* The owner of a transport until connection_open(): for stream_open(), whose callback it replaces. */
void connection_not_ready(struct transport *transport, void *owner);

/* Draining starts: connections that have been served and wait for another request are closed. */
void connection_domain_drain(struct connection_domain *domain);

/* The drain time is over: connections without a request under way are closed, later ones get 503. */
void connection_domain_go_away(struct connection_domain *domain);

/* Ends every connection with a reset. */
void connection_domain_cut(struct connection_domain *domain);

#endif
