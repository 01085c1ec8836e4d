/* A worker's listening socket: accepts what has been admitted, and hands descriptors on.
 *
 *   POLLING --no place free--> FULL --admission's wake--> POLLING
 *      |    --no descriptor--> SHORT --every 100 ms-----> POLLING
 *      +------ listener_stop(): what the kernel has queued is accepted or left, then CLOSED
 *
 * libuv's own listeners are not used: theirs answer EMFILE by accepting and closing every waiting
 * client without a word (measured). Here the clients stay in the backlog.
 */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <uv.h>

#include "core/timers.h"
#include "net/address.h"
#include "server/admission.h"

/* A new client: the descriptor (non-blocking, close-on-exec) and one place of the admission are the
 * callee's. */
typedef void (*listener_fn)(void *owner, int fd, const struct address *peer);

/* What becomes, when it is stopped, of clients that the kernel has queued. */
enum listener_queue {
  LISTENER_QUEUE_ENDS, /* it ends with the socket, which would reset them: they are accepted first */
  LISTENER_QUEUE_STAYS /* whoever handed the socket down has it too: they are for who is started next */
};

struct listener_socket {
  int fd;
  enum listener_queue queue;
};

enum listener_state { LISTENER_POLLING, LISTENER_FULL, LISTENER_SHORT, LISTENER_CLOSED };

struct listener {
  uv_poll_t poll;
  int fd;
  enum listener_queue queue;
  enum listener_state state;
  bool short_logged; /* the last of the two lines about descriptors said that they are short */
  struct timers *timers;
  struct timer retry;
  struct admission *admission;
  struct admission_waiter *waiter;
  listener_fn on_accept;
  void *owner;
};

/* Watches the listening socket, which is its own from now on, on success. 0 or WSL_IO. */
WSL_MUST_CHECK int listener_open(struct listener *listener, uv_loop_t *loop, struct listener_socket socket,
                                 struct timers *timers, struct admission *admission,
                                 struct admission_waiter *waiter, listener_fn on_accept, void *owner);

/* The admission has called: tries again if it waits for that. */
void listener_resume(struct listener *listener);

/* Accepts what waits already (as far as places and descriptors go), where the queue ends with the socket, and
 * closes it; the struct may be freed once the loop has let go of the handle. Harmless when closed. */
void listener_stop(struct listener *listener);

#endif
