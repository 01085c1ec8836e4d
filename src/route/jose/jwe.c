/* See route/jose/jwe.h. */
#include "route/jose/jwe.h"

#include <mbedtls/aes.h>
#include <mbedtls/constant_time.h>
#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/rsa.h>
#include <stdlib.h>

#include "core/hash.h"
#include "net/tls/library.h"

#define KEY_MAX    64u /* A256CBC-HS512: half for the MAC, half for AES */
#define IV_MAX     16u
#define TAG_MAX    32u
#define BLOCK_SIZE 16u /* of AES, and what PKCS #7 fills up to */
#define RSA_MAX    (JOSE_RSA_BITS_MAX / 8u)

struct encryption {
  const char *name;
  size_t key_len, iv_len, tag_len;
  mbedtls_md_type_t md; /* of the MAC beside CBC; MBEDTLS_MD_NONE: GCM */
};

static const struct encryption encryptions[] = {
    {"A128GCM", 16, 12, 16, MBEDTLS_MD_NONE},         {"A192GCM", 24, 12, 16, MBEDTLS_MD_NONE},
    {"A256GCM", 32, 12, 16, MBEDTLS_MD_NONE},         {"A128CBC-HS256", 32, 16, 16, MBEDTLS_MD_SHA256},
    {"A192CBC-HS384", 48, 16, 24, MBEDTLS_MD_SHA384}, {"A256CBC-HS512", 64, 16, 32, MBEDTLS_MD_SHA512},
};

/* One content: all of it decoded but what is authenticated beside it, the header as it was sent. */
struct content {
  const struct encryption *encryption;
  struct wsl_span header;
  uint8_t iv[IV_MAX + 2]; /* base64url_room() rounds up by up to 2 */
  uint8_t tag[TAG_MAX + 2];
  const uint8_t *ciphertext;
  size_t len;
};

static const struct encryption *encryption_named(const char *name) {
  for (size_t i = 0; i < sizeof encryptions / sizeof encryptions[0]; i++) {
    if (strcmp(encryptions[i].name, name) == 0) return &encryptions[i];
  }
  return NULL;
}

/* ---- the content ---- */

static bool open_gcm(const struct content *content, const uint8_t *key, uint8_t *plain, size_t *len) {
  const struct encryption *encryption = content->encryption;
  mbedtls_gcm_context gcm;
  mbedtls_gcm_init(&gcm);
  int failed = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, (unsigned)encryption->key_len * 8);
  if (failed == 0)
    failed = mbedtls_gcm_auth_decrypt(&gcm, content->len, content->iv, encryption->iv_len,
                                      (const unsigned char *)content->header.at, content->header.len,
                                      content->tag, encryption->tag_len, content->ciphertext, plain);
  mbedtls_gcm_free(&gcm);
  *len = content->len;
  return failed == 0;
}

/* The MAC over header, IV, ciphertext and the header's length in bits (RFC 7518 5.2.2.1). */
static bool mac_fits(const struct content *content, const uint8_t *key) {
  const struct encryption *encryption = content->encryption;
  unsigned char mac[MBEDTLS_MD_MAX_SIZE], bits[8] = {0};
  for (size_t i = 0, n = content->header.len * 8; n > 0; i++, n >>= 8)
    bits[7 - i] = (unsigned char)(n & 0xFF);
  mbedtls_md_context_t md;
  mbedtls_md_init(&md);
  bool made =
      mbedtls_md_setup(&md, mbedtls_md_info_from_type(encryption->md), 1) == 0 &&
      mbedtls_md_hmac_starts(&md, key, encryption->key_len / 2) == 0 &&
      mbedtls_md_hmac_update(&md, (const unsigned char *)content->header.at, content->header.len) == 0 &&
      mbedtls_md_hmac_update(&md, content->iv, encryption->iv_len) == 0 &&
      mbedtls_md_hmac_update(&md, content->ciphertext, content->len) == 0 &&
      mbedtls_md_hmac_update(&md, bits, sizeof bits) == 0 && mbedtls_md_hmac_finish(&md, mac) == 0;
  mbedtls_md_free(&md);
  return made && mbedtls_ct_memcmp(mac, content->tag, encryption->tag_len) == 0;
}

/* PKCS #7's filling (RFC 5652 6.3). Whoever could learn from what is wrong with it did not get past the MAC.
 */
static bool unpad(const uint8_t *plain, size_t padded, size_t *len) {
  uint8_t fill = plain[padded - 1];
  if (fill == 0 || fill > BLOCK_SIZE) return false;
  for (size_t i = padded - fill; i < padded; i++) {
    if (plain[i] != fill) return false;
  }
  *len = padded - fill;
  return true;
}

static bool open_cbc(const struct content *content, const uint8_t *key, uint8_t *plain, size_t *len) {
  size_t half = content->encryption->key_len / 2;
  if (content->len == 0 || content->len % BLOCK_SIZE != 0 || !mac_fits(content, key)) return false;
  uint8_t iv[IV_MAX]; /* is changed */
  memcpy(iv, content->iv, sizeof iv);
  mbedtls_aes_context aes;
  mbedtls_aes_init(&aes);
  bool done =
      mbedtls_aes_setkey_dec(&aes, key + half, (unsigned)half * 8) == 0 &&
      mbedtls_aes_crypt_cbc(&aes, MBEDTLS_AES_DECRYPT, content->len, iv, content->ciphertext, plain) == 0;
  mbedtls_aes_free(&aes);
  return done && unpad(plain, content->len, len);
}

static bool open_content(const struct content *content, const uint8_t *key, uint8_t *plain, size_t *len) {
  return content->encryption->md == MBEDTLS_MD_NONE ? open_gcm(content, key, plain, len)
                                                    : open_cbc(content, key, plain, len);
}

/* ---- the content's key ---- */

static enum jose_verdict open_direct(const struct jose_key *key, const struct content *content,
                                     uint8_t *plain, size_t *len) {
  for (size_t i = 0; i < key->secret_count; i++) {
    const struct jose_bytes *secret = &key->secrets[i];
    if (secret->len != content->encryption->key_len) continue;
    if (open_content(content, secret->at, plain, len)) return JOSE_GOOD;
  }
  return JOSE_FORGED;
}

static int decrypt_oaep(mbedtls_pk_context *pk, mbedtls_md_type_t md, const uint8_t *sealed, uint8_t *out,
                        size_t *len) {
  mbedtls_rsa_context *rsa = mbedtls_pk_rsa(*pk);
#if MBEDTLS_VERSION_MAJOR >= 3
  int failed = mbedtls_rsa_set_padding(rsa, MBEDTLS_RSA_PKCS_V21, md);
  if (failed != 0) return failed;
  return mbedtls_rsa_rsaes_oaep_decrypt(rsa, tls_library_random, NULL, NULL, 0, len, sealed, out, RSA_MAX);
#else
  mbedtls_rsa_set_padding(rsa, MBEDTLS_RSA_PKCS_V21, (int)md);
  return mbedtls_rsa_rsaes_oaep_decrypt(rsa, tls_library_random, NULL, MBEDTLS_RSA_PRIVATE, NULL, 0, len,
                                        sealed, out, RSA_MAX);
#endif
}

static bool unseal_key(const struct jose_key *key, mbedtls_md_type_t md, const uint8_t *sealed, size_t wanted,
                       uint8_t out[KEY_MAX]) {
  uint8_t opened[RSA_MAX];
  size_t len = 0;
  mbedtls_pk_context pk;
  mbedtls_pk_init(&pk);
#if MBEDTLS_VERSION_MAJOR >= 3
  int failed =
      mbedtls_pk_parse_key(&pk, key->private_der.at, key->private_der.len, NULL, 0, tls_library_random, NULL);
#else
  int failed = mbedtls_pk_parse_key(&pk, key->private_der.at, key->private_der.len, NULL, 0);
#endif
  if (failed == 0) failed = decrypt_oaep(&pk, md, sealed, opened, &len);
  mbedtls_pk_free(&pk);
  bool good = failed == 0 && len == wanted;
  if (good) memcpy(out, opened, wanted);
  mbedtls_platform_zeroize(opened, sizeof opened);
  return good;
}

/* A key that can't be decrypted is replaced by a random one, so that neither the answer nor its time tells
 * which of the two steps failed (RFC 7516 11.5): else it could be decrypted by asking often. */
static enum jose_verdict open_rsa(const struct jose_key *key, mbedtls_md_type_t md,
                                  const struct jose_parts *parts, const struct content *content,
                                  uint8_t *plain, size_t *plain_len) {
  struct wsl_span encoded = parts->part[JWE_KEY];
  uint8_t sealed[RSA_MAX + 2], content_key[KEY_MAX];
  size_t len;
  if (base64url_room(encoded.len) > sizeof sealed) return JOSE_FORGED;
  if (base64url_decode(encoded, BASE64URL_TAIL_ZERO, sealed, &len) != 0) return JOSE_MALFORMED;
  if (len != (key->bits + 7) / 8) return JOSE_FORGED;
  if (random_bytes(content_key, sizeof content_key) != 0) return JOSE_NO_MEMORY;
  bool unsealed = unseal_key(key, md, sealed, content->encryption->key_len, content_key);
  bool opened = open_content(content, content_key, plain, plain_len);
  mbedtls_platform_zeroize(content_key, sizeof content_key);
  return opened && unsealed ? JOSE_GOOD : JOSE_FORGED;
}

/* ---- all of it ---- */

static bool decode_exactly(struct wsl_span encoded, uint8_t *out, size_t cap, size_t wanted) {
  size_t len;
  return base64url_room(encoded.len) <= cap &&
         base64url_decode(encoded, BASE64URL_TAIL_ZERO, out, &len) == 0 && len == wanted;
}

/* Decodes the content's parts, the ciphertext to `buffer`. */
static bool take_content(const struct jose_parts *parts, struct content *content, uint8_t *buffer) {
  const struct encryption *encryption = content->encryption;
  content->header = parts->part[JWE_HEADER];
  content->ciphertext = buffer;
  return decode_exactly(parts->part[JWE_IV], content->iv, sizeof content->iv, encryption->iv_len) &&
         decode_exactly(parts->part[JWE_TAG], content->tag, sizeof content->tag, encryption->tag_len) &&
         base64url_decode(parts->part[JWE_CIPHERTEXT], BASE64URL_TAIL_ZERO, buffer, &content->len) == 0;
}

static enum jose_verdict open_with(const struct jose_key *key, const struct jose_header *header,
                                   const struct jose_parts *parts, const struct content *content,
                                   uint8_t *plain, size_t *len) {
  if (key->kind == JOSE_SECRET && strcmp(header->alg, "dir") == 0)
    return parts->part[JWE_KEY].len == 0 ? open_direct(key, content, plain, len) : JOSE_MALFORMED;
  bool decrypts = key->kind == JOSE_RSA && key->private_der.at != NULL;
  if (decrypts && strcmp(header->alg, "RSA-OAEP") == 0)
    return open_rsa(key, MBEDTLS_MD_SHA1, parts, content, plain, len);
  if (decrypts && strcmp(header->alg, "RSA-OAEP-256") == 0)
    return open_rsa(key, MBEDTLS_MD_SHA256, parts, content, plain, len);
  return JOSE_ALGORITHM;
}

enum jose_verdict jwe_open(const struct jose_key *key, const struct jose_header *header,
                           const struct jose_parts *parts, uint8_t *plain, size_t *len) {
  struct content content = {.encryption = encryption_named(header->enc)};
  if (content.encryption == NULL) return JOSE_ALGORITHM;
  uint8_t *ciphertext = malloc(base64url_room(parts->part[JWE_CIPHERTEXT].len));
  if (ciphertext == NULL) return JOSE_NO_MEMORY;
  enum jose_verdict verdict = take_content(parts, &content, ciphertext)
                                  ? open_with(key, header, parts, &content, plain, len)
                                  : JOSE_MALFORMED;
  free(ciphertext);
  return verdict;
}
