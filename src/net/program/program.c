/* See net/program/program.h. */
#include "net/program/program.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "net/program/error_lines.h"

/* From the end of the output to the program's own, normally microseconds; a core dump takes its time before
 * the output ends. */
#define VERDICT_WAIT_MS 1000u

#define FAILURE_MAX 64u

struct program {
  struct pipe_peer peer;
  struct program_domain *domain;
  struct child *child;      /* NULL once nothing is left of it */
  struct transport *stream; /* NULL once closed */
  struct error_lines errors;
  struct poller_garbage garbage;
  struct timer verdict_due; /* armed while the output has ended and the program has not */
  struct timer patience;    /* forsaken: when it is made to end */
  bool let_go;              /* the child is released */
  bool forsaken;
  bool hung_up;
  bool output_alone; /* the output has ended long before the program */
  char failure[FAILURE_MAX];
};

static struct program *program_of(struct pipe_peer *peer) {
  return LIST_ENTRY(peer, struct program, peer);
}

static void arm(struct program *program, struct timer *timer, uint64_t after_ms) {
  struct timers *timers = program->domain->timers;
  timer_arm(timers, timer, timers->now_ms + after_ms);
}

/* ---- how many ---- */

bool program_room_enter(struct program_room *room) {
  if (atomic_fetch_add(&room->running, 1) < room->limit) return true;
  atomic_fetch_sub(&room->running, 1);
  return false;
}

void program_room_leave(struct program_room *room) {
  atomic_fetch_sub(&room->running, 1);
}

/* ---- how it has ended ---- */

static const char *signal_name(int signum, char *out, size_t cap) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
  const char *name = sigabbrev_np(signum);
  if (name != NULL) {
    snprintf(out, cap, "SIG%s", name);
    return out;
  }
#endif
  snprintf(out, cap, "signal %d", signum);
  return out;
}

static void note_failure(struct program *program, const struct child_status *status) {
  char name[32];
  atomic_fetch_add(&program->domain->room->failed, 1);
  if (status->signum != 0) {
    snprintf(program->failure, sizeof(program->failure), "Program was ended by %s",
             signal_name(status->signum, name, sizeof(name)));
  } else {
    snprintf(program->failure, sizeof(program->failure), "Program ended with status %d", status->exit_status);
  }
}

static void release_program(struct poller_garbage *garbage) {
  struct program *program = LIST_ENTRY(garbage, struct program, garbage);
  slab_give(&program->domain->slab, program);
}

/* Process and stream have gone, in either order. */
static void end_if_over(struct program *program) {
  if (program->stream == NULL && program->child == NULL)
    poller_release(program->domain->poller, &program->garbage, release_program);
}

static void on_child_gone(struct child *child, void *owner) {
  (void)child;
  struct program *program = owner;
  program->child = NULL;
  error_lines_close(&program->errors);
  program_room_leave(program->domain->room);
  end_if_over(program);
}

/* Of what has ended nothing is held while its client takes its time: the process is waited for now. */
static void let_go(struct program *program) {
  if (program->let_go) return;
  program->let_go = true;
  timer_disarm(program->domain->timers, &program->verdict_due);
  timer_disarm(program->domain->timers, &program->patience);
  child_release(program->child, on_child_gone);
}

/* What we have done to it ourselves is no failure of its. */
static int verdict_on(struct program *program, const struct child_status *status) {
  bool failed = status->signum != 0 || status->exit_status != 0;
  if (!failed || program->hung_up || program->forsaken) return WSL_OK;
  note_failure(program, status);
  return WSL_PROGRAM_FAILED;
}

/* An output that was declared over alone stays so, whoever reads late: its process may be gone by now, and
 * nothing is left to ask. */
static int verdict(struct pipe_peer *peer) {
  struct program *program = program_of(peer);
  struct child_status status;
  if (program->output_alone) return WSL_OK;
  if (!child_exited(program->child, &status)) {
    if (!program->verdict_due.armed) arm(program, &program->verdict_due, VERDICT_WAIT_MS);
    return WSL_AGAIN;
  }
  int verdict = verdict_on(program, &status);
  let_go(program);
  return verdict;
}

static const char *failure(const struct pipe_peer *peer) {
  return LIST_ENTRY(peer, const struct program, peer)->failure;
}

static void on_exit(struct child *child, void *owner) {
  (void)child;
  struct program *program = owner; /* its stream is there, or its child would have been released */
  timer_disarm(program->domain->timers, &program->verdict_due);
  if (program->output_alone) {
    let_go(program); /* its output is over and told */
  } else {
    pipe_stream_settled(program->stream);
  }
}

static void on_verdict_due(struct timer *timer) {
  struct program *program = LIST_ENTRY(timer, struct program, verdict_due);
  program->output_alone = true;
  pipe_stream_settled(program->stream);
}

/* ---- its client leaves ---- */

static void on_patience_over(struct timer *timer) {
  child_end(LIST_ENTRY(timer, struct program, patience)->child);
}

/* As a line that is cut does it: the shell, and whoever has the terminal meanwhile. */
static void hang_up(struct pipe_peer *peer, pid_t foreground) {
  struct program *program = program_of(peer);
  if (program->hung_up || program->let_go) return;
  program->hung_up = true;
  child_adopt_group(program->child, foreground);
  child_signal(program->child, SIGHUP);
}

static void forsake(struct pipe_peer *peer) {
  struct program *program = program_of(peer);
  if (program->forsaken || program->let_go) return;
  program->forsaken = true;
  arm(program, &program->patience, program->domain->children.grace_ms);
}

static void gone(struct pipe_peer *peer, pid_t foreground) {
  struct program *program = program_of(peer);
  program->stream = NULL;
  if (program->let_go) {
    end_if_over(program);
    return;
  }
  child_adopt_group(program->child, foreground);
  let_go(program);
}

/* ---- birth ---- */

static const struct pipe_peer_ops peer_ops = {
    .verdict = verdict,
    .failure = failure,
    .hang_up = hang_up,
    .forsake = forsake,
    .gone = gone,
};

struct program *program_take(struct program_domain *domain) {
  struct program *program = slab_take(&domain->slab);
  if (program == NULL) return NULL;
  *program = (struct program){.peer = {&peer_ops}, .domain = domain};
  program->child = child_take(&domain->children);
  if (program->child == NULL) {
    slab_give(&domain->slab, program);
    return NULL;
  }
  list_init(&program->garbage.node);
  timer_init(&program->verdict_due, on_verdict_due);
  timer_init(&program->patience, on_patience_over);
  return program;
}

void program_spare(struct program *program) {
  child_spare(&program->domain->children, program->child);
  slab_give(&program->domain->slab, program);
}

struct transport *program_begin(struct program *program, const struct program_launch *launch, uint64_t id) {
  struct program_domain *domain = program->domain;
  atomic_fetch_add(&domain->room->started, 1);
  int end_signal = launch->input == launch->output ? SIGHUP : SIGTERM;
  child_begin(&domain->children, program->child, launch->pid, end_signal, on_exit, program);
  error_lines_open(&program->errors, domain->poller, domain->timers, launch->errors, id, launch->pid);
  log_event(LOG_DEBUG, id, "program started pid=%ld", (long)launch->pid);
  program->stream = pipe_stream_open(&domain->pipes, launch->output, launch->input, &program->peer);
  struct transport *stream = program->stream;
  if (stream == NULL) let_go(program);
  return stream;
}

/* ---- the domain ---- */

void program_domain_init(struct program_domain *domain, struct program_room *room, struct poller *poller,
                         struct timers *timers, uint64_t grace_ms) {
  *domain = (struct program_domain){.room = room, .poller = poller, .timers = timers};
  slab_init(&domain->slab, sizeof(struct program));
  child_domain_init(&domain->children, poller, timers, grace_ms);
  pipe_domain_init(&domain->pipes, poller);
}

void program_domain_destroy(struct program_domain *domain) {
  pipe_domain_destroy(&domain->pipes);
  child_domain_destroy(&domain->children);
  slab_destroy(&domain->slab);
}
