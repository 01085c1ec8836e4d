/* See server/cgroup_quota.h.
 *
 * Which folder is this process's group: with v1 and v2 alike the line of /proc/self/cgroup says its path
 * below the mount. In a container that path may be the host's, while the container's own group is what is
 * mounted: so the mount itself is looked at first, and folders that are not there say nothing.
 */
#include "server/cgroup_quota.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE 4096

/* More is no quota that anybody meant. */
#define PROCESSORS_MAX UINT16_MAX

/* The first line of a group's file; false when there is none. */
static bool read_line(const char *folder, const char *file, char *line, int size) {
  char path[PATH_SIZE + 32];
  snprintf(path, sizeof(path), "%s/%s", folder, file);
  FILE *opened = fopen(path, "re");
  if (opened == NULL) return false;
  bool found = fgets(line, size, opened) != NULL;
  fclose(opened);
  return found;
}

static unsigned processors_of(uint64_t quota, uint64_t period) {
  if (quota == 0 || period == 0 || quota > UINT64_MAX - period) return 0;
  uint64_t processors = (quota + period - 1) / period;
  return processors > PROCESSORS_MAX ? 0 : (unsigned)processors;
}

unsigned processors_of_quota(const char *cpu_max) {
  uint64_t quota, period;
  if (sscanf(cpu_max, "%" SCNu64 " %" SCNu64, &quota, &period) != 2) return 0;
  return processors_of(quota, period);
}

static unsigned quota_v2(const char *folder) {
  char line[64];
  return read_line(folder, "cpu.max", line, sizeof(line)) ? processors_of_quota(line) : 0;
}

/* Two files; a quota of -1: none. */
static unsigned quota_v1(const char *folder) {
  char quota_line[32], period_line[32];
  int64_t quota, period;
  if (!read_line(folder, "cpu.cfs_quota_us", quota_line, sizeof(quota_line))) return 0;
  if (!read_line(folder, "cpu.cfs_period_us", period_line, sizeof(period_line))) return 0;
  if (sscanf(quota_line, "%" SCNd64, &quota) != 1 || sscanf(period_line, "%" SCNd64, &period) != 1) return 0;
  return quota <= 0 || period <= 0 ? 0 : processors_of((uint64_t)quota, (uint64_t)period);
}

typedef unsigned (*quota_fn)(const char *folder);

static unsigned tighter(unsigned a, unsigned b) {
  if (a == 0 || b == 0) return a + b;
  return a < b ? a : b;
}

/* The mount, and from the own group up to right below it. */
static unsigned tightest(const char *mount, const char *group, quota_fn quota) {
  char folder[PATH_SIZE];
  size_t mount_len = strlen(mount);
  unsigned found = quota(mount);
  if (mount_len + strlen(group) >= sizeof(folder)) return found;
  snprintf(folder, sizeof(folder), "%s%s", mount, group);
  for (char *end = folder + strlen(folder); end > folder + mount_len; end = strrchr(folder, '/')) {
    *end = '\0';
    found = tighter(found, quota(folder));
  }
  return found;
}

/* Whether `name` is among the controllers "cpu,cpuacct". */
static bool lists(const char *controllers, const char *name) {
  size_t len = strlen(name);
  for (const char *at = controllers; at != NULL; at = strchr(at, ',')) {
    if (*at == ',') at++;
    if (strncmp(at, name, len) == 0 && (at[len] == ',' || at[len] == '\0')) return true;
  }
  return false;
}

/* v1 mounts a hierarchy under its controllers' names; "cpu" is mostly a link to "cpu,cpuacct". */
static unsigned quota_of_v1(const char *mounts, const char *controllers, const char *group) {
  char mount[PATH_SIZE];
  snprintf(mount, sizeof(mount), "%s/cpu", mounts);
  unsigned found = tightest(mount, group, quota_v1);
  if (strcmp(controllers, "cpu") == 0) return found;
  snprintf(mount, sizeof(mount), "%s/%s", mounts, controllers);
  return tighter(found, tightest(mount, group, quota_v1));
}

/* A line of the memberships, "number:controllers:/path"; v2's has no controllers. */
static unsigned quota_of_membership(const char *mounts, char *line) {
  line[strcspn(line, "\n")] = '\0';
  char *controllers = strchr(line, ':');
  char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
  if (group == NULL) return 0;
  *group++ = '\0';
  controllers++;
  if (*controllers == '\0') return tightest(mounts, group, quota_v2);
  return lists(controllers, "cpu") ? quota_of_v1(mounts, controllers, group) : 0;
}

unsigned cgroup_quota(const char *mounts, const char *memberships) {
  FILE *file = fopen(memberships, "re");
  if (file == NULL) return 0;
  unsigned found = 0;
  char line[PATH_SIZE];
  while (fgets(line, sizeof(line), file) != NULL)
    found = tighter(found, quota_of_membership(mounts, line));
  fclose(file);
  return found;
}
