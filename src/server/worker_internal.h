/* What the files of the worker share; nobody else includes it.
 *
 *   worker.c          its commands, its thread, its end
 *   worker_open.c     its birth, and the freeing of what it was made of
 *   worker_clients.c  its clients: accepted, handed on, taken over, gone
 */
#ifndef SERVER_WORKER_INTERNAL_H
#define SERVER_WORKER_INTERNAL_H

#include "bridge/session.h"
#include "net/loop_timers.h"
#include "net/offload_pool.h"
#include "net/preface_dialer.h"
#include "net/program/dialer.h"
#include "net/socket_dialer.h"
#include "net/tls/dialer.h"
#include "route/auth/gate.h"
#include "route/fixed_router.h"
#include "route/named_router.h"
#include "route/token/router.h"
#include "server/connection/connection.h"
#include "server/listener.h"
#include "server/mailbox.h"
#include "server/worker.h"

/* Not commands of the server's. */
#define WORKER_RESUME (1u << 8)  /* the admission has a place */
#define WORKER_SETTLE (1u << 9)  /* something has ended */
#define WORKER_MAIL   (1u << 10) /* another worker has handed a client on */

struct worker {
  struct worker_setup setup;
  unsigned index;
  uv_thread_t thread;
  bool started;

  uv_loop_t loop;
  uv_async_t async;
  atomic_uint commands; /* bits that wait to be acted on */
  struct mailbox mailbox;
  struct admission_waiter waiter;
  struct listener *listeners;
  size_t listeners_count;
  bool draining;
  bool is_cut; /* who comes now is cut too */
  bool ending; /* handles are being closed */

  struct loop_timers timers;
  struct poller *poller;
  struct resolver *resolver;
  struct buffer_pool buffers;
  struct splice_pool pipes;
  struct offload_pool offload;
  struct stream_domain streams;
  struct tls_domain tls;
  struct tls_context *tls_context; /* held: for new clients; NULL: no certificate */
  struct socket_dialer dialer;
  struct preface_dialer preface_dialer; /* over it, where targets get a PROXY header */
  struct program_domain programs;
  struct program_dialer program_dialer; /* of targets that are programs */
  struct tls_dialer tls_dialer;         /* over the other, where targets speak TLS */
  struct tls_dialer lookup_dialer;      /* likewise, where tokens are looked up over TLS */
  struct auth_gate auth_gate;
  struct fixed_router fixed_router;
  struct named_router named_router;
  struct token_router token_router;
  struct session_domain sessions;
  struct file_jobs files;
  struct connection_domain connections;
  struct counters counters;
  uint64_t next_id;
};

/* ---- worker.c ---- */

/* From any thread: the bits are acted on at the worker's next turn. */
void worker_post(struct worker *worker, unsigned bits);

/* For the loop's async. */
void worker_on_async(uv_async_t *handle);

/* Something has ended: while draining it may have been the last. */
void worker_note_ended(struct worker *worker);

void worker_stop_listening(struct worker *worker);

/* Closes what keeps the loop alive. */
void worker_end_loop(struct worker *worker);

/* ---- worker_clients.c ---- */

/* For the listener: serves the client, or hands it on. */
void worker_on_accept(void *owner, int fd, const struct address *peer);

/* Serves what others have handed on. */
void worker_take_mail(struct worker *worker);

/* For the domains of connections and sessions. */
void worker_on_connection_closed(struct connection_domain *domain, void *owner);
void worker_on_session_ended(struct session_domain *domain, void *owner);
void worker_on_session_stalled(struct session_domain *domain, void *owner);
void worker_on_session_replaced(struct session_domain *domain, void *owner);

/* ---- worker_open.c ---- */

/* Connections that are open keep theirs. */
void worker_renew_certificates(struct worker *worker);

/* Frees what has no handle. The loop has ended, or never began. */
void worker_free_domains(struct worker *worker);

/* Closes the async and the loop. */
void worker_run_out(struct worker *worker);

#endif
