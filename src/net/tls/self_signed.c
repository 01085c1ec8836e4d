/* See net/tls/self_signed.h. */
#include "net/tls/self_signed.h"

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"
#include "core/hash.h"

#define SERIAL_SIZE  16u
#define DAY_S        86400
#define NAME_MAX_LEN 60u /* of the machine, so that DER lengths stay in one byte */
#define NAMES_MAX    128u

/* DER tags of a subjectAltName's entries (RFC 5280 4.2.1.6), and of what holds them. */
enum { DER_SEQUENCE = 0x30, DER_DNS_NAME = 0x82, DER_IP_ADDRESS = 0x87 };

static int draw(void *unused, unsigned char *out, size_t len) {
  (void)unused;
  return random_bytes(out, len) == WSL_OK ? 0 : MBEDTLS_ERR_ECP_RANDOM_FAILED;
}

static size_t add_entry(uint8_t *at, uint8_t tag, const void *value, size_t len) {
  at[0] = tag;
  at[1] = (uint8_t)len;
  memcpy(at + 2, value, len);
  return 2 + len;
}

/* Browsers look at nothing but the alternative names. */
static size_t alternative_names(uint8_t der[NAMES_MAX]) {
  static const uint8_t ipv4[4] = {127, 0, 0, 1}, ipv6[16] = {[15] = 1};
  char host[NAME_MAX_LEN + 1] = "";
  size_t len = add_entry(der + 2, DER_DNS_NAME, "localhost", strlen("localhost"));
  len += add_entry(der + 2 + len, DER_IP_ADDRESS, ipv4, sizeof ipv4);
  len += add_entry(der + 2 + len, DER_IP_ADDRESS, ipv6, sizeof ipv6);
  if (gethostname(host, sizeof host) == 0 && host[NAME_MAX_LEN] == '\0' && host[0] != '\0')
    len += add_entry(der + 2 + len, DER_DNS_NAME, host, strlen(host));
  der[0] = DER_SEQUENCE;
  der[1] = (uint8_t)len;
  return 2 + len;
}

static int set_serial(mbedtls_x509write_cert *certificate) {
  uint8_t serial[SERIAL_SIZE];
  if (random_bytes(serial, sizeof serial) != WSL_OK) return WSL_IO;
  serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive and of full length (RFC 5280 4.1.2.2) */
#if MBEDTLS_VERSION_NUMBER >= 0x03040000
  return mbedtls_x509write_crt_set_serial_raw(certificate, serial, sizeof serial);
#else
  mbedtls_mpi number;
  mbedtls_mpi_init(&number);
  int error = mbedtls_mpi_read_binary(&number, serial, sizeof serial);
  if (error == 0) error = mbedtls_x509write_crt_set_serial(certificate, &number);
  mbedtls_mpi_free(&number);
  return error;
#endif
}

/* From yesterday on: clocks differ. */
static int set_validity(mbedtls_x509write_cert *certificate) {
  char from[15], to[15]; /* YYYYMMDDhhmmss */
  time_t now = time(NULL), begin = now - DAY_S, end = now + (time_t)SELF_SIGNED_DAYS * DAY_S;
  struct tm calendar;
  strftime(from, sizeof from, "%Y%m%d%H%M%S", gmtime_r(&begin, &calendar));
  strftime(to, sizeof to, "%Y%m%d%H%M%S", gmtime_r(&end, &calendar));
  return mbedtls_x509write_crt_set_validity(certificate, from, to);
}

static int fill_in(mbedtls_x509write_cert *certificate, mbedtls_pk_context *key) {
  uint8_t names[NAMES_MAX];
  size_t names_len = alternative_names(names);
  mbedtls_x509write_crt_set_version(certificate, MBEDTLS_X509_CRT_VERSION_3);
  mbedtls_x509write_crt_set_md_alg(certificate, MBEDTLS_MD_SHA256);
  mbedtls_x509write_crt_set_subject_key(certificate, key);
  mbedtls_x509write_crt_set_issuer_key(certificate, key);
  int error = mbedtls_x509write_crt_set_subject_name(certificate, "CN=localhost,O=wsluice demo");
  if (error == 0) error = mbedtls_x509write_crt_set_issuer_name(certificate, "CN=localhost,O=wsluice demo");
  if (error == 0) error = set_serial(certificate);
  if (error == 0) error = set_validity(certificate);
  if (error == 0)
    error = mbedtls_x509write_crt_set_extension(certificate, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                                MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0, names,
                                                names_len);
  return error;
}

static int write_pem(mbedtls_pk_context *key, struct self_signed *pair) {
  mbedtls_x509write_cert certificate;
  mbedtls_x509write_crt_init(&certificate);
  int error = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
  if (error == 0) error = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), draw, NULL);
  if (error == 0) error = fill_in(&certificate, key);
  if (error == 0)
    error = mbedtls_x509write_crt_pem(&certificate, pair->cert_pem, sizeof pair->cert_pem, draw, NULL);
  if (error == 0) error = mbedtls_pk_write_key_pem(key, pair->key_pem, sizeof pair->key_pem);
  mbedtls_x509write_crt_free(&certificate);
  return error == 0 ? WSL_OK : WSL_IO;
}

int self_signed_make(struct self_signed *pair) {
  mbedtls_pk_context key;
  mbedtls_pk_init(&key);
  int error = write_pem(&key, pair);
  mbedtls_pk_free(&key);
  return error;
}

void self_signed_wipe(struct self_signed *pair) {
  mbedtls_platform_zeroize(pair, sizeof *pair);
}
