/* Session tickets' keys as net/tls_context.c needs them; tls_context.h has what others see. */
#ifndef NET_TLS_TICKETS_H
#define NET_TLS_TICKETS_H

#include <mbedtls/ssl.h>

#include "net/tls_context.h"

/* Has `config` write and read tickets with these keys, which it does not hold. */
void tls_tickets_configure(struct tls_tickets *tickets, mbedtls_ssl_config *config);

#endif
