/* The poller: every descriptor of a worker's sessions, registered once for its life.
 *
 * On Linux an epoll instance of the worker's own, edge-triggered (EPOLLIN | EPOLLOUT | EPOLLRDHUP |
 * EPOLLET), watched as a whole by one uv_poll_t on the worker's loop: a uv_poll_t a socket would
 * cost five system calls at birth and two at each change of mask (poller_epoll.c). Elsewhere one
 * uv_poll_t each, behind the same interface (poller_uv.c).
 *
 * With poller_drive() the two change places, and the poller sleeps for the loop: an epoll instance within
 * another costs each wake-up a second epoll_wait(), and the kernel a second round of callbacks.
 *
 * A batch of events may name a watch that an earlier event of the batch has removed. So memory that
 * holds a watch is given to poller_release() instead of being freed: it is freed behind the batch.
 *
 * One loop, one thread.
 */
#ifndef NET_POLLER_H
#define NET_POLLER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <wsluice/span.h>

#include "core/list.h"

struct poller;
struct poller_watch;

/* Comes in `events` beside enum transport_ready: TCP urgent data is there. A read stops at the urgent
 * mark, so from then on a short read does not prove that the socket is drained. */
#define POLLER_URGENT (1u << 4)

/* `events` is a set of enum transport_ready bits that came up; 0 when it was asked for with
 * poller_again(). */
typedef void (*poller_fn)(struct poller_watch *watch, unsigned events);

/* Embedded in whatever owns the descriptor. */
struct poller_watch {
  poller_fn on_events;
  struct poller *poller;
  struct list again; /* in the poller's ready list while a turn was asked for */
  int fd;            /* -1 when not registered */
  uint64_t added_in; /* the batch during which it was registered: that batch's events are not its own */
  void *backend;     /* what the implementation needs per descriptor, else NULL */
};

/* Embedded in memory that waits for the end of the batch. */
struct poller_garbage {
  struct list node;
  void (*release)(struct poller_garbage *garbage);
};

/* Creates a poller on `loop`; NULL when the system refuses. It keeps the loop alive until
 * poller_close(). */
struct poller *poller_open(uv_loop_t *loop);

/* From now on the poller sleeps for its loop, which is run with UV_RUN_DEFAULT only, and libuv gets its turn
 * when it has something to do. `before_sleep` is called each time: it arms the uv_timer_t of what is to wake
 * the loop (loop_timers_rearm). Does nothing where the system can't do it: all works as before, at more
 * cost. */
void poller_drive(struct poller *poller, void (*before_sleep)(void *arg), void *arg);

/* Takes the poller off its loop and frees it, garbage included, once libuv has let go of the
 * handles (run the loop until then). Every watch must have been removed (asserted). */
void poller_close(struct poller *poller);

/* `fn` is called before every batch of events and before the ready list is served: the worker moves
 * its timers' clock on there (loop_timers_catch_up). libuv has no hook between its sleep and the
 * first callback. */
void poller_on_wake(struct poller *poller, void (*fn)(void *arg), void *arg);

/* Calls that function now: for callbacks that reach the program another way (the resolver's). */
void poller_woke(struct poller *poller);

/* A watch that is registered nowhere; poller_remove() on it is harmless. poller_add() does it too. */
void poller_watch_init(struct poller_watch *watch);

/* Registers fd (non-blocking, open) until poller_remove(). Events that hold already come at the next
 * turn. WSL_NO_MEMORY or WSL_IO on failure. */
WSL_MUST_CHECK int poller_add(struct poller *poller, struct poller_watch *watch, int fd, poller_fn on_events);

/* Forgets the watch; call before close(fd). No callback comes afterwards. Harmless twice. */
void poller_remove(struct poller_watch *watch);

/* The owner has met the end of what these bits promised (a short read, WSL_AGAIN): a poller without
 * edges asks for them again. Nothing to do on Linux. */
void poller_drained(struct poller_watch *watch, unsigned events);

/* Calls the watch back at the next turn of the loop with events 0. Harmless twice. */
void poller_again(struct poller_watch *watch);

/* Calls garbage->release() when no event of the running batch can name the watch any more. */
void poller_release(struct poller *poller, struct poller_garbage *garbage,
                    void (*release)(struct poller_garbage *garbage));

#endif
