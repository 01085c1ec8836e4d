/* mbedTLS as the TLS rooms use it: started once, with random numbers that any thread may draw.
 *
 * Its two versions differ in names and arguments; what more than one file needs of that is evened out here.
 */
#ifndef NET_TLS_LIBRARY_H
#define NET_TLS_LIBRARY_H

#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#include <stddef.h>

#include <wsluice/span.h>

/* mbedTLS 2.28 has TLS 1.2 only; 3.x may have been built without 1.3. */
#if MBEDTLS_VERSION_MAJOR >= 3 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
#define TLS_LIBRARY_HAS_1_3 1
#else
#define TLS_LIBRARY_HAS_1_3 0
#endif

/* Before any other call; thread-safe, and again for nothing. 0 or WSL_IO. */
WSL_MUST_CHECK int tls_library_start(void);

/* mbedTLS's f_rng (`unused` is its p_rng): the kernel's numbers, so without a lock and without a state that
 * threads or a fork could share. A handshake draws about ten times (strace), which takes some microseconds of
 * its milliseconds. */
int tls_library_random(void *unused, unsigned char *out, size_t len);

/* The high-level half of an mbedTLS error, such as MBEDTLS_ERR_PK_UNKNOWN_PK_ALG: what went wrong, without
 * the detail from below that may be added to it. */
int tls_library_error(int mbedtls_error);

/* mbedTLS 2.28 computes a curve's table when it is first used and keeps it in the key, unlocked: this does
 * it now, before threads share the key. Nothing to do in 3.x. 0 or an mbedTLS error. */
WSL_MUST_CHECK int tls_library_prepare_shared_key(mbedtls_pk_context *key);

#endif
