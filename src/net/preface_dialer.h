/* Dials targets and writes what they are to read first (the preface of struct dial_context: a PROXY header),
 * before anything else and below TLS: another dialer's transport, and the preface, all within the dial's time
 * (net/dialer.h). What the preface says is not this room's business.
 */
#ifndef NET_PREFACE_DIALER_H
#define NET_PREFACE_DIALER_H

#include "core/slab.h"
#include "core/timers.h"
#include "net/dialer.h"

struct preface_dialer {
  struct dialer dialer; /* first: it is one */
  struct dialer *inner;
  struct timers *timers;
  struct slab attempts;
};

/* Both outlive the dialer. */
void preface_dialer_init(struct preface_dialer *dialer, struct dialer *inner, struct timers *timers);

/* No dial may be in flight (asserted). */
void preface_dialer_destroy(struct preface_dialer *dialer);

#endif
