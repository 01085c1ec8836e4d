/* Dialling a program (net/dialer.h): each dial starts one, in the thread pool, and its streams are the
 * transport. The target says which (`target.program`), the dial's context whom for: its words go into the
 * program's environment behind what all programs get.
 *
 * Errors: WSL_TOO_MANY when as many run as may, or the system lets no more run; WSL_NO_DESCRIPTOR,
 * WSL_NO_MEMORY; WSL_NOT_RUN for all else, with a line in the log that says why.
 */
#ifndef NET_PROGRAM_DIALER_H
#define NET_PROGRAM_DIALER_H

#include "core/slab.h"
#include "core/timers.h"
#include "net/dialer.h"
#include "net/offload.h"
#include "net/program/program.h"

struct program_dialer {
  struct dialer dialer; /* first: it is one */
  struct program_domain *programs;
  struct offload *offload;
  struct timers *timers;
  struct slab attempts;
};

/* All three outlive the dialer. */
void program_dialer_init(struct program_dialer *dialer, struct program_domain *programs,
                         struct offload *offload, struct timers *timers);

/* No dial may be in flight, and the offload must be quiet (asserted). */
void program_dialer_destroy(struct program_dialer *dialer);

#endif
