/* See runner.h. The parent only waits: for workers that end, and for the next line of progress. */
#include "runner.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attempt.h"
#include "board.h"
#include "leaks.h"

#define CHUNK_MAX       256u
#define LOOK_MS         20u /* how often the parent looks */
#define PROGRESS_S      3.0 /* between two lines */
#define AFTER_FAILURE_S 3.0 /* how long others may still fail after the first */

struct worker {
  pid_t pid; /* 0: none */
  int file;  /* its stderr */
};

struct runner {
  const struct run *run;
  struct run_result *result;
  struct board *board;
  struct worker workers[WORKERS_MAX];
  unsigned working;
  double started_s, told_s, failed_s;
};

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void give_up(const char *why) {
  perror(why);
  exit(EXIT_FAILURE);
}

static struct board *make_board(const struct run *run) {
  struct board *board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (board == MAP_FAILED) give_up("sim: no shared memory");
  uint64_t chunk = run->count / (8u * (uint64_t)run->jobs) + 1; /* all workers busy up to the end */
  board->untaken = run->first;
  board->end = run->first + run->count;
  board->chunk = chunk < CHUNK_MAX ? chunk : CHUNK_MAX;
  return board;
}

static void start_worker(struct runner *runner, unsigned number) {
  struct worker *worker = &runner->workers[number];
  fflush(NULL);
  pid_t pid = fork();
  if (pid < 0) give_up("sim: no process for a worker");
  if (pid == 0) {
    death_expect(worker->file);
    board_work(runner->board, &runner->board->places[number]);
    exit(EXIT_SUCCESS); /* not _exit(): builds that measure coverage write it now */
  }
  worker->pid = pid;
  runner->working++;
}

static uint64_t played(const struct runner *runner) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < runner->run->jobs; i++)
    sum += atomic_load_explicit(&runner->board->places[i].played, memory_order_relaxed);
  return sum;
}

static void tell_progress(struct runner *runner) {
  double now = now_s();
  if (now - runner->told_s < PROGRESS_S) return;
  runner->told_s = now;
  uint64_t done = played(runner);
  if (done == 0) return;
  double rate = (double)done / (now - runner->started_s);
  printf("sim: %" PRIu64 " of %" PRIu64 " seeds, %.0f a second, %.0f s left\n", done, runner->run->count,
         rate, (double)(runner->run->count - done) / rate);
  fflush(stdout);
}

/* A chunk of seeds has lost memory: which of them? Played once more, each alone. */
static uint64_t find_leaking_seed(const struct place *place, struct death *death) {
  struct death alone;
  for (uint64_t seed = place->first; seed < place->end; seed++) {
    struct plan plan;
    plan_draw(&plan, seed);
    if (!attempt_fails(&plan, &alone)) continue;
    *death = alone;
    return seed;
  }
  return place->first;
}

static void note_failure(struct runner *runner, unsigned number, int status) {
  struct place *place = &runner->board->places[number];
  struct failure failure = {.seed = place->next - 1};
  death_read(&failure.death, status, place->fault, runner->workers[number].file);
  if (place->looks_for_leaks) {
    failure.seed = find_leaking_seed(place, &failure.death);
    place->looks_for_leaks = false;
  }
  printf("sim: seed %" PRIu64 " fails: %s\n", failure.seed, failure.death.fault);
  fflush(stdout);

  struct run_result *result = runner->result;
  if (result->failure_count == 0) runner->failed_s = now_s();
  unsigned at = result->failure_count++;
  for (; at > 0 && result->failures[at - 1].seed > failure.seed; at--)
    result->failures[at] = result->failures[at - 1];
  result->failures[at] = failure;
}

static bool enough_failed(const struct runner *runner) {
  unsigned count = runner->result->failure_count;
  if (count == 0) return false;
  return count >= runner->run->failures_max || now_s() - runner->failed_s > AFTER_FAILURE_S;
}

/* Takes note of workers that have ended; one that died has a successor. */
static void bury_workers(struct runner *runner) {
  for (unsigned i = 0; i < runner->run->jobs && !enough_failed(runner); i++) {
    struct worker *worker = &runner->workers[i];
    int status;
    if (worker->pid == 0 || waitpid(worker->pid, &status, WNOHANG) != worker->pid) continue;
    worker->pid = 0;
    runner->working--;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS) continue;
    note_failure(runner, i, status);
    if (!enough_failed(runner)) start_worker(runner, i);
  }
}

static void stop_workers(struct runner *runner) {
  for (unsigned i = 0; i < runner->run->jobs; i++) {
    if (runner->workers[i].pid == 0) continue;
    kill(runner->workers[i].pid, SIGKILL);
    waitpid(runner->workers[i].pid, NULL, 0);
  }
}

void run_seeds(const struct run *run, struct run_result *result) {
  *result = (struct run_result){0};
  struct runner runner = {.run = run, .result = result, .board = make_board(run)};
  runner.started_s = runner.told_s = now_s();
  for (unsigned i = 0; i < run->jobs; i++) {
    runner.workers[i].file = death_file();
    start_worker(&runner, i);
  }
  while (runner.working > 0 && !enough_failed(&runner)) {
    bury_workers(&runner);
    tell_progress(&runner);
    struct timespec pause = {.tv_nsec = LOOK_MS * 1000000};
    if (runner.working > 0) nanosleep(&pause, NULL);
  }
  stop_workers(&runner);
  result->played = played(&runner);
  result->seconds = now_s() - runner.started_s;
  munmap(runner.board, sizeof *runner.board);
}
