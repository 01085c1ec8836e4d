/* A program that serves one client, from its start to when nothing is left of it: process, streams and what
 * it says on standard error.
 *
 *   the output ends      the stream ends with it. How the program has ended decides how: in order with exit
 *                        status 0, else with WSL_PROGRAM_FAILED and words. One that has closed its output and
 *                        does not end within a second is taken to have ended in order
 *   forsaken             the client wants no more: it reads the end of its input (a terminal: SIGHUP), and
 *                        after the grace it is made to end (net/program/child.h)
 *   the stream closed    it is made to end at once
 *
 * The owner of the stream has nothing else to do. One domain a worker, one thread.
 */
#ifndef NET_PROGRAM_PROGRAM_H
#define NET_PROGRAM_PROGRAM_H

#include <stdatomic.h>

#include "core/slab.h"
#include "net/program/child.h"
#include "net/program/launch.h"
#include "net/program/pipe_stream.h"

/* How many there may be in the whole process, and how many there were. Thread-safe, lock-free. */
struct program_room {
  size_t limit;
  atomic_size_t running;            /* those about to start counted, and those that are being made to end */
  _Atomic uint64_t started, failed; /* failed: could not be run, ended with another status than 0, or by a
                                       signal that was not ours */
};

/* False: as many run as may. */
WSL_MUST_CHECK bool program_room_enter(struct program_room *room);
void program_room_leave(struct program_room *room);

struct program_domain {
  struct program_room *room;
  struct poller *poller;
  struct timers *timers;
  struct slab slab;
  struct child_domain children;
  struct pipe_domain pipes;
};

/* All three outlive the domain. `grace_ms`: see struct program_settings. */
void program_domain_init(struct program_domain *domain, struct program_room *room, struct poller *poller,
                         struct timers *timers, uint64_t grace_ms);

/* No program may be left, and the batch must have ended (asserted). */
void program_domain_destroy(struct program_domain *domain);

struct program;

/* A record for a program to come. Give it back with program_spare() if none comes; its place in the room is
 * the caller's until program_begin(). NULL without memory. */
struct program *program_take(struct program_domain *domain);
void program_spare(struct program *program);

/* The program runs: takes the launch over, and its place in the room. The stream is the caller's; NULL when
 * the poller refuses it, and then the program is being ended. `id` is for the log. */
struct transport *program_begin(struct program *program, const struct program_launch *launch, uint64_t id);

#endif
