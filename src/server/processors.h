/* How many processors this process may use: what the affinity mask holds (cpusets are in it), and no more
 * than the cgroup's CPU quota pays for (containers).
 */
#ifndef SERVER_PROCESSORS_H
#define SERVER_PROCESSORS_H

/* At least 1. */
unsigned processors_usable(void);

#endif
