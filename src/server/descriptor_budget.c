/* See server/descriptor_budget.h. */
#include "server/descriptor_budget.h"

#include <assert.h>
#include <sys/resource.h>

/* Connections that fit beside `workers` workers; 0 when not even the workers do. */
static uint64_t room_for(uint64_t descriptors, unsigned workers) {
  uint64_t reserve = DESCRIPTORS_OF_PROCESS + (uint64_t)DESCRIPTORS_OF_WORKER * workers;
  return descriptors <= reserve ? 0 : (descriptors - reserve) / DESCRIPTORS_OF_CONNECTION;
}

struct descriptor_budget descriptor_budget_plan(uint64_t descriptors, unsigned workers, size_t max_sessions) {
  assert(workers > 0);
  if (descriptors == 0) descriptors = UINT64_MAX;
  if (max_sessions != 0 && max_sessions < workers) workers = (unsigned)max_sessions;
  while (workers > 1 && room_for(descriptors, workers) < workers)
    workers--;
  uint64_t connections = room_for(descriptors, workers);
  if (connections == 0) connections = 1; /* one is always possible: dialling may fail, loudly */
  if (max_sessions != 0 && max_sessions < connections) connections = max_sessions;
  if (connections > SIZE_MAX / 2) connections = SIZE_MAX / 2;
  return (struct descriptor_budget){workers, (size_t)connections};
}

size_t descriptor_budget_take_pipes(uint64_t *descriptors, size_t wished) {
  if (*descriptors == 0) return wished;
  uint64_t most = *descriptors / 4 / DESCRIPTORS_OF_PIPE;
  size_t pipes = wished < most ? wished : (size_t)most;
  *descriptors -= (uint64_t)pipes * DESCRIPTORS_OF_PIPE;
  return pipes;
}

void descriptor_budget_take_listeners(uint64_t *descriptors, size_t listeners, unsigned workers) {
  if (*descriptors == 0 || listeners < 2) return;
  uint64_t held = (uint64_t)(listeners - 1) * workers;
  *descriptors = *descriptors > held ? *descriptors - held : 1; /* 0 would mean that there is no limit */
}

size_t descriptor_budget_take_programs(uint64_t *descriptors, size_t wished) {
  if (*descriptors == 0) return wished;
  uint64_t most = *descriptors / 2 / DESCRIPTORS_OF_PROGRAM;
  size_t programs = wished < most ? wished : (size_t)most;
  if (programs == 0) programs = 1;
  uint64_t taken = (uint64_t)programs * DESCRIPTORS_OF_PROGRAM;
  *descriptors -= taken < *descriptors ? taken : *descriptors - 1; /* 0 would be without a limit */
  return programs;
}

uint64_t descriptor_budget_raise_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur != limit.rlim_max) {
    struct rlimit raised = {limit.rlim_max, limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur == RLIM_INFINITY ? 0 : (uint64_t)limit.rlim_cur;
}
