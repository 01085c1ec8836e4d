/* What a worker has counted. One writer (the worker), relaxed loads by any reader: no
 * read-modify-write, so counting costs what a plain addition costs.
 */
#ifndef SERVER_COUNTERS_H
#define SERVER_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

struct counters {
  _Atomic uint64_t accepted;       /* connections served here, whoever accepted them */
  _Atomic uint64_t closed;         /* connections, sessions included */
  _Atomic uint64_t handed_on;      /* accepted here, served by another worker; not among `accepted` */
  _Atomic uint64_t upgrades;       /* sessions opened */
  _Atomic uint64_t sessions_ended; /* of those */
  _Atomic uint64_t stalled;        /* of those, ended since their peers took nothing while memory was short */
  _Atomic uint64_t replaced_text;  /* sessions whose target sent a client of text what is not UTF-8 */
  _Atomic uint64_t requests_served; /* answered with 2xx or 3xx */
  _Atomic uint64_t refused_4xx;
  _Atomic uint64_t refused_5xx;
  _Atomic uint64_t refused_targets; /* by --allow-target's rules; before an upgrade among refused_4xx too */
  _Atomic uint64_t proxy_failed;    /* connections of balancers without a good PROXY header */
  _Atomic uint64_t auth_failures;   /* wrong credentials */
  _Atomic uint64_t auth_delays;     /* tries that were made to wait, since others had failed before */
  _Atomic uint64_t lookups;         /* of tokens */
  _Atomic uint64_t lookups_failed;  /* of those: no answer in time, no place, or the source has failed */
  _Atomic uint64_t tls_handshakes;  /* with clients, completed */
  _Atomic uint64_t tls_resumed;     /* of those, from a ticket */
  _Atomic uint64_t tls_failed;      /* handshakes, the refused ones included */
};

/* Writer only. */
static inline void counter_add(_Atomic uint64_t *counter) {
  atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                        memory_order_relaxed);
}

static inline uint64_t counter_get(const _Atomic uint64_t *counter) {
  return atomic_load_explicit(counter, memory_order_relaxed);
}

#endif
