/* The watch over a life that does not end: a plan that is played on for more than its share of this
 * process's CPU time is a fault like any other, in place, so that a debugger stands in the loop.
 */
#ifndef SIM_WATCH_H
#define SIM_WATCH_H

/* Starts it for this process. */
void watch_start(unsigned limit_ms);

/* A plan begins now. */
void watch_begin(void);

#endif
