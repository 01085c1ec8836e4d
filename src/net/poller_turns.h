/* What both pollers share: the ready list (poller_again) and the garbage (poller_release), served at
 * the end of each turn of the loop. Private to the pollers; each embeds it first in its struct poller.
 */
#ifndef NET_POLLER_TURNS_H
#define NET_POLLER_TURNS_H

#include "net/poller.h"

struct poller_turns {
  uv_check_t check; /* runs behind the turn's I/O callbacks */
  uv_idle_t idle;   /* active while there is something to serve, so that the loop does not sleep */
  struct list again;
  struct list garbage;
  size_t watches; /* registered now */
  bool driven;    /* the poller serves them by itself (poller_drive) */
  unsigned open_handles;
  void (*on_wake)(void *arg);
  void *on_wake_arg;
  void (*on_closed)(struct poller_turns *turns);
};

/* Cannot fail: libuv only fills in structs here. */
void poller_turns_open(struct poller_turns *turns, uv_loop_t *loop);

/* What a turn of the loop does: serves the ready list as it stands, then releases the garbage. */
void poller_turns_serve(struct poller_turns *turns);

/* Whether another turn is wanted without a sleep in between. */
bool poller_turns_wanted(const struct poller_turns *turns);

/* Closes the handles; `on_closed` comes when libuv has let go of them, the garbage released. Then the
 * memory may be freed. */
void poller_turns_close(struct poller_turns *turns, void (*on_closed)(struct poller_turns *turns));

#endif
