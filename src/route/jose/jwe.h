/* Opens encrypted tokens: JWE (RFC 7516) with `dir`, RSA-OAEP or RSA-OAEP-256 for the key (RFC 7518 4.3, 4.5)
 * and AES in GCM, or in CBC with HMAC, for the content (RFC 7518 5).
 *
 * The operator's one key serves both layers, as in websockify: a secret is the content's key (`dir`) and the
 * signature's; an RSA key decrypts, and its public half verifies. What is encrypted says nothing about who
 * made it, where the key is public: so what comes out is to be verified, always.
 *
 * An RSA decryption costs milliseconds: for the thread pool.
 */
#ifndef ROUTE_JOSE_JWE_H
#define ROUTE_JOSE_JWE_H

#include "codec/text/jose.h"
#include "route/jose/header.h"
#include "route/jose/key.h"

/* Decrypts `parts` (JWE_PARTS of them) to plain[0..base64url_room(ciphertext's length)). JOSE_GOOD,
 * JOSE_MALFORMED, JOSE_ALGORITHM, JOSE_FORGED or JOSE_NO_MEMORY. Nothing of `plain` may be used unless GOOD,
 * but it may have been written to. */
WSL_MUST_CHECK enum jose_verdict jwe_open(const struct jose_key *key, const struct jose_header *header,
                                          const struct jose_parts *parts, uint8_t *plain, size_t *len);

#endif
