/* A program's process under supervision, from its start until it has been waited for: it ends by itself, or
 * is made to when its owner lets go.
 *
 *   RUNNING --it ends: on_exit()--> EXITED --child_release()--> waited for: on_gone(), freed
 *      \--child_release()--> it is made to end -----------------^
 *
 * Made to end is: SIGTERM to its group (on a terminal SIGHUP, since shells there take no other), and after
 * the grace SIGKILL. What is left of the group when the process itself has ended (jobs in the background) is
 * ended in the same way.
 *
 * While the owner holds it, a process that has ended is not waited for: as long as it is there its number
 * can't become another's, so a signal to its group reaches nobody else.
 *
 * Its end is told by a pidfd in the worker's poller (Linux 5.3); where there is none it is looked at by
 * timer. No SIGCHLD: workers' children don't meet. One domain a worker, one thread.
 */
#ifndef NET_PROGRAM_CHILD_H
#define NET_PROGRAM_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/list.h"
#include "core/slab.h"
#include "core/timers.h"
#include "net/poller.h"

/* How a process has ended. */
struct child_status {
  int exit_status; /* 0 to 255; of meaning when signum is 0 */
  int signum;      /* that killed it */
};

struct child;
typedef void (*child_fn)(struct child *child, void *owner);

struct child_domain {
  struct poller *poller;
  struct timers *timers;
  uint64_t grace_ms; /* between asking a process to end and making it */
  struct slab slab;
  struct list children; /* all that live */
  size_t count;
  bool is_cut;
  void (*on_none)(struct child_domain *domain); /* the last has been waited for; may be NULL */
};

/* Both outlive the domain. */
void child_domain_init(struct child_domain *domain, struct poller *poller, struct timers *timers,
                       uint64_t grace_ms);

/* No child may be left (asserted). */
void child_domain_destroy(struct child_domain *domain);

/* Patience is over: whoever is on its leave, or will be, is killed at once. */
void child_domain_cut(struct child_domain *domain);

/* A record for a process to come, so that none is started which nobody could look after. NULL without memory.
 * Until child_begin() it is none of the domain's children, and all that it is good for is that call, or
 * child_spare() if no process comes. */
struct child *child_take(struct child_domain *domain);
void child_spare(struct child_domain *domain, struct child *child);

/* The process leads a group of its own (child_spawn). `end_signal` is what asks it to end. `on_exit` comes
 * once, not from inside this call, and not after child_release(). */
void child_begin(struct child_domain *domain, struct child *child, pid_t pid, int end_signal,
                 child_fn on_exit, void *owner);

pid_t child_pid(const struct child *child);

/* Whether it has ended, and how. */
bool child_exited(const struct child *child, struct child_status *status);

/* Another group of its session (of a terminal: the one in the foreground) that is signalled with its own; 0:
 * none. */
void child_adopt_group(struct child *child, pid_t group);

/* Sends `signum` to its group, and SIGCONT behind it, since a stopped process takes no other. */
void child_signal(struct child *child, int signum);

/* Makes it end, while the owner still holds it. Harmless twice. */
void child_end(struct child *child);

/* The owner lets go: it is made to end, waited for and freed. `on_gone` comes once, with the owner of
 * child_begin(), when nothing is left of it: perhaps from inside this call. Nothing else comes. */
void child_release(struct child *child, child_fn on_gone);

#endif
