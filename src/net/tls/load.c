/* Loading certificates and keys (load.h), and what mbedTLS's refusals mean for the one who made the
 * files.
 */
#include "net/tls/load.h"

#include <errno.h>
#include <mbedtls/pem.h>
#include <mbedtls/pkcs12.h>
#include <mbedtls/pkcs5.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/error.h"
#include "net/tls/certificate.h"
#include "net/tls/context.h"
#include "net/tls/library.h"
#include "net/tls/pem.h"

static bool out_of_memory(int high_level) {
  return high_level == MBEDTLS_ERR_X509_ALLOC_FAILED || high_level == MBEDTLS_ERR_PK_ALLOC_FAILED ||
         high_level == MBEDTLS_ERR_PEM_ALLOC_FAILED;
}

/* ---- certificates ---- */

static int refuse_certificate(const struct tls_pem *pem, int mbedtls_error) {
  int high = tls_library_error(mbedtls_error);
  if (out_of_memory(high)) return tls_pem_refuse(pem, WSL_NO_MEMORY, "no memory for it");
  if (high == MBEDTLS_ERR_PK_UNKNOWN_PK_ALG || high == MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE ||
      high == MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG || high == MBEDTLS_ERR_X509_UNKNOWN_OID ||
      high == MBEDTLS_ERR_X509_INVALID_ALG) {
    return tls_pem_refuse(pem, WSL_UNSUPPORTED,
                          "a certificate in it is for, or signed by, a kind of key that is not supported "
                          "here (such as Ed25519): use RSA or an elliptic curve such as P-256");
  }
  return tls_pem_refuse(pem, WSL_INVALID, "a certificate in it is damaged or cut off (mbedTLS error -0x%04x)",
                        (unsigned)-mbedtls_error);
}

static size_t chain_length(const mbedtls_x509_crt *chain) {
  size_t count = 0;
  for (; chain != NULL && chain->version != 0; chain = chain->next)
    count++;
  return count;
}

/* All or nothing: mbedTLS skips what it can't read, and stops without a word at a block that has no end;
 * the next certificate would then pass for the leaf, or clients miss an intermediate. */
static int parse_chain(const struct tls_pem *pem, mbedtls_x509_crt *chain) {
  size_t blocks = tls_pem_count(pem, "CERTIFICATE");
  if (blocks == 0) return tls_pem_refuse_content(pem, "a certificate");
  int error = mbedtls_x509_crt_parse(chain, (const unsigned char *)pem->text, pem->len + 1);
  if (error < 0) return refuse_certificate(pem, error);
  if (error > 0 || chain_length(chain) != blocks)
    return tls_pem_refuse(pem, WSL_INVALID, "only %zu of the %zu certificates in it can be read",
                          chain_length(chain), blocks);
  return WSL_OK;
}

/* ---- keys ---- */

static int parse_key_text(const struct tls_pem *pem, const char *password, mbedtls_pk_context *key) {
  const unsigned char *secret = (const unsigned char *)password;
  size_t secret_len = password != NULL ? strlen(password) : 0;
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_parse_key(key, (const unsigned char *)pem->text, pem->len + 1, secret, secret_len,
                              tls_library_random, NULL);
#else
  return mbedtls_pk_parse_key(key, (const unsigned char *)pem->text, pem->len + 1, secret, secret_len);
#endif
}

static int refuse_encrypted_key(const struct tls_pem *pem, int high) {
  switch (high) {
    case MBEDTLS_ERR_PKCS5_FEATURE_UNAVAILABLE:
    case MBEDTLS_ERR_PKCS5_INVALID_FORMAT:
    case MBEDTLS_ERR_PKCS12_FEATURE_UNAVAILABLE:
    case MBEDTLS_ERR_PEM_UNKNOWN_ENC_ALG:
    case MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE:
    case MBEDTLS_ERR_PK_UNKNOWN_PK_ALG:
      return tls_pem_refuse(pem, WSL_UNSUPPORTED,
                            "it is encrypted in a way that mbedTLS " MBEDTLS_VERSION_STRING
                            " can't read: write it without password, or with openssl rsa or ec, -aes256 "
                            "-traditional");
    default:
      return tls_pem_refuse(pem, WSL_DENIED, "the password is wrong");
  }
}

static int refuse_key(const struct tls_pem *pem, int mbedtls_error) {
  int high = tls_library_error(mbedtls_error);
  if (out_of_memory(high)) return tls_pem_refuse(pem, WSL_NO_MEMORY, "no memory for it");
  if (tls_pem_key_encrypted(pem)) return refuse_encrypted_key(pem, high);
  if (high == MBEDTLS_ERR_PK_UNKNOWN_PK_ALG || high == MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE)
    return tls_pem_refuse(pem, WSL_UNSUPPORTED,
                          "it is a kind of key that is not supported here (such as Ed25519): use RSA or an "
                          "elliptic curve such as P-256");
  return tls_pem_refuse(pem, WSL_INVALID, "the key in it is damaged or cut off (mbedTLS error -0x%04x)",
                        (unsigned)-mbedtls_error);
}

static int parse_key(const struct tls_pem *pem, const char *password, mbedtls_pk_context *key) {
  if (!tls_pem_has_key(pem)) return tls_pem_refuse_content(pem, "a private key");
  if (tls_pem_key_encrypted(pem) && password == NULL)
    return tls_pem_refuse(pem, WSL_DENIED, "the key is encrypted, and no password was given");
  int error = parse_key_text(pem, password, key);
  if (error != 0) return refuse_key(pem, error);
  if (tls_library_prepare_shared_key(key) != 0) return tls_pem_refuse(pem, WSL_NO_MEMORY, "no memory for it");
  return WSL_OK;
}

static bool fits(mbedtls_x509_crt *certificate, mbedtls_pk_context *key) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_check_pair(&certificate->pk, key, tls_library_random, NULL) == 0;
#else
  return mbedtls_pk_check_pair(&certificate->pk, key) == 0;
#endif
}

static int check_fit(const struct tls_pem *pem, struct tls_pair *pair, const char *cert_path) {
  if (fits(&pair->chain, &pair->key)) return WSL_OK;
  for (mbedtls_x509_crt *other = pair->chain.next; other != NULL; other = other->next) {
    if (fits(other, &pair->key))
      return tls_pem_refuse(pem, WSL_INVALID,
                            "the key belongs to a certificate that is not the first in \"%s\": move that one "
                            "to the top",
                            cert_path);
  }
  return tls_pem_refuse(pem, WSL_INVALID, "the key does not match the certificate in \"%s\"", cert_path);
}

static int read_key_file(struct tls_pair *pair, const char *cert_path, const char *key_path,
                         const char *password, char *why, size_t why_cap) {
  struct tls_pem pem = {.role = "key", .path = key_path, .why = why, .why_cap = why_cap};
  int error = tls_pem_read(&pem);
  if (error == WSL_OK) error = parse_key(&pem, password, &pair->key);
  if (error == WSL_OK) error = check_fit(&pem, pair, cert_path);
  tls_pem_wipe(&pem);
  return error;
}

static int take_key_beside(const struct tls_pem *pem, struct tls_pair *pair, const char *password) {
  if (!tls_pem_has_key(pem))
    return tls_pem_refuse(pem, WSL_INVALID, "it contains no private key: name the key's file with --key");
  int error = parse_key(pem, password, &pair->key);
  return error == WSL_OK ? check_fit(pem, pair, pem->path) : error;
}

int tls_load_pair(struct tls_pair *pair, const char *cert_path, const char *key_path, const char *password,
                  char *why, size_t why_cap) {
  struct tls_pem pem = {.role = "certificate", .path = cert_path, .why = why, .why_cap = why_cap};
  int error = tls_pem_read(&pem);
  if (error == WSL_OK) error = parse_chain(&pem, &pair->chain);
  if (error == WSL_OK && key_path == NULL) error = take_key_beside(&pem, pair, password);
  tls_pem_wipe(&pem);
  if (error == WSL_OK && key_path != NULL)
    error = read_key_file(pair, cert_path, key_path, password, why, why_cap);
  return error;
}

/* ---- authorities ---- */

static bool is_directory(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int parse_authorities_in(const struct tls_pem *pem, mbedtls_x509_crt *authorities, int *skipped) {
  *skipped = 0; /* other files are no surprise there */
  if (mbedtls_x509_crt_parse_path(authorities, pem->path) < 0)
    return tls_pem_refuse(pem, WSL_IO, "the directory can't be read");
  if (chain_length(authorities) == 0)
    return tls_pem_refuse(pem, WSL_INVALID, "no file in this directory holds a PEM certificate");
  return WSL_OK;
}

static int parse_authorities(struct tls_pem *pem, mbedtls_x509_crt *authorities, int *skipped) {
  int error = tls_pem_read(pem);
  if (error != WSL_OK) return error;
  size_t blocks = tls_pem_count(pem, "CERTIFICATE");
  if (blocks == 0) return tls_pem_refuse_content(pem, "CA certificates");
  int failed = mbedtls_x509_crt_parse(authorities, (const unsigned char *)pem->text, pem->len + 1);
  size_t taken = chain_length(authorities);
  if (taken == 0) return refuse_certificate(pem, failed);
  *skipped = (int)(blocks - taken);
  return WSL_OK;
}

static int prepare_authorities(mbedtls_x509_crt *authorities) {
  int error = 0;
  for (mbedtls_x509_crt *at = authorities; at != NULL && at->version != 0 && error == 0; at = at->next)
    error = tls_library_prepare_shared_key(&at->pk);
  return error == 0 ? WSL_OK : WSL_NO_MEMORY;
}

int tls_load_authorities(mbedtls_x509_crt *authorities, const char *path, int *skipped, char *why,
                         size_t why_cap) {
  if (path == NULL) path = tls_system_ca_path();
  struct tls_pem pem = {.role = "CA certificates", .path = path, .why = why, .why_cap = why_cap};
  *skipped = 0;
  if (path == NULL) {
    pem.path = "the system's";
    return tls_pem_refuse(&pem, WSL_NOT_FOUND,
                          "none of the usual places has them: install them (ca-certificates) or name a file");
  }
  int error = is_directory(path) ? parse_authorities_in(&pem, authorities, skipped)
                                 : parse_authorities(&pem, authorities, skipped);
  tls_pem_wipe(&pem);
  if (error == WSL_OK && prepare_authorities(authorities) != WSL_OK)
    error = tls_pem_refuse(&pem, WSL_NO_MEMORY, "no memory for them");
  return error;
}

bool tls_load_system_knows_issuer(const mbedtls_x509_crt *certificate) {
  mbedtls_x509_crt authorities;
  int skipped;
  char why[1];
  bool found = false;
  mbedtls_x509_crt_init(&authorities);
  int error = tls_load_authorities(&authorities, NULL, &skipped, why, sizeof why);
  for (const mbedtls_x509_crt *at = &authorities; error == WSL_OK && at != NULL && !found; at = at->next)
    found = tls_certificate_issued(at, certificate);
  mbedtls_x509_crt_free(&authorities);
  return found;
}
