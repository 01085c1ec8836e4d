/* Signatures of tokens: JWS (RFC 7515) with the algorithms of RFC 7518 3 that route/jose/key.h lists.
 *
 * The key says which algorithms there are; the token's header only chooses among those. So "none" does not
 * exist, and a token can't have a public key used as a secret. Costs up to some milliseconds (ECDSA, long RSA
 * keys): for the thread pool.
 */
#ifndef ROUTE_JOSE_JWS_H
#define ROUTE_JOSE_JWS_H

#include "codec/text/jose.h"
#include "route/jose/header.h"
#include "route/jose/key.h"

/* Whether the signature of `parts` (JWS_PARTS of them, of one token) is the key's. JOSE_GOOD,
 * JOSE_MALFORMED, JOSE_ALGORITHM, JOSE_FORGED or JOSE_NO_MEMORY. */
WSL_MUST_CHECK enum jose_verdict jws_verify(const struct jose_key *key, const struct jose_header *header,
                                            const struct jose_parts *parts);

#endif
