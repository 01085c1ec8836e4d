/* mbedTLS's numbers in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <string.h>

#include "core/error.h"
#include "net/tls/words.h"

static const struct {
  int mbedtls_error, error;
  const char *words; /* a part of them */
} rows[] = {
    {0, WSL_OK, ""},
    {MBEDTLS_ERR_SSL_WANT_READ, WSL_AGAIN, ""},
    {MBEDTLS_ERR_SSL_WANT_WRITE, WSL_AGAIN, ""},
    {MBEDTLS_ERR_SSL_INVALID_RECORD, WSL_TLS_PLAIN, "not TLS"},
    {MBEDTLS_ERR_X509_CERT_VERIFY_FAILED, WSL_TLS_UNTRUSTED, "certificate was not accepted"},
    {MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE, WSL_TLS_UNTRUSTED, "no client certificate"},
    {MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE, WSL_TLS_FAILED, "alert"},
    {MBEDTLS_ERR_SSL_INVALID_MAC, WSL_TLS_FAILED, "damaged"},
    {MBEDTLS_ERR_SSL_ALLOC_FAILED, WSL_NO_MEMORY, "memory"},
    {MBEDTLS_ERR_X509_ALLOC_FAILED, WSL_NO_MEMORY, "memory"},
    {MBEDTLS_ERR_PK_ALLOC_FAILED, WSL_NO_MEMORY, "memory"},
    {MBEDTLS_ERR_SSL_CONN_EOF, WSL_TRUNCATED, "closed"},
    {MBEDTLS_ERR_SSL_TIMEOUT, WSL_TIMED_OUT, "time"},
    /* with a low-level detail added */
    {MBEDTLS_ERR_PK_ALLOC_FAILED - 0x10, WSL_NO_MEMORY, "memory"},
    {MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG - 0x2e, WSL_TLS_FAILED, "signed"},
#if MBEDTLS_VERSION_MAJOR >= 3
    {MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, WSL_TLS_FAILED, "no cipher suite"},
    {MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, WSL_TLS_FAILED, "version"},
    {MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL, WSL_TLS_FAILED, "http/1.1"},
#else
    {MBEDTLS_ERR_SSL_NO_CIPHER_CHOSEN, WSL_TLS_FAILED, "no cipher suite"},
    {MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION, WSL_TLS_FAILED, "version"},
#endif
    {-1, WSL_TLS_FAILED, "could not be processed"},
    {1, WSL_TLS_FAILED, "could not be processed"},
    {INT_MIN, WSL_TLS_FAILED, "could not be processed"},
    {INT_MAX, WSL_TLS_FAILED, "could not be processed"},
};

static void errors_have_words_and_one_of_our_numbers(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int error = tls_error_of(rows[i].mbedtls_error);
    const char *words = tls_error_words(rows[i].mbedtls_error);
    if (error != rows[i].error || strstr(words, rows[i].words) == NULL)
      fail_msg("%d: %s, \"%s\"", rows[i].mbedtls_error, error_name(error), words);
  }
}

/* They stand inside a log line: no line end, no full stop, nothing empty. */
static void words_fit_into_a_line(void **state) {
  (void)state;
  for (int error = -0x8000; error <= 0; error++) {
    const char *words = tls_error_words(error);
    assert_non_null(words);
    assert_true(words[0] != '\0' && words[strlen(words) - 1] != '.');
    assert_null(strpbrk(words, "\n\r\""));
  }
}

static void alerts_have_the_rfc_s_names(void **state) {
  (void)state;
  assert_string_equal(tls_alert_name(0), "close_notify");
  assert_string_equal(tls_alert_name(40), "handshake_failure");
  assert_string_equal(tls_alert_name(45), "certificate_expired");
  assert_string_equal(tls_alert_name(48), "unknown_ca");
  assert_string_equal(tls_alert_name(116), "certificate_required");
  assert_string_equal(tls_alert_name(120), "no_application_protocol");
  assert_string_equal(tls_alert_name(1), "unknown alert");
  assert_string_equal(tls_alert_name(255), "unknown alert");
}

static void flags_become_a_list(void **state) {
  (void)state;
  char out[128];
  assert_string_equal(tls_verify_words(0, out, sizeof out), "");
  assert_string_equal(tls_verify_words(MBEDTLS_X509_BADCERT_EXPIRED, out, sizeof out), "expired");
  assert_string_equal(
      tls_verify_words(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_NOT_TRUSTED, out, sizeof out),
      "expired, not signed by a trusted CA");
  assert_string_equal(tls_verify_words(MBEDTLS_X509_BADCERT_CN_MISMATCH, out, sizeof out),
                      "issued for another name");
  assert_string_equal(
      tls_verify_words(MBEDTLS_X509_BADCRL_BAD_MD | MBEDTLS_X509_BADCRL_BAD_PK, out, sizeof out),
      "its CA's revocation list can't be used");
  assert_string_equal(tls_verify_words(UINT32_C(1) << 30, out, sizeof out), "refused");
}

static void a_short_buffer_cuts_the_list(void **state) {
  (void)state;
  for (size_t cap = 1; cap < 64; cap++) {
    char out[64];
    memset(out, 'x', sizeof out);
    assert_ptr_equal(tls_verify_words(UINT32_MAX, out, cap), out);
    assert_true(strlen(out) < cap);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(errors_have_words_and_one_of_our_numbers),
      cmocka_unit_test(words_fit_into_a_line),
      cmocka_unit_test(alerts_have_the_rfc_s_names),
      cmocka_unit_test(flags_become_a_list),
      cmocka_unit_test(a_short_buffer_cuts_the_list),
  };
  return cmocka_run_group_tests_name("net/tls_words", tests, NULL, NULL);
}
