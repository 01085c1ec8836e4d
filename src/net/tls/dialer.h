/* Dials targets and speaks TLS to them: another dialer's transport, then the client's handshake, all
 * within the dial's time (net/dialer.h). A handshake that fails gives WSL_TLS_PLAIN, WSL_TLS_UNTRUSTED,
 * WSL_TLS_FAILED, ..., and one log line that says "toward the target" and what was wrong.
 */
#ifndef NET_TLS_DIALER_H
#define NET_TLS_DIALER_H

#include "core/slab.h"
#include "core/timers.h"
#include "net/dialer.h"
#include "net/tls/tls.h"

struct tls_dialer {
  struct dialer dialer; /* first: it is one */
  struct dialer *inner;
  struct tls_domain *tls;
  struct tls_context *context;
  struct timers *timers;
  struct slab attempts;
};

/* All of them outlive the dialer; the context is held. */
void tls_dialer_init(struct tls_dialer *dialer, struct dialer *inner, struct tls_domain *tls,
                     struct tls_context *context, struct timers *timers);

/* No dial may be in flight (asserted). */
void tls_dialer_destroy(struct tls_dialer *dialer);

#endif
