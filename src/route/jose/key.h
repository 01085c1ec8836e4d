/* The key that tokens are signed with, from its file: and with it the algorithms that tokens may use.
 *
 *   RSA, 2048 to 8192 bits     RS256, RS384, RS512, PS256, PS384, PS512; with the private key also
 *                              RSA-OAEP and RSA-OAEP-256 (route/jose/jwe.h)
 *   elliptic curve             P-256: ES256; P-384: ES384; P-521: ES512
 *   anything else: a secret    HS256, HS384, HS512; `dir`
 *
 * A PEM file's first private key counts, else its first public key, else its first certificate's key. So a
 * PEM file is never a secret, which is what keeps a token signed with the bytes of a public key out; and what
 * looks like a public key in another form is refused rather than taken for a secret.
 *
 * A secret is read in up to three ways, since makers of tokens differ: websockify's library takes the file
 * for base64url of the key, others its bytes as they are, with the line end that an editor has put there or
 * without. Each of them takes the whole file to know.
 *
 * Immutable once made: any threads may use a key at once.
 */
#ifndef ROUTE_JOSE_KEY_H
#define ROUTE_JOSE_KEY_H

#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

#include "net/tls/pem.h"

#define JOSE_RSA_BITS_MIN 2048u /* RFC 7518 3.3 */
#define JOSE_RSA_BITS_MAX 8192u /* the most that mbedTLS computes with */
#define JOSE_SECRETS_MAX  3u

/* Bytes of a secret that nobody guesses from a token of his own (RFC 7518 3.2, for HS256). */
#define JOSE_SECRET_GOOD_LEN 32u

enum jose_kind { JOSE_SECRET, JOSE_RSA, JOSE_EC };

struct jose_bytes {
  uint8_t *at; /* NULL: none */
  size_t len;
};

struct jose_key {
  enum jose_kind kind;
  size_t bits;                   /* of an RSA key's modulus, of a curve */
  struct jose_bytes public_der;  /* not for secrets */
  struct jose_bytes private_der; /* RSA only, and only when the file holds it */
  struct jose_bytes secrets[JOSE_SECRETS_MAX];
  size_t secret_count;
};

/* Makes the key out of a file that has been read (tls_pem_read(), or a test's text). 0, or WSL_INVALID,
 * WSL_UNSUPPORTED, WSL_DENIED (encrypted), WSL_NO_MEMORY with a line in pem->why. */
WSL_MUST_CHECK int jose_key_make(const struct tls_pem *pem, struct jose_key **key);

/* Wipes and frees; NULL is ignored. */
void jose_key_free(struct jose_key *key);

#endif
