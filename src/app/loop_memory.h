/* libuv's memory while wsluice starts. libuv calls abort() where a loop's table of descriptors can't grow, as
 * it does with a loop's first handles; a start that fails is to say so and to exit with its status. So until
 * the start is over, what can't be given to libuv ends the process so. Afterwards it just is not given, and
 * whoever asked copes.
 */
#ifndef APP_LOOP_MEMORY_H
#define APP_LOOP_MEMORY_H

/* Before any other function of libuv. `exit_status`: of a process that can't start. */
void loop_memory_begin(int exit_status);

/* The start is over. */
void loop_memory_started(void);

#endif
