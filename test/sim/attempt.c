/* See attempt.h. */
#include "attempt.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leaks.h"
#include "play.h"
#include "watch.h"

/* Shorter than the runner's: many attempts at a life that does not end must come to an end. */
#define ATTEMPT_CPU_MS 1000u

/* The child's end. */
static void play_and_leave(const struct plan *plan, char *line, int file) {
  death_expect(file);
  sim_fault_to(line);
  watch_start(ATTEMPT_CPU_MS);
  play(plan);
  leaks_check();
  _exit(EXIT_SUCCESS);
}

static char *shared_line(void) {
  void *memory = mmap(NULL, SIM_FAULT_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) return memory;
  perror("sim: no shared memory");
  exit(EXIT_FAILURE);
}

bool attempt_fails(const struct plan *plan, struct death *death) {
  static char *line;
  static int file = -1;
  if (line == NULL) line = shared_line();
  if (file < 0) file = death_file();
  line[0] = '\0';
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) play_and_leave(plan, line, file);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0) {
    perror("sim: no process for a plan");
    exit(EXIT_FAILURE);
  }
  bool failed = !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS;
  if (failed) death_read(death, status, line, file);
  return failed;
}
