/* mbedTLS's numbers in words (words.h): errors, alerts, and what is wrong with a certificate.
 */
#include "net/tls/words.h"

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "core/error.h"
#include "core/text.h"
#include "net/tls/library.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- errors ---- */

struct error_entry {
  int mbedtls_error; /* high-level */
  enum wsl_error error;
  const char *words;
};

static const struct error_entry entries[] = {
    {MBEDTLS_ERR_SSL_INVALID_RECORD, WSL_TLS_PLAIN, "not TLS: what came is no TLS record"},
    {MBEDTLS_ERR_SSL_INVALID_MAC, WSL_TLS_FAILED, "a record was damaged on its way"},
    {MBEDTLS_ERR_SSL_CONN_EOF, WSL_TRUNCATED, "the connection was closed in the middle of TLS"},
    {MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE, WSL_TLS_UNTRUSTED, "no client certificate was shown"},
    {MBEDTLS_ERR_X509_CERT_VERIFY_FAILED, WSL_TLS_UNTRUSTED, "the certificate was not accepted"},
    {MBEDTLS_ERR_SSL_CA_CHAIN_REQUIRED, WSL_TLS_UNTRUSTED, "there are no CA certificates to check with"},
    {MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE, WSL_TLS_FAILED, "the peer sent an alert"},
    {MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, WSL_TLS_FAILED, "an unexpected message"},
    {MBEDTLS_ERR_SSL_UNEXPECTED_RECORD, WSL_TLS_FAILED, "an unexpected record"},
    {MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, WSL_TRUNCATED, "the peer ended TLS before the handshake was over"},
    {MBEDTLS_ERR_SSL_PK_TYPE_MISMATCH, WSL_TLS_FAILED, "the certificate's key does not fit the cipher suite"},
    {MBEDTLS_ERR_SSL_PRIVATE_KEY_REQUIRED, WSL_TLS_FAILED, "none of our certificates suits the peer"},
    {MBEDTLS_ERR_SSL_COUNTER_WRAPPING, WSL_TLS_FAILED, "too many records with one key"},
    {MBEDTLS_ERR_SSL_TIMEOUT, WSL_TIMED_OUT, "no answer in time"},
    {MBEDTLS_ERR_SSL_ALLOC_FAILED, WSL_NO_MEMORY, "out of memory"},
    {MBEDTLS_ERR_X509_ALLOC_FAILED, WSL_NO_MEMORY, "out of memory"},
    {MBEDTLS_ERR_PK_ALLOC_FAILED, WSL_NO_MEMORY, "out of memory"},
    {MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL, WSL_TLS_FAILED, "a handshake message is too large"},
    {MBEDTLS_ERR_SSL_INTERNAL_ERROR, WSL_TLS_FAILED, "an internal error of mbedTLS"},
    {MBEDTLS_ERR_SSL_BAD_INPUT_DATA, WSL_TLS_FAILED, "an internal error: mbedTLS was called wrongly"},
    {MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG, WSL_TLS_FAILED,
     "the certificate is signed in a way that is not known"},
    {MBEDTLS_ERR_X509_UNKNOWN_OID, WSL_TLS_FAILED, "the certificate uses an unknown extension or algorithm"},
    {MBEDTLS_ERR_PK_UNKNOWN_PK_ALG, WSL_TLS_FAILED, "the certificate's kind of key is not supported"},
    {MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE, WSL_TLS_FAILED, "the certificate's curve is not supported"},
#if MBEDTLS_VERSION_MAJOR >= 3
    {MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, WSL_TLS_FAILED, "no TLS version in common"},
    {MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, WSL_TLS_FAILED, "no cipher suite, curve or signature in common"},
    {MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL, WSL_TLS_FAILED,
     "no application protocol in common (http/1.1 is spoken here)"},
    {MBEDTLS_ERR_SSL_BAD_CERTIFICATE, WSL_TLS_FAILED, "the certificate can't be used"},
    {MBEDTLS_ERR_SSL_DECODE_ERROR, WSL_TLS_FAILED, "a message that is malformed"},
    {MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, WSL_TLS_FAILED, "a message with illegal values"},
    {MBEDTLS_ERR_SSL_UNSUPPORTED_EXTENSION, WSL_TLS_FAILED, "an extension that was not asked for"},
    {MBEDTLS_ERR_SSL_UNRECOGNIZED_NAME, WSL_TLS_FAILED, "the peer does not know that server name"},
#else
    {MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION, WSL_TLS_FAILED, "no TLS version in common"},
    {MBEDTLS_ERR_SSL_NO_CIPHER_CHOSEN, WSL_TLS_FAILED, "no cipher suite in common"},
    {MBEDTLS_ERR_SSL_NO_USABLE_CIPHERSUITE, WSL_TLS_FAILED, "no cipher suite in common that can be used"},
    {MBEDTLS_ERR_SSL_BAD_HS_CLIENT_HELLO, WSL_TLS_FAILED,
     "a first message that is malformed, or has nothing in common with us"},
    {MBEDTLS_ERR_SSL_BAD_HS_SERVER_HELLO, WSL_TLS_FAILED, "an answer that is malformed or not acceptable"},
    {MBEDTLS_ERR_SSL_BAD_HS_CERTIFICATE, WSL_TLS_FAILED, "the certificate can't be used"},
    {MBEDTLS_ERR_SSL_BAD_HS_CERTIFICATE_VERIFY, WSL_TLS_FAILED,
     "the proof of the certificate's key is wrong"},
    {MBEDTLS_ERR_SSL_BAD_HS_FINISHED, WSL_TLS_FAILED, "the handshake was tampered with or cut"},
    {MBEDTLS_ERR_SSL_PEER_VERIFY_FAILED, WSL_TLS_UNTRUSTED, "the certificate was not accepted"},
#endif
};

static const struct error_entry *entry_of(int mbedtls_error) {
  int high = tls_library_error(mbedtls_error);
  for (size_t i = 0; i < COUNT(entries); i++) {
    if (entries[i].mbedtls_error == high) return &entries[i];
  }
  return NULL;
}

const char *tls_error_words(int mbedtls_error) {
  const struct error_entry *entry = entry_of(mbedtls_error);
  return entry != NULL ? entry->words : "the handshake or a record could not be processed";
}

int tls_error_of(int mbedtls_error) {
  if (mbedtls_error == 0) return WSL_OK;
  if (mbedtls_error == MBEDTLS_ERR_SSL_WANT_READ || mbedtls_error == MBEDTLS_ERR_SSL_WANT_WRITE)
    return WSL_AGAIN;
  const struct error_entry *entry = entry_of(mbedtls_error);
  return entry != NULL ? entry->error : WSL_TLS_FAILED;
}

/* ---- alerts ---- */

/* RFC 8446 6 and the registry (IANA "TLS Alerts"); those of old versions still come from old peers. */
static const struct {
  uint8_t description;
  const char *name;
} alerts[] = {
    {0, "close_notify"},
    {10, "unexpected_message"},
    {20, "bad_record_mac"},
    {21, "decryption_failed"},
    {22, "record_overflow"},
    {30, "decompression_failure"},
    {40, "handshake_failure"},
    {41, "no_certificate"},
    {42, "bad_certificate"},
    {43, "unsupported_certificate"},
    {44, "certificate_revoked"},
    {45, "certificate_expired"},
    {46, "certificate_unknown"},
    {47, "illegal_parameter"},
    {48, "unknown_ca"},
    {49, "access_denied"},
    {50, "decode_error"},
    {51, "decrypt_error"},
    {52, "too_many_cids_requested"},
    {60, "export_restriction"},
    {70, "protocol_version"},
    {71, "insufficient_security"},
    {80, "internal_error"},
    {86, "inappropriate_fallback"},
    {90, "user_canceled"},
    {100, "no_renegotiation"},
    {109, "missing_extension"},
    {110, "unsupported_extension"},
    {111, "certificate_unobtainable"},
    {112, "unrecognized_name"},
    {113, "bad_certificate_status_response"},
    {114, "bad_certificate_hash_value"},
    {115, "unknown_psk_identity"},
    {116, "certificate_required"},
    {117, "general_error"},
    {120, "no_application_protocol"},
    {121, "ech_required"},
};

const char *tls_alert_name(uint8_t description) {
  for (size_t i = 0; i < COUNT(alerts); i++) {
    if (alerts[i].description == description) return alerts[i].name;
  }
  return "unknown alert";
}

/* ---- certificates ---- */

static const struct {
  uint32_t flag;
  const char *words;
} verify_words[] = {
    {MBEDTLS_X509_BADCERT_MISSING, "none was shown"},
    {MBEDTLS_X509_BADCERT_EXPIRED, "expired"},
    {MBEDTLS_X509_BADCERT_FUTURE, "not valid yet"},
    {MBEDTLS_X509_BADCERT_REVOKED, "revoked"},
    {MBEDTLS_X509_BADCERT_CN_MISMATCH, "issued for another name"},
    {MBEDTLS_X509_BADCERT_NOT_TRUSTED, "not signed by a trusted CA"},
    {MBEDTLS_X509_BADCERT_KEY_USAGE, "not made for this use (key usage)"},
    {MBEDTLS_X509_BADCERT_EXT_KEY_USAGE, "not made for this use (extended key usage)"},
    {MBEDTLS_X509_BADCERT_NS_CERT_TYPE, "not made for this use (Netscape type)"},
    {MBEDTLS_X509_BADCERT_BAD_MD, "signed with a hash that is too weak"},
    {MBEDTLS_X509_BADCERT_BAD_PK, "signed with a kind of key that is not allowed"},
    {MBEDTLS_X509_BADCERT_BAD_KEY, "its key is too weak"},
    {MBEDTLS_X509_BADCERT_SKIP_VERIFY, "not checked"},
    {MBEDTLS_X509_BADCERT_OTHER, "refused"},
    {MBEDTLS_X509_BADCRL_NOT_TRUSTED | MBEDTLS_X509_BADCRL_EXPIRED | MBEDTLS_X509_BADCRL_FUTURE |
         MBEDTLS_X509_BADCRL_BAD_MD | MBEDTLS_X509_BADCRL_BAD_PK | MBEDTLS_X509_BADCRL_BAD_KEY,
     "its CA's revocation list can't be used"},
};

const char *tls_verify_words(uint32_t flags, char *out, size_t cap) {
  struct text text;
  text_init(&text, out, cap);
  for (size_t i = 0; i < COUNT(verify_words); i++) {
    if ((flags & verify_words[i].flag) == 0) continue;
    if (text.len > 0) text_string(&text, ", ");
    text_string(&text, verify_words[i].words);
  }
  /* mbedTLS gives all ones when it could not even look. */
  if (flags != 0 && text.len == 0) text_string(&text, "refused");
  return out;
}
