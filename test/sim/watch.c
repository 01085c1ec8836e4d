/* See watch.h. The timer counts CPU time, so neither a busy machine nor a debugger's pause trips it. */
#include "watch.h"

#include <signal.h>
#include <sys/time.h>

#include "fault.h"

#define TICK_MS 100u

static unsigned limit;
static volatile sig_atomic_t ticks;

static void on_tick(int signal_number) {
  (void)signal_number;
  ticks++;
  if ((unsigned)ticks * TICK_MS > limit)
    sim_fail("does not end: played for more than %u ms of CPU time", limit);
}

void watch_start(unsigned limit_ms) {
  limit = limit_ms;
  ticks = 0;
  struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(SIGPROF, &action, NULL);
  struct timeval tick = {.tv_usec = TICK_MS * 1000};
  struct itimerval timer = {.it_interval = tick, .it_value = tick};
  setitimer(ITIMER_PROF, &timer, NULL);
}

void watch_begin(void) {
  ticks = 0;
}
