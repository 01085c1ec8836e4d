/* Starting mbedTLS (PSA's part of it, for TLS 1.3), its random numbers, and what its versions do differently.
 */
#include "net/tls/library.h"

#include <pthread.h>

#include "core/error.h"
#include "core/hash.h"

#if MBEDTLS_VERSION_MAJOR < 3
#include <mbedtls/ecp.h>
#endif
#if TLS_LIBRARY_HAS_1_3
#include <psa/crypto.h>
#endif

/* Sessions of all workers share contexts, keys and PSA's state. */
#if !defined(MBEDTLS_THREADING_C) || !defined(MBEDTLS_THREADING_PTHREAD)
/* cppcheck-suppress preprocessorErrorDirective ; it reads no headers of the system */
#error \
    "this mbedTLS was built without MBEDTLS_THREADING_C and MBEDTLS_THREADING_PTHREAD: its threads corrupt each other"
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int start_error;

static void start(void) {
#if TLS_LIBRARY_HAS_1_3
  start_error = psa_crypto_init() == PSA_SUCCESS ? WSL_OK : WSL_IO;
#endif
}

int tls_library_start(void) {
  (void)pthread_once(&once, start); /* fails for an invalid argument only */
  return start_error;
}

int tls_library_random(void *unused, unsigned char *out, size_t len) {
  (void)unused;
  return random_bytes(out, len) == WSL_OK ? 0 : MBEDTLS_ERR_PK_BAD_INPUT_DATA;
}

int tls_library_error(int mbedtls_error) {
  /* Low-level errors fill the seven lowest bits, high-level ones those above (mbedtls/error.h); division
   * goes toward zero. */
  return mbedtls_error / 0x80 * 0x80;
}

int tls_library_prepare_shared_key(mbedtls_pk_context *key) {
#if MBEDTLS_VERSION_MAJOR < 3
  if (!mbedtls_pk_can_do(key, MBEDTLS_PK_ECKEY)) return 0;
  mbedtls_ecp_group *group = &mbedtls_pk_ec(*key)->grp;
  mbedtls_ecp_point product;
  mbedtls_mpi one;
  mbedtls_ecp_point_init(&product);
  mbedtls_mpi_init(&one);
  int error = mbedtls_mpi_lset(&one, 1);
  if (error == 0) error = mbedtls_ecp_mul(group, &product, &one, &group->G, tls_library_random, NULL);
  mbedtls_mpi_free(&one);
  mbedtls_ecp_point_free(&product);
  return error;
#else
  (void)key;
  return 0;
#endif
}
