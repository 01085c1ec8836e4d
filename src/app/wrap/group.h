/* Whether a process group still runs. */
#ifndef APP_WRAP_GROUP_H
#define APP_WRAP_GROUP_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether any process of the group has not ended: one that has and that its parent has not asked for yet does
 * not count. Walks /proc where the kernel says that there is somebody; where there is none, that is believed.
 */
bool wrap_group_lives(pid_t group);

#endif
