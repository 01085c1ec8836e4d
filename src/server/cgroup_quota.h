/* The CPU quota of this process's cgroup, in processors: v2 (cpu.max) and v1 (cpu.cfs_quota_us and
 * cpu.cfs_period_us: older hosts). Each group above the own one has a quota that holds as well. At start
 * only: reads files.
 */
#ifndef SERVER_CGROUP_QUOTA_H
#define SERVER_CGROUP_QUOTA_H

/* Where they are on every Linux that mounts them; tests have folders of their own. */
#define CGROUP_MOUNTS      "/sys/fs/cgroup"
#define CGROUP_MEMBERSHIPS "/proc/self/cgroup"

/* Processors that the tightest quota pays for, rounded up: a part of one needs a thread, too. 0: no quota, no
 * cgroups, or not understood. */
unsigned cgroup_quota(const char *mounts, const char *memberships);

/* The same of one cpu.max line ("200000 100000", "max 100000"). Pure. */
unsigned processors_of_quota(const char *cpu_max);

#endif
