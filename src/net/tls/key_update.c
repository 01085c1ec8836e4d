/* KeyUpdate (net/tls/key_update.h): which messages are one, the next keys, and giving them to mbedTLS.
 *
 * mbedTLS 3.6 has all the parts, but declares them in headers that it does not install. We declare the few
 * functions ourselves and know no layout: mbedTLS derives the keys into memory that only it looks into, and
 * fills them into its own transform, in place. That transform stays mbedTLS's to free, nothing of ours is
 * pointed to, and hundreds of updates take no more memory than none. (Transforms of our own would have to
 * guess their size; re-keying the ciphers within needs their place.) A transform holds both directions'
 * keys: the direction that does not move gets the keys it had, and its record numbers, kept elsewhere, go on.
 *
 * Only 3.6 was looked into: the build checks version and symbols (cmake/TlsKeyUpdate.cmake), and the version
 * is looked at again when running, since a shared library may be exchanged.
 */
#include "net/tls/key_update.h"

#include <mbedtls/platform_util.h>
#include <mbedtls/version.h>
#include <string.h>

#include "net/tls/library.h"

#if TLS_LIBRARY_HAS_1_3
#include <psa/crypto.h>

/* RFC 8446 4 and 4.6.3: a header of type and 24 bits of length, and a body of one byte. */
#define HANDSHAKE_HEADER_SIZE 4u
#define KEY_UPDATE_SIZE       (HANDSHAKE_HEADER_SIZE + 1u)
#define KEY_UPDATE_TYPE       24u
#define UPDATE_NOT_REQUESTED  0u
#define UPDATE_REQUESTED      1u

/* Fields of the context, under the name that keeps others away from them. */
#define INSIDE(field) MBEDTLS_PRIVATE(field)

/* The message at which mbedtls_ssl_read() gave up still lies in the context: in_hslen bytes of in_msglen
 * that its last record brought, header included. 0: the error came from something else. */
static bool at_key_update(mbedtls_ssl_context *ssl) {
  return mbedtls_ssl_is_handshake_over(ssl) != 0 &&
         mbedtls_ssl_get_version_number(ssl) == MBEDTLS_SSL_VERSION_TLS1_3 &&
         ssl->INSIDE(in_msgtype) == MBEDTLS_SSL_MSG_HANDSHAKE &&
         ssl->INSIDE(in_hslen) >= HANDSHAKE_HEADER_SIZE && ssl->INSIDE(in_msg)[0] == KEY_UPDATE_TYPE;
}
#endif

#if TLS_LIBRARY_HAS_1_3 && defined(WSLUICE_HAVE_TLS_KEY_UPDATE) && defined(MBEDTLS_VERSION_C)

/* mbedTLS 3.6, library/ssl_tls13_keys.h and library/ssl_misc.h. */
struct mbedtls_ssl_key_set;
int mbedtls_ssl_tls13_hkdf_expand_label(psa_algorithm_t hash, const unsigned char *secret, size_t secret_len,
                                        const unsigned char *label, size_t label_len,
                                        const unsigned char *context, size_t context_len, unsigned char *out,
                                        size_t out_len);
int mbedtls_ssl_tls13_make_traffic_keys(psa_algorithm_t hash, const unsigned char *client_secret,
                                        const unsigned char *server_secret, size_t secret_len, size_t key_len,
                                        size_t iv_len, struct mbedtls_ssl_key_set *keys);
int mbedtls_ssl_tls13_populate_transform(mbedtls_ssl_transform *transform, int endpoint, int suite,
                                         const struct mbedtls_ssl_key_set *keys, mbedtls_ssl_context *ssl);
void mbedtls_ssl_transform_free(mbedtls_ssl_transform *transform);
void mbedtls_ssl_set_inbound_transform(mbedtls_ssl_context *ssl, mbedtls_ssl_transform *transform);
void mbedtls_ssl_set_outbound_transform(mbedtls_ssl_context *ssl, mbedtls_ssl_transform *transform);
int mbedtls_ssl_write_record(mbedtls_ssl_context *ssl, int force_flush);

/* Two keys of 32 bytes, two nonces of 16 and two sizes: 112 bytes in all of 3.6. */
struct key_memory {
  _Alignas(16) uint8_t bytes[512];
};

static struct mbedtls_ssl_key_set *key_set(struct key_memory *memory) {
  return (struct mbedtls_ssl_key_set *)(void *)memory->bytes;
}

/* What a suite takes to derive keys from (RFC 8446 B.4). */
struct suite {
  int id;
  psa_algorithm_t hash;
  uint8_t key_len;
};

/* RFC 8446 5.3: of all of them. */
#define NONCE_SIZE 12u

static const struct suite suites[] = {
    {MBEDTLS_TLS1_3_AES_128_GCM_SHA256, PSA_ALG_SHA_256, 16},
    {MBEDTLS_TLS1_3_AES_256_GCM_SHA384, PSA_ALG_SHA_384, 32},
    {MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256, PSA_ALG_SHA_256, 32},
    {MBEDTLS_TLS1_3_AES_128_CCM_SHA256, PSA_ALG_SHA_256, 16},
    {MBEDTLS_TLS1_3_AES_128_CCM_8_SHA256, PSA_ALG_SHA_256, 16},
};

static const struct suite *suite_of(const mbedtls_ssl_context *ssl) {
  int id = mbedtls_ssl_get_ciphersuite_id_from_ssl(ssl);
  for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
    if (suites[i].id == id) return &suites[i];
  return NULL;
}

static int endpoint_of(const mbedtls_ssl_context *ssl) {
  return mbedtls_ssl_conf_get_endpoint(mbedtls_ssl_context_get_config(ssl));
}

bool tls_key_update_supported(void) {
  unsigned version = mbedtls_version_get_number();
  return version >= 0x03060000 && version < 0x03070000;
}

/* Whether everything is as all of this supposes. */
static bool possible(const struct tls_key_update *update, const mbedtls_ssl_context *ssl) {
  const mbedtls_ssl_transform *transform = ssl->INSIDE(transform_application);
  const struct suite *suite = suite_of(ssl);
  return tls_key_update_supported() && suite != NULL && update->secret_len == PSA_HASH_LENGTH(suite->hash) &&
         transform != NULL && ssl->INSIDE(transform_in) == transform &&
         ssl->INSIDE(transform_out) == transform;
}

/* ---- the keys ---- */

/* Which keys move on. */
enum direction { RECEIVING = 1, SENDING = 2 };

/* application_traffic_secret_N becomes N+1 (RFC 8446 7.2). 0 or mbedTLS's error. */
static int advance(uint8_t *secret, size_t len, psa_algorithm_t hash) {
  static const unsigned char label[] = {'t', 'r', 'a', 'f', 'f', 'i', 'c', ' ', 'u', 'p', 'd'};
  uint8_t next[TLS_SECRET_MAX];
  int error = mbedtls_ssl_tls13_hkdf_expand_label(hash, secret, len, label, sizeof label, NULL, 0, next, len);
  if (error == 0) memcpy(secret, next, len);
  mbedtls_platform_zeroize(next, sizeof next);
  return error;
}

/* The next secrets of the directions that move, and the keys of both. */
static int derive(struct tls_key_update *update, const mbedtls_ssl_context *ssl, unsigned directions,
                  struct key_memory *keys) {
  const struct suite *suite = suite_of(ssl);
  bool server = endpoint_of(ssl) == MBEDTLS_SSL_IS_SERVER;
  uint8_t *ours = server ? update->server_secret : update->client_secret;
  uint8_t *theirs = server ? update->client_secret : update->server_secret;
  int error = 0;
  if ((directions & RECEIVING) != 0) error = advance(theirs, update->secret_len, suite->hash);
  if (error == 0 && (directions & SENDING) != 0) error = advance(ours, update->secret_len, suite->hash);
  if (error != 0) return error;
  return mbedtls_ssl_tls13_make_traffic_keys(suite->hash, update->client_secret, update->server_secret,
                                             update->secret_len, suite->key_len, NONCE_SIZE, key_set(keys));
}

/* mbedTLS takes a transform without keys for a cipher that changes nothing, and by chance only (no MAC's key
 * either) does it not let plaintext through. Where one could not be filled, nothing may pass the context in
 * either direction ever again. */
static void cut_off(mbedtls_ssl_context *ssl) {
  mbedtls_ssl_set_bio(ssl, NULL, NULL, NULL, NULL);
}

static int install(mbedtls_ssl_context *ssl, unsigned directions, struct key_memory *keys) {
  mbedtls_ssl_transform *transform = ssl->INSIDE(transform_application);
  mbedtls_ssl_transform_free(transform); /* wipes it too: as good as new */
  int error = mbedtls_ssl_tls13_populate_transform(transform, endpoint_of(ssl), suite_of(ssl)->id,
                                                   key_set(keys), ssl);
  if (error != 0) {
    cut_off(ssl);
    return error;
  }
  /* Records are numbered from 0 again under a new key. */
  if ((directions & RECEIVING) != 0) mbedtls_ssl_set_inbound_transform(ssl, transform);
  if ((directions & SENDING) != 0) mbedtls_ssl_set_outbound_transform(ssl, transform);
  return 0;
}

/* Under the old key, which it is the last record of (RFC 8446 4.6.3). We never ask for the peer's keys. */
static int write_key_update(mbedtls_ssl_context *ssl) {
  static const unsigned char message[KEY_UPDATE_SIZE] = {KEY_UPDATE_TYPE, 0, 0, 1, UPDATE_NOT_REQUESTED};
  if (ssl->INSIDE(out_left) != 0) return MBEDTLS_ERR_SSL_WANT_WRITE; /* the callback is to take all at once */
  ssl->INSIDE(out_msgtype) = MBEDTLS_SSL_MSG_HANDSHAKE;
  ssl->INSIDE(out_msglen) = sizeof message;
  memcpy(ssl->INSIDE(out_msg), message, sizeof message);
  return mbedtls_ssl_write_record(ssl, 1);
}

/* What may fail without harm comes first; the message about the sending key goes out when the next one is
 * known. 0 or mbedTLS's error: the connection is over. */
static int renew(struct tls_key_update *update, mbedtls_ssl_context *ssl, unsigned directions) {
  struct key_memory keys;
  int error = derive(update, ssl, directions, &keys);
  if (error == 0 && (directions & SENDING) != 0) error = write_key_update(ssl);
  if (error == 0) error = install(ssl, directions, &keys);
  if ((directions & SENDING) != 0) update->records_sent = 0;
  mbedtls_platform_zeroize(&keys, sizeof keys);
  return error;
}

/* ---- the connection's ---- */

/* mbedTLS calls this in the midst of the handshake, as soon as it knows the secrets: what a peer sends right
 * behind its Finished may be a KeyUpdate already. */
static void on_secret(void *arg, mbedtls_ssl_key_export_type type, const unsigned char *secret, size_t len,
                      const unsigned char client_random[32], const unsigned char server_random[32],
                      mbedtls_tls_prf_types prf) {
  (void)client_random;
  (void)server_random;
  (void)prf;
  struct tls_key_update *update = arg;
  if (len > TLS_SECRET_MAX) return;
  if (type == MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_APPLICATION_TRAFFIC_SECRET) {
    memcpy(update->client_secret, secret, len);
  } else if (type == MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_APPLICATION_TRAFFIC_SECRET) {
    memcpy(update->server_secret, secret, len);
    update->secret_len = (uint8_t)len;
  }
}

void tls_key_update_watch(struct tls_key_update *update, mbedtls_ssl_context *ssl) {
  mbedtls_ssl_set_export_keys_cb(ssl, on_secret, update);
}

static enum tls_key_update_result fail(mbedtls_ssl_context *ssl, unsigned char alert) {
  (void)mbedtls_ssl_send_alert_message(ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, alert);
  return TLS_KEY_UPDATE_FAILED;
}

enum tls_key_update_result tls_key_update_handle(struct tls_key_update *update, mbedtls_ssl_context *ssl) {
  if (!at_key_update(ssl)) return TLS_KEY_UPDATE_NONE;
  if (!possible(update, ssl)) return TLS_KEY_UPDATE_UNSUPPORTED;
  if (ssl->INSIDE(in_hslen) != KEY_UPDATE_SIZE) return fail(ssl, MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR);
  uint8_t request = ssl->INSIDE(in_msg)[HANDSHAKE_HEADER_SIZE];
  if (request > UPDATE_REQUESTED) return fail(ssl, MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER);
  /* RFC 8446 5.1: a change of keys comes at a record's end, or what follows would be under either key. */
  if (ssl->INSIDE(in_msglen) != KEY_UPDATE_SIZE) return fail(ssl, MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
  unsigned directions = request == UPDATE_REQUESTED ? RECEIVING | SENDING : RECEIVING;
  if (renew(update, ssl, directions) != 0) return fail(ssl, MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR);
  return TLS_KEY_UPDATE_DONE;
}

int tls_key_update_sent(struct tls_key_update *update, mbedtls_ssl_context *ssl, unsigned records) {
  update->records_sent += records;
  if (update->records_sent < TLS_RECORDS_A_KEY || !possible(update, ssl)) return 0;
  return renew(update, ssl, SENDING);
}

void tls_key_update_free(struct tls_key_update *update, mbedtls_ssl_context *ssl) {
  mbedtls_ssl_set_export_keys_cb(ssl, NULL, NULL);
  mbedtls_platform_zeroize(update, sizeof *update);
}

#else

bool tls_key_update_supported(void) {
  return false;
}

void tls_key_update_watch(struct tls_key_update *update, mbedtls_ssl_context *ssl) {
  (void)update;
  (void)ssl;
}

enum tls_key_update_result tls_key_update_handle(struct tls_key_update *update, mbedtls_ssl_context *ssl) {
  (void)update;
#if TLS_LIBRARY_HAS_1_3
  if (at_key_update(ssl)) return TLS_KEY_UPDATE_UNSUPPORTED;
#else
  (void)ssl;
#endif
  return TLS_KEY_UPDATE_NONE;
}

int tls_key_update_sent(struct tls_key_update *update, mbedtls_ssl_context *ssl, unsigned records) {
  (void)ssl;
  update->records_sent += records;
  return 0;
}

void tls_key_update_free(struct tls_key_update *update, mbedtls_ssl_context *ssl) {
  (void)ssl;
  mbedtls_platform_zeroize(update, sizeof *update);
}

#endif
