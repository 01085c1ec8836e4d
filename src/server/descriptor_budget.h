/* How many connections and workers the descriptor limit allows. The arithmetic is pure and takes
 * constant time whatever the limit is: containers set it to a billion.
 */
#ifndef SERVER_DESCRIPTOR_BUDGET_H
#define SERVER_DESCRIPTOR_BUDGET_H

#include <stddef.h>
#include <stdint.h>

/* What the process holds beside workers and connections: standard streams, the log, the main loop,
 * --web's directory, the demo's service, and a few for whatever a library opens. */
#define DESCRIPTORS_OF_PROCESS 24u

/* What a worker holds: its loop's epoll and eventfd, the poller's epoll, its listener, the resolver's
 * sockets and files. */
#define DESCRIPTORS_OF_WORKER 10u

/* A client's and its backend's, or a client's and a file's. */
#define DESCRIPTORS_OF_CONNECTION 2u

/* One pipe for splicing (net/splice_pool.h). */
#define DESCRIPTORS_OF_PIPE 2u

/* What a program has beside its client and one stream: its other streams and its pidfd
 * (net/program/program.h). And while it is started its own ends, a pipe to hear of failures: only few are, in
 * the thread pool. */
#define DESCRIPTORS_OF_PROGRAM 3u

struct descriptor_budget {
  unsigned workers;   /* at least 1 */
  size_t connections; /* at least 1 */
};

/* For a limit of `descriptors` (0: unknown or infinite), `workers` wanted (at least 1) and at most
 * `max_sessions` connections (0: as many as fit). A worker without a connection of its own would be
 * of no use, so there are never more workers than connections. */
struct descriptor_budget descriptor_budget_plan(uint64_t descriptors, unsigned workers, size_t max_sessions);

/* How many of the pipes that are wished there may be: all of them take a quarter of the descriptors at most.
 * Takes those off `*descriptors` (0: unknown or infinite). */
size_t descriptor_budget_take_pipes(uint64_t *descriptors, size_t wished);

/* How many programs of `wished` there may be at once: likewise half of the descriptors at most, and at least
 * one. Takes off what they have. */
size_t descriptor_budget_take_programs(uint64_t *descriptors, size_t wished);

/* Takes off `*descriptors` what workers hold for listening sockets behind their first. */
void descriptor_budget_take_listeners(uint64_t *descriptors, size_t listeners, unsigned workers);

/* Raises the soft RLIMIT_NOFILE to the hard one and returns what holds then; 0 for infinity. */
uint64_t descriptor_budget_raise_limit(void);

#endif
