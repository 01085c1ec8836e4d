/* See route/jose/key.h. Keys are kept as DER and parsed anew for each use: mbedTLS's own form of them has
 * state (blinding, a curve's table) that threads would share.
 */
#include "route/jose/key.h"

#include <mbedtls/platform_util.h>
#include <mbedtls/x509_crt.h>
#include <stdlib.h>

#include "codec/text/jose.h"
#include "core/error.h"
#include "net/tls/library.h"

/* A private RSA key of 8192 bits has some 4,700 bytes of DER. */
#define DER_MAX 8192u

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- bytes ---- */

static int bytes_copy(struct jose_bytes *bytes, const void *from, size_t len) {
  bytes->at = malloc(len);
  if (bytes->at == NULL) return WSL_NO_MEMORY;
  memcpy(bytes->at, from, len);
  bytes->len = len;
  return WSL_OK;
}

static void bytes_wipe(struct jose_bytes *bytes) {
  if (bytes->at != NULL) mbedtls_platform_zeroize(bytes->at, bytes->len);
  free(bytes->at);
  *bytes = (struct jose_bytes){NULL, 0};
}

/* ---- PEM ---- */

static const unsigned char *text_of(const struct tls_pem *pem) {
  return (const unsigned char *)pem->text;
}

static int parse_private(mbedtls_pk_context *pk, const unsigned char *data, size_t len) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_parse_key(pk, data, len, NULL, 0, tls_library_random, NULL);
#else
  return mbedtls_pk_parse_key(pk, data, len, NULL, 0);
#endif
}

/* mbedTLS's writers fill a buffer from its end. */
static int keep_der(struct jose_bytes *kept, const mbedtls_pk_context *pk,
                    int (*write)(const mbedtls_pk_context *, unsigned char *, size_t)) {
  unsigned char *buffer = malloc(DER_MAX);
  if (buffer == NULL) return WSL_NO_MEMORY;
  int len = write(pk, buffer, DER_MAX);
  int error = len > 0 ? bytes_copy(kept, buffer + DER_MAX - (size_t)len, (size_t)len) : WSL_NO_MEMORY;
  mbedtls_platform_zeroize(buffer, DER_MAX);
  free(buffer);
  return error;
}

#if MBEDTLS_VERSION_MAJOR >= 3
#define write_public  mbedtls_pk_write_pubkey_der
#define write_private mbedtls_pk_write_key_der
#else /* 2.28's take what they only read as if they wrote it */
static int write_public(const mbedtls_pk_context *pk, unsigned char *buffer, size_t size) {
  return mbedtls_pk_write_pubkey_der((mbedtls_pk_context *)(uintptr_t)pk, buffer, size);
}

static int write_private(const mbedtls_pk_context *pk, unsigned char *buffer, size_t size) {
  return mbedtls_pk_write_key_der((mbedtls_pk_context *)(uintptr_t)pk, buffer, size);
}
#endif

static int judge_kind(const struct tls_pem *pem, const mbedtls_pk_context *pk, struct jose_key *key) {
  key->bits = mbedtls_pk_get_bitlen(pk);
  if (mbedtls_pk_get_type(pk) == MBEDTLS_PK_RSA) {
    key->kind = JOSE_RSA;
    if (key->bits < JOSE_RSA_BITS_MIN || key->bits > JOSE_RSA_BITS_MAX)
      return tls_pem_refuse(pem, WSL_UNSUPPORTED, "the RSA key has %zu bits; it can have %u to %u", key->bits,
                            JOSE_RSA_BITS_MIN, JOSE_RSA_BITS_MAX);
    return WSL_OK;
  }
  key->kind = JOSE_EC;
  mbedtls_ecp_group_id curve = MBEDTLS_ECP_DP_NONE;
  if (mbedtls_pk_can_do(pk, MBEDTLS_PK_ECDSA)) {
#if MBEDTLS_VERSION_MAJOR >= 3
    curve = mbedtls_ecp_keypair_get_group_id(mbedtls_pk_ec(*pk));
#else
    curve = mbedtls_pk_ec(*pk)->grp.id;
#endif
  }
  if (curve != MBEDTLS_ECP_DP_SECP256R1 && curve != MBEDTLS_ECP_DP_SECP384R1 &&
      curve != MBEDTLS_ECP_DP_SECP521R1)
    return tls_pem_refuse(pem, WSL_UNSUPPORTED, "tokens are signed with RSA, P-256, P-384 or P-521 keys");
  return WSL_OK;
}

static int keep_key(const struct tls_pem *pem, const mbedtls_pk_context *pk, struct jose_key *key,
                    bool has_private) {
  int error = judge_kind(pem, pk, key);
  if (error != WSL_OK) return error;
  error = keep_der(&key->public_der, pk, write_public);
  if (error == WSL_OK && has_private && key->kind == JOSE_RSA)
    error = keep_der(&key->private_der, pk, write_private);
  return error == WSL_OK ? WSL_OK : tls_pem_refuse(pem, error, "no memory for it");
}

static int refuse_parsing(const struct tls_pem *pem, int mbedtls_error) {
  int high = tls_library_error(mbedtls_error);
  if (high == MBEDTLS_ERR_PK_ALLOC_FAILED || high == MBEDTLS_ERR_X509_ALLOC_FAILED)
    return tls_pem_refuse(pem, WSL_NO_MEMORY, "no memory for it");
  if (high == MBEDTLS_ERR_PK_UNKNOWN_PK_ALG || high == MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE)
    return tls_pem_refuse(pem, WSL_UNSUPPORTED,
                          "it is a kind of key that is not supported here (such as Ed25519): use RSA or an "
                          "elliptic curve such as P-256");
  return tls_pem_refuse(pem, WSL_INVALID, "it is damaged or cut off (mbedTLS error -0x%04x)",
                        (unsigned)-mbedtls_error);
}

static int take_key(const struct tls_pem *pem, struct jose_key *key, bool private_key) {
  mbedtls_pk_context pk;
  mbedtls_pk_init(&pk);
  int failed = private_key ? parse_private(&pk, text_of(pem), pem->len + 1)
                           : mbedtls_pk_parse_public_key(&pk, text_of(pem), pem->len + 1);
  int error = failed != 0 ? refuse_parsing(pem, failed) : keep_key(pem, &pk, key, private_key);
  mbedtls_pk_free(&pk);
  return error;
}

static int take_certificate(const struct tls_pem *pem, struct jose_key *key) {
  mbedtls_x509_crt chain;
  mbedtls_x509_crt_init(&chain);
  int failed = mbedtls_x509_crt_parse(&chain, text_of(pem), pem->len + 1);
  int error = failed < 0 || chain.version == 0 ? refuse_parsing(pem, failed < 0 ? failed : -1)
                                               : keep_key(pem, &chain.pk, key, false);
  mbedtls_x509_crt_free(&chain);
  return error;
}

static int make_from_pem(const struct tls_pem *pem, struct jose_key *key) {
  if (memchr(pem->text, '\0', pem->len) != NULL)
    return tls_pem_refuse(pem, WSL_INVALID, "it is damaged: a NUL among its text");
  if (tls_pem_key_encrypted(pem))
    return tls_pem_refuse(pem, WSL_DENIED, "the key is encrypted: write it without password");
  if (tls_pem_has_key(pem)) return take_key(pem, key, true);
  if (tls_pem_count(pem, "PUBLIC KEY") > 0 || tls_pem_count(pem, "RSA PUBLIC KEY") > 0)
    return take_key(pem, key, false);
  if (tls_pem_count(pem, "CERTIFICATE") > 0) return take_certificate(pem, key);
  return tls_pem_refuse_content(pem, "a key that tokens are signed with");
}

/* ---- secrets ---- */

/* Whether the bytes are a key or a certificate in binary: everybody may know a public one. */
static bool is_der(const uint8_t *data, size_t len) {
  mbedtls_pk_context pk;
  mbedtls_x509_crt certificate;
  mbedtls_pk_init(&pk);
  mbedtls_x509_crt_init(&certificate);
  bool is = mbedtls_pk_parse_public_key(&pk, data, len) == 0;
  mbedtls_pk_free(&pk);
  mbedtls_pk_init(&pk);
  is = is || parse_private(&pk, data, len) == 0 || mbedtls_x509_crt_parse_der(&certificate, data, len) == 0;
  mbedtls_pk_free(&pk);
  mbedtls_x509_crt_free(&certificate);
  return is;
}

static bool contains(struct wsl_span text, const char *word) {
  return memmem(text.at, text.len, word, strlen(word)) != NULL;
}

static bool begins(struct wsl_span text, const char *word) {
  return text.len >= strlen(word) && memcmp(text.at, word, strlen(word)) == 0;
}

/* What nobody means as a secret: mostly what everybody may know. */
static const char *form_of(const struct jose_key *key, struct wsl_span text) {
  for (size_t i = 0; i < key->secret_count; i++) {
    if (is_der(key->secrets[i].at, key->secrets[i].len)) return "a key without the lines of a PEM file";
  }
  if (contains(text, "\"kty\"")) return "a key in JSON (a JWK)";
  if (begins(text, "ssh-") || begins(text, "ecdsa-sha2-") || contains(text, " PUBLIC KEY"))
    return "a key in a form of its own";
  if (begins(text, "\xff\xfe") || begins(text, "\xfe\xff")) return "text in UTF-16";
  return NULL;
}

static struct wsl_span without_line_ends(struct wsl_span text) {
  while (text.len > 0 && (text.at[text.len - 1] == '\n' || text.at[text.len - 1] == '\r'))
    text.len--;
  return text;
}

static int add_secret(struct jose_key *key, struct wsl_span bytes) {
  if (bytes.len == 0) return WSL_OK;
  int error = bytes_copy(&key->secrets[key->secret_count], bytes.at, bytes.len);
  if (error == WSL_OK) key->secret_count++;
  return error;
}

/* In the one alphabet, without blanks and padding; returns the length. */
static size_t plain_base64url(struct wsl_span text, char *out) {
  size_t len = 0;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.at[i];
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
      out[len++] = (char)(c == '+' ? '-' : c == '/' ? '_' : c);
  }
  if (len % 4 == 0) {
    for (unsigned padding = 0; padding < 2 && len > 0 && out[len - 1] == '='; padding++)
      len--;
  }
  return len;
}

/* websockify's library takes either alphabet of base64, padded or not, and drops the last bits. */
static int add_decoded(struct jose_key *key, struct wsl_span text) {
  struct jose_bytes copy = {malloc(text.len), text.len};
  struct jose_bytes decoded = {malloc(base64url_room(text.len)), base64url_room(text.len)};
  int error = copy.at == NULL || decoded.at == NULL ? WSL_NO_MEMORY : WSL_OK;
  if (error == WSL_OK) {
    struct wsl_span encoded = {(char *)copy.at, plain_base64url(text, (char *)copy.at)};
    size_t len = 0;
    if (base64url_decode(encoded, BASE64URL_TAIL_ANY, decoded.at, &len) == WSL_OK)
      error = add_secret(key, (struct wsl_span){(const char *)decoded.at, len});
  }
  bytes_wipe(&copy);
  bytes_wipe(&decoded);
  return error;
}

static int make_from_secret(const struct tls_pem *pem, struct jose_key *key) {
  struct wsl_span text = {pem->text, pem->len}, trimmed = without_line_ends(text);
  key->kind = JOSE_SECRET;
  if (trimmed.len == 0) return tls_pem_refuse(pem, WSL_INVALID, "it is empty");
  int error = add_decoded(key, trimmed);
  if (error == WSL_OK) error = add_secret(key, trimmed);
  if (error == WSL_OK && trimmed.len < text.len) error = add_secret(key, text);
  if (error != WSL_OK) return tls_pem_refuse(pem, error, "no memory for it");
  const char *form = form_of(key, trimmed);
  if (form == NULL) return WSL_OK;
  return tls_pem_refuse(pem, WSL_UNSUPPORTED, "it is %s, not a secret: a key must be in PEM form", form);
}

/* ---- either ---- */

int jose_key_make(const struct tls_pem *pem, struct jose_key **result) {
  struct jose_key *key = calloc(1, sizeof *key);
  if (key == NULL) return tls_pem_refuse(pem, WSL_NO_MEMORY, "no memory for it");
  bool is_pem = contains((struct wsl_span){pem->text, pem->len}, "-----BEGIN ");
  int error = is_pem ? make_from_pem(pem, key) : make_from_secret(pem, key);
  if (error != WSL_OK) {
    jose_key_free(key);
    return error;
  }
  *result = key;
  return WSL_OK;
}

void jose_key_free(struct jose_key *key) {
  if (key == NULL) return;
  bytes_wipe(&key->public_der);
  bytes_wipe(&key->private_der);
  for (size_t i = 0; i < COUNT(key->secrets); i++)
    bytes_wipe(&key->secrets[i]);
  free(key);
}
