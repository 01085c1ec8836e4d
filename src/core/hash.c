/* SHA-1, HMAC and random bytes over mbedTLS and the kernel.
 *
 * mbedTLS 3 took over the names that 2.28 had deprecated and gave them results; the difference ends
 * in this file.
 */
#include "core/hash.h"

#include <assert.h>
#include <errno.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/error.h"

/* getentropy() gives at most this many bytes a call (POSIX GETENTROPY_MAX). */
#define ENTROPY_MAX_BYTES 256u

int hash_sha1(const void *data, size_t len, uint8_t digest[SHA1_SIZE]) {
#if MBEDTLS_VERSION_MAJOR >= 3
  int failed = mbedtls_sha1(data, len, digest);
#else
  int failed = mbedtls_sha1_ret(data, len, digest);
#endif
  return failed ? WSL_IO : WSL_OK;
}

#if MBEDTLS_VERSION_MAJOR >= 3
#define sha256_starts mbedtls_sha256_starts
#define sha256_update mbedtls_sha256_update
#define sha256_finish mbedtls_sha256_finish
#else
#define sha256_starts mbedtls_sha256_starts_ret
#define sha256_update mbedtls_sha256_update_ret
#define sha256_finish mbedtls_sha256_finish_ret
#endif

#define SHA256_BLOCK 64u /* bytes */

/* One half of an HMAC: the hash of the padded key, changed by `pad`, and of data behind it. */
static int hash_behind_key(const uint8_t block[SHA256_BLOCK], uint8_t pad, const void *data, size_t len,
                           uint8_t digest[SHA256_SIZE]) {
  mbedtls_sha256_context context;
  uint8_t padded[SHA256_BLOCK];
  for (size_t i = 0; i < SHA256_BLOCK; i++)
    padded[i] = block[i] ^ pad;
  mbedtls_sha256_init(&context);
  int failed = sha256_starts(&context, 0);
  if (failed == 0) failed = sha256_update(&context, padded, SHA256_BLOCK);
  if (failed == 0) failed = sha256_update(&context, data, len);
  if (failed == 0) failed = sha256_finish(&context, digest);
  mbedtls_sha256_free(&context);
  secret_wipe(padded, sizeof padded);
  return failed;
}

/* Not mbedTLS's own, which asks for memory each time: a login must not turn wrong because there is none. */
int hash_hmac_sha256(const uint8_t *key, size_t key_len, const void *data, size_t len,
                     uint8_t mac[SHA256_SIZE]) {
  uint8_t block[SHA256_BLOCK] = {0}, inner[SHA256_SIZE];
  assert(key_len <= SHA256_BLOCK); /* a longer one would have to be hashed first; ours never are */
  memcpy(block, key, key_len);
  int failed = hash_behind_key(block, 0x36, data, len, inner);
  if (failed == 0) failed = hash_behind_key(block, 0x5c, inner, SHA256_SIZE, mac);
  secret_wipe(block, sizeof block);
  return failed == 0 ? WSL_OK : WSL_IO;
}

bool secret_equal(const void *a, const void *b, size_t len) {
  const volatile uint8_t *left = a, *right = b;
  uint8_t difference = 0;
  for (size_t i = 0; i < len; i++)
    difference = (uint8_t)(difference | (left[i] ^ right[i]));
  return difference == 0;
}

void secret_wipe(void *data, size_t len) {
  mbedtls_platform_zeroize(data, len);
}

int random_bytes(void *out, size_t len) {
  uint8_t *at = out;
  while (len > 0) {
    size_t chunk = len < ENTROPY_MAX_BYTES ? len : ENTROPY_MAX_BYTES;
    if (getentropy(at, chunk) != 0) {
      if (errno == EINTR) continue;
      return errno == ENOSYS ? WSL_UNSUPPORTED : WSL_IO;
    }
    at += chunk;
    len -= chunk;
  }
  return WSL_OK;
}
