/* TLS transports in words (net/tls/tls.h): why one failed, what an open one is made of; and the alerts that
 * we owe a peer where mbedTLS sends none.
 */
#include <stdio.h>
#include <string.h>

#include <mbedtls/x509.h>

#include "net/tls/certificate.h"
#include "net/tls/inner.h"
#include "net/tls/inside.h"
#include "net/tls/library.h"
#include "net/tls/words.h"

#define VERIFY_WORDS_MAX 128u

/* Header, type and tag in TLS 1.3 (RFC 8446 5.2), without padding. */
#define OVERHEAD_TLS_1_3 22u

/* Header, nonce and tag in TLS 1.2 with GCM; ChaCha20 has less. */
#define OVERHEAD_TLS_1_2 29u

static bool is_tls_1_3(const struct tls *tls) {
  const char *version = mbedtls_ssl_get_version(&tls->ssl);
  return version != NULL && strcmp(version, "TLSv1.3") == 0;
}

void tls_note_opened(struct tls *tls) {
  tls->record_overhead = is_tls_1_3(tls) ? OVERHEAD_TLS_1_3 : OVERHEAD_TLS_1_2;
}

/* ---- alerts of ours ---- */

/* Negative: none. Answering an alert or an end with an alert is no use, and what was no TLS can't read it. */
static int alert_for(const struct tls *tls, int mbedtls_error) {
  switch (mbedtls_error) {
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
    case MBEDTLS_ERR_SSL_CONN_EOF:
      return -1;
    case MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE:
      return MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE;
    case MBEDTLS_ERR_SSL_INVALID_MAC:
      return MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC;
    case MBEDTLS_ERR_SSL_INVALID_RECORD:
      return MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR;
    case MBEDTLS_ERR_SSL_BAD_INPUT_DATA: /* a record longer than mbedTLS has room for */
      return MBEDTLS_SSL_ALERT_MSG_RECORD_OVERFLOW;
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
      return MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR;
    default:
      return tls->state == TLS_HANDSHAKING ? MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE
                                           : MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR;
  }
}

/* An unprotected alert that ends the handshake is what it failed for, whatever mbedTLS took it for: a
 * protected record, or (2.28) a ClientHello. */
static bool was_plain_alert(const struct tls *tls) {
  return tls->state == TLS_HANDSHAKING && tls->plain_alert_seen;
}

void tls_say_alert(struct tls *tls, int mbedtls_error) {
  int alert = alert_for(tls, mbedtls_error);
  if (alert < 0 || was_plain_alert(tls)) return;
  /* Where it can't be sealed any more the peer sees an end without one. */
  (void)mbedtls_ssl_send_alert_message(&tls->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, (unsigned char)alert);
}

/* ---- why it failed ---- */

void tls_explain_as(struct tls *tls, const char *words) {
  (void)snprintf(tls->failure, sizeof tls->failure, "%s %s", tls->peer, words);
}

static int explain_certificate(struct tls *tls) {
  char words[VERIFY_WORDS_MAX];
  tls_verify_words(mbedtls_ssl_get_verify_result(&tls->ssl), words, sizeof words);
  (void)snprintf(tls->failure, sizeof tls->failure, "%s's certificate is not accepted: %s", tls->peer, words);
  return WSL_TLS_UNTRUSTED;
}

static int explain_alert(struct tls *tls, uint8_t alert) {
  (void)snprintf(tls->failure, sizeof tls->failure, "%s sent the alert %s", tls->peer, tls_alert_name(alert));
  return WSL_TLS_FAILED;
}

/* The first record did look like TLS, so WSL_TLS_PLAIN can't be meant here any more. */
static int explain_record(struct tls *tls) {
  tls_explain_as(tls, "sent a malformed record");
  return WSL_TLS_FAILED;
}

/* mbedTLS says so, too, of a certificate that is not made for this use; only the flags tell. */
#if MBEDTLS_VERSION_MAJOR >= 3
#define CERTIFICATE_UNUSABLE MBEDTLS_ERR_SSL_BAD_CERTIFICATE
#else
#define CERTIFICATE_UNUSABLE MBEDTLS_ERR_SSL_BAD_HS_CERTIFICATE
#endif

static bool certificate_was_judged(const struct tls *tls) {
  uint32_t flags = mbedtls_ssl_get_verify_result(&tls->ssl);
  return flags != 0 && flags != UINT32_MAX;
}

int tls_explain(struct tls *tls, int mbedtls_error) {
  if (was_plain_alert(tls)) return explain_alert(tls, tls->plain_alert);
  if (mbedtls_error == CERTIFICATE_UNUSABLE && certificate_was_judged(tls)) return explain_certificate(tls);
  switch (mbedtls_error) {
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
      return explain_alert(tls, tls_inside_alert(&tls->ssl));
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
      return explain_certificate(tls);
    case MBEDTLS_ERR_SSL_INVALID_RECORD:
    case MBEDTLS_ERR_SSL_BAD_INPUT_DATA: /* as in alert_for(): a record of more bytes than there may be */
      return explain_record(tls);
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
      tls_explain_as(tls, "ended the handshake");
      return WSL_TLS_FAILED;
    default:
      (void)snprintf(tls->failure, sizeof tls->failure, "%s", tls_error_words(mbedtls_error));
      return tls_error_of(mbedtls_error);
  }
}

bool tls_wants_version_1_2(const struct transport *transport) {
#if TLS_LIBRARY_HAS_1_3
  const struct tls *tls = tls_of(transport);
  return tls->state == TLS_FAILED && tls_inside_state(&tls->ssl) == MBEDTLS_SSL_SERVER_KEY_EXCHANGE &&
         mbedtls_ssl_get_version_number(&tls->ssl) == MBEDTLS_SSL_VERSION_TLS1_2 &&
         tls_library_error(tls->step_result) == MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER;
#else
  (void)transport;
  return false;
#endif
}

const char *tls_failure(const struct transport *transport) {
  return tls_of(transport)->failure;
}

/* ---- what it is ---- */

enum tls_state tls_state(const struct transport *transport) {
  return tls_of(transport)->state;
}

bool tls_resumed(const struct transport *transport) {
  const struct tls *tls = tls_of(transport);
  return tls->state == TLS_OPEN && !tls->full;
}

/* mbedTLS's "TLS1-3-AES-128-GCM-SHA256" or "TLS-ECDHE-..." under the RFCs' name. */
static void suite_name(const char *mbedtls_name, char *out, size_t cap) {
  const char *prefix = "TLS1-3-";
  bool is_1_3 = strncmp(mbedtls_name, prefix, strlen(prefix)) == 0;
  const char *rest = is_1_3 ? mbedtls_name + strlen(prefix) : mbedtls_name;
  (void)snprintf(out, cap, "%s%s", is_1_3 ? "TLS_" : "", rest);
  for (char *at = out; *at != '\0'; at++) {
    if (*at == '-') *at = '_';
  }
}

const char *tls_describe(const struct transport *transport, char out[TLS_DESCRIPTION_MAX]) {
  const struct tls *tls = tls_of(transport);
  out[0] = '\0';
  if (tls->state == TLS_HANDSHAKING) return out;
  const char *version = mbedtls_ssl_get_version(&tls->ssl);
  const char *suite = mbedtls_ssl_get_ciphersuite(&tls->ssl);
  if (version == NULL || suite == NULL) return out;
  char name[TLS_DESCRIPTION_MAX];
  suite_name(suite, name, sizeof name);
  (void)snprintf(out, TLS_DESCRIPTION_MAX, "%s %.64s%s", version, name,
                 tls_resumed(transport) ? " resumed" : "");
  return out;
}

/* None of it while a step runs, which can't be: a handshake that is over has no steps. */
static const mbedtls_x509_crt *verified_peer(const struct tls *tls) {
  if (tls->state != TLS_OPEN || mbedtls_ssl_get_verify_result(&tls->ssl) != 0) return NULL;
  return mbedtls_ssl_get_peer_cert(&tls->ssl);
}

size_t tls_peer_name(const struct transport *transport, char out[TLS_PEER_NAME_MAX]) {
  const mbedtls_x509_crt *leaf = verified_peer(tls_of(transport));
  return leaf == NULL ? 0 : tls_certificate_common_name(leaf, out, TLS_PEER_NAME_MAX);
}

const char *tls_peer_doubts(const struct transport *transport, char *out, size_t cap) {
  const struct tls *tls = tls_of(transport);
  if (verified_peer(tls) != NULL) return strcpy(out, "it has no common name in plain text");
  if (mbedtls_ssl_get_peer_cert(&tls->ssl) == NULL) return strcpy(out, "none was shown");
  return tls_verify_words(mbedtls_ssl_get_verify_result(&tls->ssl), out, cap);
}

int tls_check_address(const struct transport *transport, const char *host) {
  const struct tls *tls = tls_of(transport);
  return tls_context_check_address(tls->context, mbedtls_ssl_get_peer_cert(&tls->ssl), host);
}
