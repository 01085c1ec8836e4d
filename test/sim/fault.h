/* How the simulation tells a fault: one line in words, then abort(), so that a debugger stands where it was
 * seen. The runner plays each plan in a process of its own and reads the line there.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>

#define SIM_FAULT_MAX 256u

/* Where the line goes: to stderr, and into `where` too when it was set (memory that is shared with the
 * runner, SIM_FAULT_MAX bytes). */
void sim_fault_to(char *where);

__attribute__((noreturn, format(printf, 1, 2))) void sim_fail(const char *format, ...);

#define sim_check(condition, ...)            \
  do {                                       \
    if (!(condition)) sim_fail(__VA_ARGS__); \
  } while (false)

/* What happens, step by step: a printf-like line to stdout, when somebody asked for it (--trace). */
extern bool sim_tracing;
__attribute__((format(printf, 1, 2))) void sim_trace(const char *format, ...);

#endif
