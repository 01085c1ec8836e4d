/* Keepalive for connections that last: switched on when one has lived for a while.
 *
 * At birth it costs a dialled connection 1.6 us, for four system calls and a timer of the kernel's, and an
 * accepted one that inherits it 0.25 us (measured); most short ones end long before the first probe. Switched
 * on later it finds the dead some seconds later.
 */
#ifndef NET_KEEPALIVE_H
#define NET_KEEPALIVE_H

#include "core/list.h"
#include "core/timers.h"
#include "net/socket_tuning.h"

/* A connection gets it when it is between once and twice as old. */
#define KEEPALIVE_AGE_MS 5000u

struct keepalive {
  struct timers *timers;
  const struct socket_tuning *tuning;
  struct list young; /* have come since the last round */
  struct list due;   /* came before it */
  struct timer round;
};

/* Embedded in whoever owns the descriptor. */
struct keepalive_watch {
  struct list node;
  int fd;
};

/* Both outlive the keepalive. Nothing is switched on here where `tuning` has it off, or at birth. */
void keepalive_init(struct keepalive *keepalive, struct timers *timers, const struct socket_tuning *tuning);

/* A new connection; `watch` lives until keepalive_end(). */
void keepalive_begin(struct keepalive *keepalive, struct keepalive_watch *watch, int fd);

/* Before its descriptor is closed. Harmless where it has its keepalive already, or never will. */
void keepalive_end(struct keepalive *keepalive, struct keepalive_watch *watch);

#endif
