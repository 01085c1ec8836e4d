/* See server/processors.h. */
#include "server/processors.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#if defined(__linux__)
#include <sched.h>
#endif

/* cgroup v2; in a container its own group is mounted here. */
#define CGROUP_ROOT "/sys/fs/cgroup"

#define CGROUP_PATH_MAX 1024

static unsigned in_affinity_mask(void) {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return (unsigned)CPU_COUNT(&set);
#endif
  uv_cpu_info_t *infos;
  int count;
  if (uv_cpu_info(&infos, &count) != 0) return 1;
  uv_free_cpu_info(infos, count);
  return count < 1 ? 1 : (unsigned)count;
}

unsigned processors_of_quota(const char *cpu_max) {
  uint64_t quota, period;
  if (sscanf(cpu_max, "%" SCNu64 " %" SCNu64, &quota, &period) != 2 || quota == 0 || period == 0) return 0;
  uint64_t processors = (quota + period - 1) / period;
  return processors > UINT16_MAX ? 0 : (unsigned)processors;
}

static unsigned quota_at(const char *group) {
  char path[CGROUP_PATH_MAX + sizeof(CGROUP_ROOT "/cpu.max")], line[64] = "";
  snprintf(path, sizeof(path), "%s%s/cpu.max", CGROUP_ROOT, group);
  FILE *file = fopen(path, "re");
  if (file == NULL) return 0;
  unsigned processors = fgets(line, sizeof(line), file) == NULL ? 0 : processors_of_quota(line);
  fclose(file);
  return processors;
}

/* This process's group in the v2 hierarchy: the line "0::/path"; "" when there is none. */
static void own_group(char group[CGROUP_PATH_MAX]) {
  group[0] = '\0';
  FILE *file = fopen("/proc/self/cgroup", "re");
  if (file == NULL) return;
  char line[CGROUP_PATH_MAX];
  while (fgets(line, sizeof(line), file) != NULL) {
    if (strncmp(line, "0::/", 4) != 0) continue;
    line[strcspn(line, "\n")] = '\0';
    snprintf(group, CGROUP_PATH_MAX, "%s", line + 3);
  }
  fclose(file);
}

/* The tightest quota of the own group and all above it: each of them holds. */
static unsigned cgroup_quota(void) {
  char group[CGROUP_PATH_MAX];
  own_group(group);
  unsigned tightest = quota_at("");
  for (char *end = group + strlen(group); end != group && end != NULL; end = strrchr(group, '/')) {
    *end = '\0';
    unsigned quota = quota_at(group);
    if (quota != 0 && (tightest == 0 || quota < tightest)) tightest = quota;
  }
  return tightest;
}

unsigned processors_usable(void) {
  unsigned mask = in_affinity_mask(), quota = cgroup_quota();
  if (mask == 0) mask = 1;
  return quota != 0 && quota < mask ? quota : mask;
}
