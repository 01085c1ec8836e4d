/* A program's standard streams as a transport: two pipes, or a terminal's master (net/transport.h over
 * non-blocking descriptors in the worker's poller).
 *
 *   pipes      finish closes the program's input: it reads an end. A program that closes its input is noticed
 *              by writing only, since its output may go on.
 *   terminal   has no half of an end: finish tells the program's side to hang up, as a line does.
 *
 * The end of the output is not the whole story: how the program has ended decides whether that is an
 * orderly end or an error, and somebody must end a program whose client has gone. Both are for the
 * program's side (struct pipe_peer), which the stream tells.
 *
 * Pipes and not a pair of sockets: scripts write to /dev/stdout, which can't be opened where that is a
 * socket, and programs of their own account look what they talk to.
 */
#ifndef NET_PROGRAM_PIPE_STREAM_H
#define NET_PROGRAM_PIPE_STREAM_H

#include <sys/types.h>

#include "core/slab.h"
#include "net/poller.h"
#include "net/transport.h"

struct pipe_peer;

struct pipe_peer_ops {
  /* The output has ended. 0: in order; an error: it broke off; WSL_AGAIN: not known yet, and then
   * pipe_stream_settled() will be called. */
  int (*verdict)(struct pipe_peer *);
  /* For transport_failure(): the words to that error. */
  const char *(*failure)(const struct pipe_peer *);
  /* A terminal was finished. `foreground`: the process group that had it, 0 where none has. */
  void (*hang_up)(struct pipe_peer *, pid_t foreground);
  /* What it writes is not wanted any more (transport_forsake). */
  void (*forsake)(struct pipe_peer *);
  /* The stream was closed, or reset: no call comes afterwards. Likewise; of pipes it is 0. */
  void (*gone)(struct pipe_peer *, pid_t foreground);
};

/* Embedded in the program's side; outlives the stream. */
struct pipe_peer {
  const struct pipe_peer_ops *ops;
};

struct pipe_domain {
  struct poller *poller;
  struct slab slab;
  size_t open; /* streams alive, those that wait for the end of the batch included */
};

void pipe_domain_init(struct pipe_domain *domain, struct poller *poller);

/* All streams must have been closed and the batch ended (asserted). */
void pipe_domain_destroy(struct pipe_domain *domain);

/* Reads from `output` and writes to `input`; for a terminal both are one descriptor. Non-blocking, and
 * the stream's in every case: on failure they are closed and NULL comes back, without a word to the peer. */
struct transport *pipe_stream_open(struct pipe_domain *domain, int output, int input, struct pipe_peer *peer);

/* The program has ended: a verdict that was not known is now, and of a terminal what can be read at once is
 * all that there will be (whoever holds it open in the background is not heard any more). */
void pipe_stream_settled(struct transport *transport);

#endif
