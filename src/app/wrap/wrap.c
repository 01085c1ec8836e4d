/* See app/wrap/wrap.h. */
#include "app/wrap/wrap.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/wrap/group.h"
#include "core/error.h"
#include "core/log.h"
#include "net/program/child_stage.h"

/* Between SIGTERM and SIGKILL, and how often it is looked meanwhile whether it is gone. */
#define GRACE_MS 5000u
#define LOOK_MS  20u

/* Behind SIGKILL: who is still there then is stuck in the kernel, and nobody waits for that. */
#define KILLED_PATIENCE_MS 2000u

/* Programs that listen do so by then mostly. */
#define LISTEN_PATIENCE_MS 3000u

#define RESPAWN_WINDOW_MS 10000u /* WRAP_RESPAWNS_MAX of them within this time are the last */
#define STATUS_OF_SIGNAL  128    /* as shells have it */
#define SHOWN_MAX         256u

/* ---- starting ---- */

int wrap_prepare(struct wrap *wrap, struct options *options, char *why, size_t why_cap) {
  wrap->mode = options->wrap_mode;
  wrap->plan.start.comes_back = wrap->mode == WRAP_RESPAWN;
  atomic_store(&wrap->plan.start.awaited, true); /* before the server takes clients, and so before it runs */
  for (int i = 0; i < 3; i++)
    wrap->streams[i] = i;
  return wrap_plan_make(&wrap->plan, options, why, why_cap);
}

static int spawn(struct wrap *wrap, char *why, size_t why_cap) {
  struct child_request request = {.path = wrap->plan.path,
                                  .argv = wrap->plan.argv,
                                  .envp = wrap->plan.environment,
                                  .descriptors = {wrap->streams[0], wrap->streams[1], wrap->streams[2]},
                                  .place = CHILD_IN_SESSION,
                                  .orphan_signal = SIGTERM};
  struct child_failure failure;
  char path[SHOWN_MAX], text[SHOWN_MAX];
  pid_t pid;
  log_escape(wsl_span_of(wrap->plan.path), path, sizeof path);
  int error = child_spawn(&request, &pid, &failure);
  if (error != WSL_OK) {
    snprintf(why, why_cap, "%s %s", path, child_failure_text(&failure, text, sizeof text));
    return error;
  }
  wrap->pid = pid;
  wrap->state = WRAP_RUNNING;
  wrap->waited_for = false;
  atomic_store(&wrap->plan.start.reached, false);
  atomic_store(&wrap->plan.start.awaited, true);
  log_event(LOG_INFO, 0, "program started program=\"%s\" pid=%ld", path, (long)pid);
  return WSL_OK;
}

/* ---- whether it does what it is wrapped for ---- */

/* What may be the matter, and what to do about it: once. */
static void complain(struct wrap *wrap, const char *since) {
  if (wrap->complained) return;
  wrap->complained = true;
  unsigned told = wrap->plan.port.number, moved = wrap->plan.old_port;
  switch (wrap->plan.way) {
    case WRAP_PORT_MOVED:
      log_event(LOG_WARN, 0,
                "the program %s: it was expected on port %u. A program that ignores preloaded libraries "
                "(static, Go, set-user-ID) can't use that port: tell it one by {port} in its arguments or by "
                "--wrap-env, or name the target where it listens",
                since, moved);
      break;
    case WRAP_PORT_TOLD:
      log_event(LOG_WARN, 0, "the program %s: it was expected on port %u, which it was told", since, told);
      break;
    case WRAP_SOCKET_TOLD:
      log_event(LOG_WARN, 0, "the program %s: it was expected on %s, which it was told", since,
                wrap->plan.folder.within);
      break;
    case WRAP_TARGET_NAMED:
      break;
  }
}

/* Not reached by a client so far, nor seen to listen. */
static bool is_unheard_of(const struct wrap *wrap) {
  return !atomic_load(&wrap->plan.start.reached) && !wrap_plan_is_listening(&wrap->plan);
}

static void on_listen_patience_over(uv_timer_t *timer) {
  struct wrap *wrap = timer->data;
  if (wrap->state == WRAP_RUNNING && is_unheard_of(wrap)) complain(wrap, "is not listening yet");
}

/* ---- its end ---- */

/* Whether anybody of the group is there, zombies included: then its number can't become another's. */
static bool group_is_left(pid_t group) {
  return kill(-group, 0) == 0;
}

/* Waits for the program, if it has ended; true then, with *wait_status. Where we are process 1 all that its
 * descendants leave behind comes to us, and it is our only child unless the target is something else. */
static bool reap(const struct wrap *wrap, int *wait_status) {
  pid_t whom = wrap->pid;
  if (getpid() == 1) whom = wrap->plan.way == WRAP_TARGET_NAMED ? -wrap->pid : -1;
  bool ended = false;
  int status;
  for (pid_t pid; (pid = waitpid(whom, &status, WNOHANG)) > 0 && !ended;) {
    ended = pid == wrap->pid;
    if (ended) *wait_status = status;
  }
  return ended;
}

static int status_of(int wait_status) {
  return WIFSIGNALED(wait_status) ? STATUS_OF_SIGNAL + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

static void log_end(const struct wrap *wrap, int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    log_event(LOG_INFO, 0, "program ended pid=%ld signal=\"%s\"", (long)wrap->pid,
              strsignal(WTERMSIG(wait_status)));
  } else {
    log_event(LOG_INFO, 0, "program ended pid=%ld status=%d", (long)wrap->pid, WEXITSTATUS(wait_status));
  }
}

/* Whether it may be started once more, which is noted then. */
static bool may_respawn(struct wrap *wrap) {
  uint64_t now_ms = uv_now(wrap->on_child.loop), oldest_ms = wrap->respawns_ms[0];
  if (oldest_ms != 0 && now_ms - oldest_ms < RESPAWN_WINDOW_MS) return false;
  for (size_t i = 1; i < WRAP_RESPAWNS_MAX; i++)
    wrap->respawns_ms[i - 1] = wrap->respawns_ms[i];
  wrap->respawns_ms[WRAP_RESPAWNS_MAX - 1] = now_ms;
  return true;
}

static void respawn(struct wrap *wrap, int status) {
  char why[SHOWN_MAX * 2];
  if (!may_respawn(wrap)) {
    log_event(LOG_ERROR, 0, "the program has ended %u times within %u s: it is not started again",
              WRAP_RESPAWNS_MAX + 1, RESPAWN_WINDOW_MS / 1000);
  } else if (spawn(wrap, why, sizeof why) == WSL_OK) {
    return;
  } else {
    log_event(LOG_ERROR, 0, "the program can't be started again: %s", why);
  }
  atomic_store(&wrap->plan.start.awaited, false);
  wrap->on_over(wrap, status != 0 ? status : 1, wrap->owner);
}

static void on_ended(struct wrap *wrap, int wait_status) {
  log_end(wrap, wait_status);
  wrap->state = WRAP_ENDED;
  wrap->waited_for = true;
  /* A daemon may go on in the background, and have begun to listen already or not. */
  bool unheard_of = wrap->mode != WRAP_IGNORE && is_unheard_of(wrap);
  if (!group_is_left(wrap->pid)) wrap->pid = 0; /* its number may become another's */
  if (unheard_of) complain(wrap, "has ended before it listened");
  switch (wrap->mode) {
    case WRAP_EXIT:
      atomic_store(&wrap->plan.start.awaited, false);
      wrap->on_over(wrap, status_of(wait_status), wrap->owner);
      break;
    case WRAP_IGNORE:
      log_event(LOG_INFO, 0, "going on without the program (--wrap-mode ignore)");
      break;
    case WRAP_RESPAWN:
      respawn(wrap, status_of(wait_status));
      break;
  }
}

/* SIGCHLD comes for other children as well (net/program/child.h waits for those), and once for several. */
static void on_child(uv_signal_t *handle, int signum) {
  (void)signum;
  struct wrap *wrap = handle->data;
  int wait_status = 0;
  if (wrap->pid == 0 || wrap->state >= WRAP_STOPPING) return;
  bool ended = reap(wrap, &wait_status);
  if (wrap->state == WRAP_RUNNING && ended) on_ended(wrap, wait_status);
}

int wrap_start(struct wrap *wrap, const struct options *options, uint16_t listen_port, uv_loop_t *loop,
               wrap_over_fn on_over, void *owner, char *why, size_t why_cap) {
  wrap->on_over = on_over;
  wrap->owner = owner;
  int error =
      wrap_plan_complete(&wrap->plan, options, (const char *const *)environ, listen_port, why, why_cap);
  if (error != WSL_OK) return error;
  if (uv_signal_init(loop, &wrap->on_child) != 0) {
    snprintf(why, why_cap, "can't start the program: no descriptor left (raise ulimit -n)");
    return WSL_NO_DESCRIPTOR;
  }
  (void)uv_timer_init(loop, &wrap->look); /* only fills in a struct */
  wrap->on_child.data = wrap->look.data = wrap;
  wrap->open_handles = 2;
  (void)uv_signal_start(&wrap->on_child, on_child, SIGCHLD); /* first: it may end at once */
  error = spawn(wrap, why, why_cap);
  if (error == WSL_OK) (void)uv_timer_start(&wrap->look, on_listen_patience_over, LISTEN_PATIENCE_MS, 0);
  return error;
}

/* ---- stopping ---- */

static void on_handle_closed(uv_handle_t *handle) {
  struct wrap *wrap = handle->data;
  if (--wrap->open_handles == 0) wrap->on_stopped(wrap, wrap->owner);
}

static void end_stopping(struct wrap *wrap) {
  wrap->state = WRAP_STOPPED;
  uv_close((uv_handle_t *)&wrap->on_child, on_handle_closed);
  uv_close((uv_handle_t *)&wrap->look, on_handle_closed);
}

/* Whether the program, or anybody of its group who lives, is there. */
static bool is_there(struct wrap *wrap) {
  int wait_status;
  if (wrap->pid == 0) return false;
  if (reap(wrap, &wait_status)) {
    wrap->waited_for = true;
    log_end(wrap, wait_status);
  }
  return !wrap->waited_for || wrap_group_lives(wrap->pid);
}

static void send_kill(struct wrap *wrap) {
  wrap->killed = true;
  wrap->deadline_ms = uv_now(wrap->look.loop) + KILLED_PATIENCE_MS;
  if (wrap->pid != 0) (void)kill(-wrap->pid, SIGKILL);
}

static void on_stop_look(uv_timer_t *timer) {
  struct wrap *wrap = timer->data;
  if (!is_there(wrap)) {
    end_stopping(wrap);
  } else if (uv_now(timer->loop) < wrap->deadline_ms) {
    return;
  } else if (wrap->killed) {
    log_event(LOG_WARN, 0, "the program can't be killed: left alone pid=%ld", (long)wrap->pid);
    end_stopping(wrap);
  } else {
    log_event(LOG_INFO, 0, "the program did not exit when asked to: killed pid=%ld", (long)wrap->pid);
    send_kill(wrap);
  }
}

void wrap_stop(struct wrap *wrap, wrap_stopped_fn on_stopped, void *owner) {
  wrap->on_stopped = on_stopped;
  wrap->owner = owner;
  if (wrap->open_handles == 0) { /* it was never started */
    on_stopped(wrap, owner);
    return;
  }
  assert(wrap->state < WRAP_STOPPING);
  wrap->state = WRAP_STOPPING;
  if (wrap->pid != 0) {
    (void)kill(-wrap->pid, SIGTERM);
    (void)kill(-wrap->pid, SIGCONT); /* who is stopped takes no other signal */
  }
  wrap->deadline_ms = uv_now(wrap->look.loop) + GRACE_MS;
  if (wrap->killed) send_kill(wrap);
  (void)uv_timer_start(&wrap->look, on_stop_look, 0, LOOK_MS);
}

void wrap_kill(struct wrap *wrap) {
  wrap->killed = true;
  if (wrap->state == WRAP_STOPPING) send_kill(wrap);
}

void wrap_free(struct wrap *wrap) {
  wrap_plan_drop(&wrap->plan);
}
