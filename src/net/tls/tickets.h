/* Session tickets' keys as net/tls/context.c needs them; context.h has what others see. */
#ifndef NET_TLS_TICKETS_H
#define NET_TLS_TICKETS_H

#include <mbedtls/ssl.h>

#include "net/tls/context.h"
#include "net/tls/suite_words.h"

/* Which tickets a context takes. mbedTLS takes any that it can read, and in TLS 1.2 then goes on with the
 * suite that it would choose anew: where that is another than the ticket's (renewed from an RSA to an EC
 * key, say) the client breaks off. So such tickets count as expired, which costs a full handshake. */
struct tls_ticket_rules {
  struct tls_tickets *tickets;
  const struct tls_suites *suites;
  enum tls_suite_key key; /* the kind of the context's own */
};

/* Has `config` write and read tickets by the rules, which outlive it. */
void tls_tickets_configure(mbedtls_ssl_config *config, struct tls_ticket_rules *rules);

#endif
