/* Memory that a life has left behind, where the build can tell (AddressSanitizer); else nothing. */
#ifndef SIM_LEAKS_H
#define SIM_LEAKS_H

#include <stdbool.h>

/* Whether this build can tell. */
bool leaks_are_seen(void);

/* A fault (sim_fail) when memory was lost since this process began. Costs milliseconds. */
void leaks_check(void);

#endif
