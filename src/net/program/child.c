/* See net/program/child.h.
 *
 * Who is waited for is always named: waiting for any child would take the exit status of others, such as a
 * wrapped program's.
 */
#include "net/program/child.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include "core/error.h"
#include "core/log.h"

/* Without pidfds: how often it is looked whether a process has ended. */
#define LOOK_MS 50u

/* After SIGKILL only a process that is stuck in the kernel (a dead network file system) stays; nobody waits
 * for that one for ever. */
#define KILLED_PATIENCE_MS 5000u

enum child_state {
  CHILD_RUNNING,
  CHILD_EXITED,
  CHILD_BEREFT /* waited for, but others of its group were there: they have the rest of the grace */
};

enum pressure { LET_BE, ASKED_TO_END, KILLED };

struct child {
  struct list node;
  struct child_domain *domain;
  enum child_state state;
  enum pressure pressure;
  bool released;
  pid_t pid; /* and its group's */
  int end_signal;
  pid_t other_group; /* of its session, or 0 */
  struct child_status status;
  struct poller_watch watch; /* of the pidfd */
  struct poller_garbage garbage;
  struct timer look;  /* without a pidfd */
  struct timer grace; /* to the next pressure; KILLED: to where it is left alone */
  child_fn on_exit, on_gone;
  void *owner;
};

/* ---- the system ---- */

static int open_pidfd(pid_t pid) {
#if defined(SYS_pidfd_open)
  return (int)syscall(SYS_pidfd_open, pid, 0u); /* close-on-exec by itself; ENOSYS, EPERM: by timer then */
#else
  (void)pid;
  errno = ENOSYS;
  return -1;
#endif
}

/* Asks how it has ended; with WNOWAIT it stays to be waited for. False while it runs. */
static bool ask(struct child *child, int flags) {
  siginfo_t info = {.si_pid = 0};
  int result;
  do {
    result = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | flags);
  } while (result != 0 && errno == EINTR);
  if (result != 0)
    return true; /* ECHILD: somebody has set SIGCHLD to be ignored; it is gone, and how is lost */
  if (info.si_pid == 0) return false;
  bool exited = info.si_code == CLD_EXITED;
  child->status = (struct child_status){exited ? info.si_status : 0, exited ? 0 : info.si_status};
  return true;
}

/* Whether anybody is in its group. Only behind the wait: before, it is there itself. Orphans of the group
 * come to us where we are process 1 (in a container) and have ended unnoticed. */
static bool has_group(const struct child *child) {
  if (child->other_group > 0 && getsid(child->other_group) == child->pid) return true;
  siginfo_t info;
  do {
    info.si_pid = 0;
  } while (waitid(P_PGID, (id_t)child->pid, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0);
  return kill(-child->pid, 0) == 0;
}

/* A group whose leader isn't in the session any more may be somebody else's by now. */
static void signal_groups(const struct child *child, int signum) {
  (void)kill(-child->pid, signum);
  if (child->other_group > 0 && getsid(child->other_group) == child->pid)
    (void)kill(-child->other_group, signum);
}

/* ---- the end ---- */

static void arm(struct child *child, struct timer *timer, uint64_t after_ms) {
  timer_arm(child->domain->timers, timer, child->domain->timers->now_ms + after_ms);
}

static void release(struct poller_garbage *garbage) {
  struct child *child = LIST_ENTRY(garbage, struct child, garbage);
  slab_give(&child->domain->slab, child);
}

static void stop_watching(struct child *child) {
  timer_disarm(child->domain->timers, &child->look);
  int fd = child->watch.fd;
  if (fd < 0) return;
  poller_remove(&child->watch);
  close(fd);
}

static void bury(struct child *child) {
  struct child_domain *domain = child->domain;
  stop_watching(child);
  timer_disarm(domain->timers, &child->grace);
  list_remove(&child->node);
  domain->count--;
  poller_release(domain->poller, &child->garbage, release);
  child->on_gone(child, child->owner);
  if (domain->count == 0 && domain->on_none != NULL) domain->on_none(domain);
}

static void kill_group(struct child *child) {
  child->pressure = KILLED;
  signal_groups(child, SIGKILL);
  arm(child, &child->grace, KILLED_PATIENCE_MS);
}

/* Nobody holds it any more and it has ended. Others of its group have the grace that is left: their group's
 * number stays theirs, and had the last of them gone, it could only be given out again after all others. */
static void wait_for_it(struct child *child) {
  (void)ask(child, 0);
  child->state = CHILD_BEREFT;
  if (child->pressure == KILLED || !has_group(child)) bury(child);
}

static void on_grace_over(struct timer *timer) {
  struct child *child = LIST_ENTRY(timer, struct child, grace);
  if (child->state == CHILD_BEREFT) {
    signal_groups(child, SIGKILL);
    bury(child);
  } else if (child->pressure == ASKED_TO_END) {
    log_event(LOG_INFO, 0, "program did not exit when asked to: killed pid=%ld", (long)child->pid);
    kill_group(child);
  } else if (child->released) {
    log_event(LOG_WARN, 0, "program can't be killed: left alone pid=%ld", (long)child->pid);
    bury(child);
  }
}

/* ---- news of it ---- */

static void note_exit(struct child *child) {
  if (child->state != CHILD_RUNNING || !ask(child, WNOWAIT)) return;
  child->state = CHILD_EXITED;
  stop_watching(child);
  if (child->released) {
    wait_for_it(child);
  } else {
    child->on_exit(child, child->owner);
  }
}

static void on_pidfd(struct poller_watch *watch, unsigned events) {
  (void)events;
  note_exit(LIST_ENTRY(watch, struct child, watch));
}

static void on_look(struct timer *timer) {
  struct child *child = LIST_ENTRY(timer, struct child, look);
  arm(child, &child->look, LOOK_MS); /* first: news of it may be the last */
  note_exit(child);
}

/* ---- for its owner ---- */

struct child *child_take(struct child_domain *domain) {
  struct child *child = slab_take(&domain->slab);
  if (child == NULL) return NULL;
  *child = (struct child){.domain = domain};
  list_init(&child->node);
  list_init(&child->garbage.node);
  poller_watch_init(&child->watch);
  timer_init(&child->look, on_look);
  timer_init(&child->grace, on_grace_over);
  return child;
}

void child_spare(struct child_domain *domain, struct child *child) {
  slab_give(&domain->slab, child);
}

void child_begin(struct child_domain *domain, struct child *child, pid_t pid, int end_signal,
                 child_fn on_exit, void *owner) {
  assert(pid > 0);
  child->pid = pid;
  child->end_signal = end_signal;
  child->on_exit = on_exit;
  child->owner = owner;
  list_append(&domain->children, &child->node);
  domain->count++;
  int fd = open_pidfd(pid);
  if (fd >= 0 && poller_add(domain->poller, &child->watch, fd, on_pidfd) == WSL_OK) return;
  if (fd >= 0) close(fd);
  arm(child, &child->look, LOOK_MS);
}

pid_t child_pid(const struct child *child) {
  return child->pid;
}

bool child_exited(const struct child *child, struct child_status *status) {
  *status = child->status;
  return child->state == CHILD_EXITED;
}

void child_adopt_group(struct child *child, pid_t group) {
  if (group != child->pid) child->other_group = group;
}

void child_signal(struct child *child, int signum) {
  signal_groups(child, signum);
  signal_groups(child, SIGCONT);
}

void child_end(struct child *child) {
  if (child->pressure != LET_BE) return;
  child->pressure = ASKED_TO_END;
  child_signal(child, child->end_signal);
  arm(child, &child->grace, child->domain->grace_ms);
}

void child_release(struct child *child, child_fn on_gone) {
  assert(!child->released);
  child->released = true;
  child->on_gone = on_gone;
  child_end(child);
  if (child->domain->is_cut || child->pressure == KILLED) kill_group(child);
  if (child->state == CHILD_EXITED) wait_for_it(child);
}

/* ---- the domain ---- */

void child_domain_init(struct child_domain *domain, struct poller *poller, struct timers *timers,
                       uint64_t grace_ms) {
  *domain = (struct child_domain){.poller = poller, .timers = timers, .grace_ms = grace_ms};
  slab_init(&domain->slab, sizeof(struct child));
  list_init(&domain->children);
}

void child_domain_destroy(struct child_domain *domain) {
  assert(domain->count == 0);
  slab_destroy(&domain->slab);
}

void child_domain_cut(struct child_domain *domain) {
  domain->is_cut = true;
  struct list *node = domain->children.next;
  while (node != &domain->children) {
    struct child *child = LIST_ENTRY(node, struct child, node);
    node = node->next;
    if (!child->released) continue;
    kill_group(child);
    if (child->state == CHILD_BEREFT) bury(child);
  }
}
