/* The life of a wrapped program (-- PROGRAM ARGS), beside the server that bridges to it.
 *
 *   RUNNING --it ends--> --wrap-mode exit:    OVER: on_over() with its status
 *      ^                 --wrap-mode ignore:  ENDED
 *      |                 --wrap-mode respawn: started again; not more than 3 times in 10 s, else OVER
 *      +------------------------------------'
 *   any --wrap_stop()--> SIGTERM to its group, after 5 s (or wrap_kill()) SIGKILL --> STOPPED: on_stopped()
 *
 * It leads a session of its own, so that ^C is for wsluice to act on, has our standard streams, and otherwise
 * what wsluice was started with (net/program/child_stage.h). When wsluice is killed it gets SIGTERM. Main
 * thread and its loop.
 */
#ifndef APP_WRAP_WRAP_H
#define APP_WRAP_WRAP_H

#include <sys/types.h>
#include <uv.h>

#include "app/option/options.h"
#include "app/wrap/plan.h"

#define WRAP_RESPAWNS_MAX 3u

struct wrap;

/* It has ended for good: exit status of the program, or 128 + the signal that killed it. Not once wrap_stop()
 * was called. */
typedef void (*wrap_over_fn)(struct wrap *wrap, int status, void *owner);

/* Nothing of it runs, and its handles are closed. */
typedef void (*wrap_stopped_fn)(struct wrap *wrap, void *owner);

enum wrap_state { WRAP_NONE, WRAP_RUNNING, WRAP_ENDED, WRAP_STOPPING, WRAP_STOPPED };

struct wrap {
  struct wrap_plan plan;
  enum wrap_mode mode;
  enum wrap_state state;
  pid_t pid;            /* of the last one, and its group's; 0: nobody of that group is left */
  bool waited_for;      /* the process itself: others of its group may be left */
  bool complained;      /* that it does not listen */
  int streams[3];       /* what it gets */
  uv_signal_t on_child; /* SIGCHLD */
  uv_timer_t look;      /* whether it listens by now; while stopping: whether it is gone by now */
  uint64_t deadline_ms; /* while stopping, by uv_now() */
  bool killed;          /* while stopping: SIGKILL has been sent */
  uint64_t respawns_ms[WRAP_RESPAWNS_MAX]; /* when it was last started again, the oldest first; 0: not yet */
  int open_handles;
  wrap_over_fn on_over;
  wrap_stopped_fn on_stopped;
  void *owner;
};

/* Before the server starts: finds program and target, and puts the target into options->server. 0, or an
 * error with one line in why[0..why_cap). Either way to be freed. */
WSL_MUST_CHECK int wrap_prepare(struct wrap *wrap, struct options *options, char *why, size_t why_cap);

/* The server listens on `listen_port` (0: on none): starts the program. 0, or an error with one line; then
 * there is nothing to be stopped. */
WSL_MUST_CHECK int wrap_start(struct wrap *wrap, const struct options *options, uint16_t listen_port,
                              uv_loop_t *loop, wrap_over_fn on_over, void *owner, char *why, size_t why_cap);

/* Ends it, and what is left of its group. `on_stopped` comes once, perhaps from inside this call where there
 * is nothing to be stopped. */
void wrap_stop(struct wrap *wrap, wrap_stopped_fn on_stopped, void *owner);

/* Patience is over: who is being stopped is killed. */
void wrap_kill(struct wrap *wrap);

/* The handles are closed. Harmless when nothing was prepared. */
void wrap_free(struct wrap *wrap);

#endif
