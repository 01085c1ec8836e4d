/* Tokens that bring their target along, signed: JWT (RFC 7519) as websockify's JWTTokenApi has them.
 *
 *   {"host": "10.0.0.7", "port": 5900, "nbf": 1700000000, "exp": 1700003600.5}
 *
 * signed (route/jose/jws.h), and the result encrypted or not (route/jose/jwe.h); one layer of each, in this
 * order. All other claims are the issuer's own business. Pure but for the thread pool's time that it takes.
 */
#ifndef ROUTE_JOSE_JWT_H
#define ROUTE_JOSE_JWT_H

#include "route/jose/key.h"
#include "route/jose/verdict.h"

/* Longer than any host, port and socket's path. */
#define JWT_TARGET_SIZE 512u

/* Verifies `token`, and takes its target as text, "host:port" or "unix_socket:path" with a NUL: what has to
 * be read yet is not checked (codec/text/target_text.h). `now` is in seconds since 1970, with fractions;
 * there is no leeway round it, as in websockify. `target` may be written to only when JOSE_GOOD. */
WSL_MUST_CHECK enum jose_verdict jwt_open(const struct jose_key *key, struct wsl_span token, double now,
                                          char target[JWT_TARGET_SIZE]);

/* Why a token was refused: a static phrase for the log, never for its sender. */
const char *jwt_verdict_text(enum jose_verdict verdict);

#endif
