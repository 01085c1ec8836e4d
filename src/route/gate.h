/* The gate: whether a request may come in at all, asked before its target is looked up and, with --web-auth,
 * before it gets a file.
 *
 * An interface like route/router.h: what it takes to know (a password's hash, a pause after wrong ones) may
 * need time, and answers then come by callback, on the worker's loop.
 */
#ifndef ROUTE_GATE_H
#define ROUTE_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include <wsluice/head.h>
#include <wsluice/span.h>

#include "net/address.h"

enum gate_purpose { GATE_UPGRADE, GATE_FILE };

enum gate_carrier { GATE_OVER_PLAIN, GATE_OVER_TLS };

/* What a gate may look at; lives only for the call. */
struct gate_request {
  enum gate_purpose purpose;
  enum gate_carrier carrier;        /* what the browser speaks, as far as it is known */
  const struct wsl_head *head;      /* for Authorization and Cookie */
  struct wsl_span origin;           /* at == NULL: none */
  struct wsl_span authority;        /* the Host */
  struct wsl_span certificate_name; /* common name of the client's verified certificate; at == NULL: none */
  const struct address *client;     /* the real one, as far as it is known */
};

enum gate_outcome {
  GATE_OPEN,
  GATE_UNKNOWN,   /* no credentials: 401 */
  GATE_WRONG,     /* not these: 401 */
  GATE_MALFORMED, /* can't be read: 403 */
  GATE_CLOSED,    /* not from there, or not with this certificate: 403 */
  GATE_HURRIED,   /* too many tries from this client's network: 429 */
  GATE_BUSY       /* too much under way, or no memory: 503 */
};

struct gate_answer {
  enum gate_outcome outcome;
  const char *reason;     /* unless open: a static sentence for the client and the log */
  unsigned retry_after_s; /* with HURRIED and BUSY */
  bool delayed;           /* it was made to wait, since others failed before */
  const char *user;       /* open: who it is, for the log; NULL: nobody knows. Good for the callback only */
  const char *cookie;     /* open: value of a Set-Cookie for the answer, or NULL. Likewise */
};

struct gate;
struct gate_check;
typedef void (*gate_fn)(struct gate_check *check, const struct gate_answer *answer);

/* Embedded in whoever asks; alive until the callback or gate_cancel(). The callback may start it anew. */
struct gate_check {
  gate_fn done;
  struct gate *gate;
  void *work; /* the gate's own; NULL when nothing is in flight */
};

struct gate_ops {
  void (*start)(struct gate *, struct gate_check *, const struct gate_request *);
  void (*cancel)(struct gate *, struct gate_check *);
};

/* One a worker. */
struct gate {
  const struct gate_ops *ops;
};

/* The callback may come before this returns. */
static inline void gate_start(struct gate *gate, struct gate_check *check, const struct gate_request *request,
                              gate_fn done) {
  check->done = done;
  check->gate = gate;
  check->work = NULL;
  gate->ops->start(gate, check, request);
}

/* Gives up; harmless when nothing is in flight or the check was zeroed and never started. */
static inline void gate_cancel(struct gate_check *check) {
  if (check->gate != NULL && check->work != NULL) check->gate->ops->cancel(check->gate, check);
}

#endif
