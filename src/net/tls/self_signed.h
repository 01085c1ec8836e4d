/* A self-signed certificate and its key (P-256), made on the spot: for localhost, the loopback addresses and
 * this machine's name, good for SELF_SIGNED_DAYS. For demonstrations; nobody trusts it unless told to.
 */
#ifndef NET_TLS_SELF_SIGNED_H
#define NET_TLS_SELF_SIGNED_H

#include <wsluice/span.h>

#define SELF_SIGNED_DAYS 30u

/* NUL-terminated PEM. */
struct self_signed {
  unsigned char cert_pem[2048];
  unsigned char key_pem[512];
};

/* 0, or WSL_IO without randomness or memory. Some milliseconds of arithmetic. */
WSL_MUST_CHECK int self_signed_make(struct self_signed *pair);

/* The key must not stay in memory. */
void self_signed_wipe(struct self_signed *pair);

#endif
