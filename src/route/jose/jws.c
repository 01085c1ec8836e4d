/* See route/jose/jws.h. */
#include "route/jose/jws.h"

#include <mbedtls/asn1write.h>
#include <mbedtls/bignum.h>
#include <mbedtls/constant_time.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <stdlib.h>

/* An RSA signature is as long as the modulus. */
#define SIGNATURE_MAX (JOSE_RSA_BITS_MAX / 8u)

/* Two numbers of P-521 (66 bytes each, and a 0 in front), their tags and lengths, and those of the
 * sequence: 141 bytes. */
#define ECDSA_DER_MAX 160u

struct algorithm {
  const char *name;
  enum jose_kind kind;
  size_t curve_bits; /* JOSE_EC only */
  mbedtls_md_type_t md;
  mbedtls_pk_type_t padding; /* JOSE_RSA only */
};

static const struct algorithm algorithms[] = {
    {"HS256", JOSE_SECRET, 0, MBEDTLS_MD_SHA256, MBEDTLS_PK_NONE},
    {"HS384", JOSE_SECRET, 0, MBEDTLS_MD_SHA384, MBEDTLS_PK_NONE},
    {"HS512", JOSE_SECRET, 0, MBEDTLS_MD_SHA512, MBEDTLS_PK_NONE},
    {"RS256", JOSE_RSA, 0, MBEDTLS_MD_SHA256, MBEDTLS_PK_RSA},
    {"RS384", JOSE_RSA, 0, MBEDTLS_MD_SHA384, MBEDTLS_PK_RSA},
    {"RS512", JOSE_RSA, 0, MBEDTLS_MD_SHA512, MBEDTLS_PK_RSA},
    {"PS256", JOSE_RSA, 0, MBEDTLS_MD_SHA256, MBEDTLS_PK_RSASSA_PSS},
    {"PS384", JOSE_RSA, 0, MBEDTLS_MD_SHA384, MBEDTLS_PK_RSASSA_PSS},
    {"PS512", JOSE_RSA, 0, MBEDTLS_MD_SHA512, MBEDTLS_PK_RSASSA_PSS},
    {"ES256", JOSE_EC, 256, MBEDTLS_MD_SHA256, MBEDTLS_PK_ECDSA},
    {"ES384", JOSE_EC, 384, MBEDTLS_MD_SHA384, MBEDTLS_PK_ECDSA},
    {"ES512", JOSE_EC, 521, MBEDTLS_MD_SHA512, MBEDTLS_PK_ECDSA},
};

static const struct algorithm *algorithm_for(const struct jose_key *key, const char *name) {
  for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
    const struct algorithm *at = &algorithms[i];
    bool fits = at->kind == key->kind && (at->kind != JOSE_EC || at->curve_bits == key->bits);
    if (fits && strcmp(at->name, name) == 0) return at;
  }
  return NULL;
}

/* ---- with a secret ---- */

static enum jose_verdict verify_mac(const struct jose_key *key, const struct algorithm *algorithm,
                                    struct wsl_span text, const uint8_t *mac, size_t len) {
  const mbedtls_md_info_t *md = mbedtls_md_info_from_type(algorithm->md);
  unsigned char wanted[MBEDTLS_MD_MAX_SIZE];
  if (md == NULL || len != mbedtls_md_get_size(md)) return JOSE_FORGED;
  bool good = false;
  for (size_t i = 0; i < key->secret_count; i++) {
    const struct jose_bytes *secret = &key->secrets[i];
    if (mbedtls_md_hmac(md, secret->at, secret->len, (const unsigned char *)text.at, text.len, wanted) != 0)
      return JOSE_NO_MEMORY;
    good |= mbedtls_ct_memcmp(wanted, mac, len) == 0;
  }
  return good ? JOSE_GOOD : JOSE_FORGED;
}

/* ---- with a public key ---- */

static int hash(mbedtls_md_type_t type, struct wsl_span text, unsigned char out[MBEDTLS_MD_MAX_SIZE],
                size_t *len) {
  const mbedtls_md_info_t *md = mbedtls_md_info_from_type(type);
  if (md == NULL) return MBEDTLS_ERR_MD_BAD_INPUT_DATA;
  *len = mbedtls_md_get_size(md);
  return mbedtls_md(md, (const unsigned char *)text.at, text.len, out);
}

static int write_number(unsigned char **at, unsigned char *start, const uint8_t *bytes, size_t len) {
  mbedtls_mpi number;
  mbedtls_mpi_init(&number);
  int written = mbedtls_mpi_read_binary(&number, bytes, len);
  if (written == 0) written = mbedtls_asn1_write_mpi(at, start, &number);
  mbedtls_mpi_free(&number);
  return written;
}

/* A JOSE signature is the numbers r and s beside each other (RFC 7518 3.4); mbedTLS takes them as X.509 has
 * them. Both may be 0 here: mbedTLS refuses what is not within 1 to the curve's order - 1. Written backwards
 * from *at on, to `start` at the furthest; moves *at to the beginning. Returns the length, or a negative
 * error. */
static int ecdsa_to_der(const uint8_t *signature, size_t len, unsigned char *start, unsigned char **at) {
  int s = write_number(at, start, signature + len / 2, len / 2);
  int r = s < 0 ? s : write_number(at, start, signature, len / 2);
  int head = r < 0 ? r : mbedtls_asn1_write_len(at, start, (size_t)r + (size_t)s);
  int tag =
      head < 0 ? head : mbedtls_asn1_write_tag(at, start, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
  return tag < 0 ? tag : s + r + head + tag;
}

static int verify_ecdsa(mbedtls_pk_context *pk, mbedtls_md_type_t md, const unsigned char *digest,
                        size_t digest_len, const uint8_t *signature, size_t len) {
  unsigned char der[ECDSA_DER_MAX];
  unsigned char *at = der + sizeof(der);
  int der_len = ecdsa_to_der(signature, len, der, &at);
  if (der_len < 0) return der_len;
  return mbedtls_pk_verify(pk, md, digest, digest_len, at, (size_t)der_len);
}

/* The salt is as long as the hash (RFC 7518 3.5). */
static int verify_pss(mbedtls_pk_context *pk, mbedtls_md_type_t md, const unsigned char *digest,
                      size_t digest_len, const uint8_t *signature, size_t len) {
  mbedtls_pk_rsassa_pss_options options = {.mgf1_hash_id = md, .expected_salt_len = (int)digest_len};
  return mbedtls_pk_verify_ext(MBEDTLS_PK_RSASSA_PSS, &options, pk, md, digest, digest_len, signature, len);
}

static size_t signature_len(const struct jose_key *key) {
  size_t number = (key->bits + 7) / 8;
  return key->kind == JOSE_EC ? 2 * number : number;
}

static enum jose_verdict verify_public(const struct jose_key *key, const struct algorithm *algorithm,
                                       struct wsl_span text, const uint8_t *signature, size_t len) {
  unsigned char digest[MBEDTLS_MD_MAX_SIZE];
  size_t digest_len;
  if (len != signature_len(key)) return JOSE_FORGED;
  if (hash(algorithm->md, text, digest, &digest_len) != 0) return JOSE_NO_MEMORY;
  mbedtls_pk_context pk;
  mbedtls_pk_init(&pk);
  int failed = mbedtls_pk_parse_public_key(&pk, key->public_der.at, key->public_der.len);
  enum jose_verdict verdict = failed != 0 ? JOSE_NO_MEMORY : JOSE_FORGED; /* it was parsed before */
  if (failed == 0 && algorithm->padding == MBEDTLS_PK_ECDSA) {
    failed = verify_ecdsa(&pk, algorithm->md, digest, digest_len, signature, len);
  } else if (failed == 0 && algorithm->padding == MBEDTLS_PK_RSASSA_PSS) {
    failed = verify_pss(&pk, algorithm->md, digest, digest_len, signature, len);
  } else if (failed == 0) {
    failed = mbedtls_pk_verify(&pk, algorithm->md, digest, digest_len, signature, len);
  }
  mbedtls_pk_free(&pk);
  return failed == 0 ? JOSE_GOOD : verdict;
}

enum jose_verdict jws_verify(const struct jose_key *key, const struct jose_header *header,
                             const struct jose_parts *parts) {
  const struct algorithm *algorithm = algorithm_for(key, header->alg);
  if (algorithm == NULL) return JOSE_ALGORITHM;
  struct wsl_span first = parts->part[JWS_HEADER], payload = parts->part[JWS_PAYLOAD];
  struct wsl_span encoded = parts->part[JWS_SIGNATURE];
  struct wsl_span text = {first.at, (size_t)(payload.at + payload.len - first.at)}; /* with their dot */
  uint8_t signature[SIGNATURE_MAX + 2];
  size_t len;
  if (base64url_room(encoded.len) > sizeof signature) return JOSE_FORGED;
  if (base64url_decode(encoded, BASE64URL_TAIL_ZERO, signature, &len) != 0) return JOSE_MALFORMED;
  return key->kind == JOSE_SECRET ? verify_mac(key, algorithm, text, signature, len)
                                  : verify_public(key, algorithm, text, signature, len);
}
