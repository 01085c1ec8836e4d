/* A worker's clients: who is accepted here is served here, or by the worker with the fewest clients
 * (server/balance.h); what it counts, and what it gives back when a client has gone.
 *
 * A descriptor that is handed on has its place of the admission with it. Everything else (the id, the
 * counters) begins with the worker that serves it, so each client is counted once. While draining nothing
 * is handed on: what the kernel had queued is served by whoever takes it from there.
 */
#include "server/worker_internal.h"

#include <assert.h>

#include "core/log.h"
#include "server/balance.h"

/* Process-unique without sharing: worker i of n gives i + 1, i + 1 + n, ... */
static uint64_t take_id(struct worker *worker) {
  uint64_t id = worker->next_id;
  worker->next_id += worker->setup.workers;
  return id;
}

static void drop_place(struct worker *worker) {
  balance_gone(worker->setup.balance, worker->index);
  admission_release(worker->setup.admission);
  counter_add(&worker->counters.closed);
  worker_note_ended(worker);
}

static void log_accepted(const struct worker *worker, uint64_t id, unsigned accepted_by,
                         const struct address *peer) {
  if (!log_enabled(LOG_DEBUG)) return;
  char client[ADDRESS_TEXT_MAX];
  log_event(LOG_DEBUG, id, "accepted client=%s worker=%u accepted_by=%u", address_format(peer, client),
            worker->index, accepted_by);
}

/* The place and the count are taken. */
static void serve(struct worker *worker, int fd, unsigned accepted_by, const struct address *peer) {
  uint64_t id = take_id(worker);
  counter_add(&worker->counters.accepted);
  log_accepted(worker, id, accepted_by, peer);
  enum stream_kind kind = peer->storage.ss_family == AF_UNIX ? STREAM_UNIX : STREAM_TCP;
  struct transport *transport = stream_open(&worker->streams, fd, kind, connection_not_ready, NULL);
  if (transport != NULL && connection_open(&worker->connections, transport, peer, id) == 0) return;
  if (transport != NULL) transport_reset(transport);
  log_event(LOG_ERROR, id, "connection dropped: no memory");
  drop_place(worker);
}

/* False when the other takes no mail: it has too much, or has ended. */
static bool hand_on(struct worker *worker, unsigned to, int fd, const struct address *peer) {
  struct worker *other = worker->setup.all[to];
  struct mail mail = {.fd = fd, .from = worker->index, .peer = *peer};
  if (!mailbox_put(&other->mailbox, &mail)) return false;
  counter_add(&worker->counters.handed_on);
  worker_post(other, WORKER_MAIL);
  return true;
}

void worker_on_accept(void *owner, int fd, const struct address *peer) {
  struct worker *worker = owner;
  struct balance *balance = worker->setup.balance;
  unsigned self = worker->index, place = self;
  loop_timers_catch_up(&worker->timers);
  if (worker->draining) {
    balance_keep(balance, self);
  } else {
    place = balance_place(balance, self);
  }
  if (place != self) {
    if (hand_on(worker, place, fd, peer)) return;
    balance_return(balance, place, self);
  }
  serve(worker, fd, self, peer);
}

/* By its own mailbox: taken from there before a drain that is told at once. It is the only one, so there is
 * place for it. */
void worker_give(struct worker *worker, int fd, const struct address *peer) {
  struct mail mail = {.fd = fd, .from = worker->index, .peer = *peer};
  bool placed = admission_acquire(worker->setup.admission, &worker->waiter);
  balance_keep(worker->setup.balance, worker->index);
  bool put = mailbox_put(&worker->mailbox, &mail);
  assert(placed && put);
  (void)placed;
  (void)put;
  worker_post(worker, WORKER_MAIL);
}

void worker_take_mail(struct worker *worker) {
  struct mail mail;
  while (mailbox_take(&worker->mailbox, &mail))
    serve(worker, mail.fd, mail.from, &mail.peer);
}

void worker_on_connection_closed(struct connection_domain *domain, void *owner) {
  (void)domain;
  drop_place(owner);
}

void worker_on_session_stalled(struct session_domain *domain, void *owner) {
  (void)domain;
  counter_add(&((struct worker *)owner)->counters.stalled);
}

void worker_on_session_replaced(struct session_domain *domain, void *owner) {
  (void)domain;
  counter_add(&((struct worker *)owner)->counters.replaced_text);
}

void worker_on_session_ended(struct session_domain *domain, void *owner) {
  (void)domain;
  struct worker *worker = owner;
  counter_add(&worker->counters.sessions_ended);
  single_session_over(worker->setup.single);
  drop_place(worker);
}
