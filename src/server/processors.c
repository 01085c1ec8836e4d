/* See server/processors.h. */
#include "server/processors.h"

#include <uv.h>

#include "server/cgroup_quota.h"

#if defined(__linux__)
#include <sched.h>
#endif

#if defined(__linux__)
/* The kernel wants a mask with room for all processors that it was built for; libc's holds 1,024. */
#define MASK_PROCESSORS_MAX (64 * 1024)

/* What the mask holds; cpusets (of a cgroup, or taskset's) are in it. 0 when it can't be told. */
static unsigned in_affinity_mask(void) {
  for (int processors = CPU_SETSIZE; processors <= MASK_PROCESSORS_MAX; processors *= 2) {
    cpu_set_t *set = CPU_ALLOC((size_t)processors);
    if (set == NULL) return 0;
    size_t size = CPU_ALLOC_SIZE((size_t)processors);
    int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (count > 0) return (unsigned)count;
  }
  return 0;
}
#else
static unsigned in_affinity_mask(void) {
  return 0;
}
#endif

static unsigned in_machine(void) {
  uv_cpu_info_t *infos;
  int count;
  if (uv_cpu_info(&infos, &count) != 0) return 1;
  uv_free_cpu_info(infos, count);
  return count < 1 ? 1 : (unsigned)count;
}

unsigned processors_usable(void) {
  unsigned mask = in_affinity_mask(), quota = cgroup_quota(CGROUP_MOUNTS, CGROUP_MEMBERSHIPS);
  if (mask == 0) mask = in_machine();
  return quota != 0 && quota < mask ? quota : mask;
}
