/* How many processors this process may use: what the affinity mask holds, and no more than the
 * cgroup's CPU quota pays for (containers).
 */
#ifndef SERVER_PROCESSORS_H
#define SERVER_PROCESSORS_H

#include <stdint.h>

/* At least 1. */
unsigned processors_usable(void);

/* Processors that a cgroup v2 cpu.max line ("200000 100000", "max 100000") pays for, rounded up; 0: no
 * limit, or not understood. Pure. */
unsigned processors_of_quota(const char *cpu_max);

#endif
