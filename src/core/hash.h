/* Hashes and random bytes, from mbedTLS (2.28 and 3.6, whose names differ) and the kernel. Thread-safe.
 */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

#define SHA1_SIZE   20u
#define SHA256_SIZE 32u

/* SHA-1 of data[0..len). For the handshake's Sec-WebSocket-Accept (RFC 6455 4.2.2), and for htpasswd files
 * that have nothing better. */
WSL_MUST_CHECK int hash_sha1(const void *data, size_t len, uint8_t digest[SHA1_SIZE]);

/* HMAC with SHA-256 (RFC 2104) of data[0..len), under a key of at most 64 bytes (asserted); asks for no
 * memory. WSL_IO where mbedTLS's hardware fails it, and then `mac` must not be used. */
WSL_MUST_CHECK int hash_hmac_sha256(const uint8_t *key, size_t key_len, const void *data, size_t len,
                                    uint8_t mac[SHA256_SIZE]);

/* Whether a[0..len) and b[0..len) are the same, in a time that depends on the length only. */
bool secret_equal(const void *a, const void *b, size_t len);

/* Overwrites what was secret; not left out by the compiler, though nobody reads it any more. */
void secret_wipe(void *data, size_t len);

/* Fills out[0..len) with random bytes from the kernel (getentropy: blocks only until the system's
 * pool is ready, early at boot). On failure there is no weaker source: WSL_IO or WSL_UNSUPPORTED,
 * and `out` must not be used. */
WSL_MUST_CHECK int random_bytes(void *out, size_t len);

#endif
