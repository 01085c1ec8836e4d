/* A worker's gate (route/gate.h) over what the server has for authentication (route/auth/auth.h).
 *
 * Origins and certificates are judged at once, and so are cookies and passwords that were right lately. Any
 * other password is a try: paced by its client's network, then hashed in the thread pool, one at a time for
 * each worker and few for all of them, since the pool has handshakes and files to serve too.
 *
 *   start --> WAITING (pacing's pause) --> QUEUED (for its turn) --> HASHING --> done
 */
#ifndef ROUTE_AUTH_GATE_H
#define ROUTE_AUTH_GATE_H

#include "core/list.h"
#include "core/timers.h"
#include "net/offload.h"
#include "route/auth/auth.h"
#include "route/gate.h"

/* How soon a worker looks again whether it may hash: nothing tells it. */
#define AUTH_RETRY_MS 20u

/* Tries of a worker that wait for their turn, a kilobyte each; more are answered 503. At htpasswd's own cost
 * (bcrypt's 5: 3 ms) a full queue takes 400 ms, so that a class that comes at once gets in. */
#define AUTH_QUEUE_MAX 128u

struct auth_try;

struct auth_gate {
  struct gate gate; /* first: it is one */
  struct auth *auth;
  struct offload *offload;
  struct timers *timers;
  struct list queue; /* auth_try */
  size_t queued;
  struct auth_try *hashing; /* NULL: nobody's turn */
  struct timer retry;       /* other workers have all the turns */
};

/* All outlive the gate. */
void auth_gate_init(struct auth_gate *gate, struct auth *auth, struct offload *offload,
                    struct timers *timers);

/* Nothing may be under way (asserted). */
void auth_gate_destroy(struct auth_gate *gate);

#endif
