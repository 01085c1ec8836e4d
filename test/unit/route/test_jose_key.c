/* Key files: what each kind becomes, and what is refused rather than taken for a secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "jose_examples.h"
#include "jose_test_keys.h"
#include "route/jose/key.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(literal)   (literal), sizeof(literal) - 1

static char why[400];

static int make(const char *content, size_t len, struct jose_key **key) {
  char *text = malloc(len + 1); /* of exact size */
  assert_non_null(text);
  memcpy(text, content, len);
  text[len] = '\0';
  struct tls_pem pem = {
      .role = "key", .path = "file", .why = why, .why_cap = sizeof why, .text = text, .len = len};
  why[0] = '\0';
  *key = NULL;
  int error = jose_key_make(&pem, key);
  free(text);
  return error;
}

/* ---- PEM ---- */

struct pem_row {
  const char *name;
  const char *text;
  enum jose_kind kind;
  size_t bits;
  bool decrypts;
};

static const struct pem_row pem_rows[] = {
    {"RSA public", rs256_key, JOSE_RSA, 2048, false},
    {"RSA private", oaep_key, JOSE_RSA, 2048, true},
    {"P-256", es256_key, JOSE_EC, 256, false},
    {"P-521", es512_key, JOSE_EC, 521, false},
    {"P-384", p384_public, JOSE_EC, 384, false},
    {"private P-256", p256_private, JOSE_EC, 256, false},
    {"SEC 1", p256_sec1, JOSE_EC, 256, false},
    {"a certificate", p256_certificate, JOSE_EC, 256, false},
};

static void pem_files_are_keys(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(pem_rows); i++) {
    const struct pem_row *row = &pem_rows[i];
    struct jose_key *key;
    if (make(row->text, strlen(row->text), &key) != 0) fail_msg("%s: %s", row->name, why);
    assert_int_equal(key->kind, row->kind);
    assert_int_equal(key->bits, row->bits);
    assert_int_equal(key->private_der.at != NULL, row->decrypts);
    assert_non_null(key->public_der.at);
    assert_int_equal(key->secret_count, 0);
    jose_key_free(key);
  }
}

/* Private before public before certificate, as websockify's library tries them. */
static void the_most_that_a_file_holds_counts(void **state) {
  (void)state;
  char text[8192];
  struct jose_key *key;
  snprintf(text, sizeof text, "%s%s%s", p256_certificate, p384_public, oaep_key);
  assert_int_equal(make(text, strlen(text), &key), 0);
  assert_non_null(key->private_der.at);
  jose_key_free(key);
  snprintf(text, sizeof text, "some words\n%s%s", p256_certificate, p384_public);
  assert_int_equal(make(text, strlen(text), &key), 0);
  assert_int_equal(key->bits, 384);
  jose_key_free(key);
}

static void a_certificate_gives_its_own_key(void **state) {
  (void)state;
  struct jose_key *public, *certificate;
  assert_int_equal(make(TEXT(p256_public), &public), 0);
  assert_int_equal(make(TEXT(p256_certificate), &certificate), 0);
  assert_int_equal(public->public_der.len, certificate->public_der.len);
  assert_memory_equal(public->public_der.at, certificate->public_der.at, public->public_der.len);
  jose_key_free(public);
  jose_key_free(certificate);
}

struct refused_row {
  const char *name;
  const char *content;
  size_t len;
  const char *says;
};

#define BODY                                                                                       \
  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs3+" \
  "257rn0s2ldbqkLJK2KRiMohYjlrQ=="

static const struct refused_row refused_rows[] = {
    {"Ed25519", TEXT(ed25519_public), "not supported"},
    {"secp256k1", TEXT(k1_public), "RSA, P-256"},
    {"a short RSA key", TEXT(rsa1024_public), "1024 bits"},
    {"encrypted", TEXT(p256_encrypted), "encrypted"},
    {"cut off", TEXT(es256_key) - 40, "damaged"},
    {"empty blocks", TEXT("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"), "damaged"},
    {"a label without more", TEXT("-----BEGIN "), "nothing like"},
    {"a request", TEXT("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"),
     "CSR"},
    {"a NUL in PEM", TEXT("\0-----BEGIN PUBLIC KEY-----\n"), "NUL"},
    {"nothing", TEXT("\n\r\n"), "empty"},
    {"a JWK", TEXT("{\"kty\":\"EC\",\"crv\":\"P-256\"}"), "JWK"},
    {"OpenSSH", TEXT("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB me@here\n"), "form of its own"},
    {"SSH2", TEXT("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n"), "form of its own"},
    {"PEM without its lines", TEXT(BODY), "without the lines"},
    {"the same with line ends",
     TEXT("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\r\n"
          "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\r\n"),
     "without the lines"},
    {"UTF-16", TEXT("\xff\xfe-\0-\0-\0"), "UTF-16"},
};

static void what_is_no_secret_is_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(refused_rows); i++) {
    const struct refused_row *row = &refused_rows[i];
    struct jose_key *key;
    int error = make(row->content, row->len, &key);
    if (error == 0) fail_msg("%s: taken", row->name);
    assert_null(key);
    if (strstr(why, row->says) == NULL) fail_msg("%s: \"%s\"", row->name, why);
  }
}

/* The public key of RFC 7515 A.3 in binary. */
static void der_is_no_secret(void **state) {
  (void)state;
  struct jose_key *key, *other;
  assert_int_equal(make(TEXT(es256_key), &key), 0);
  assert_int_equal(make((const char *)key->public_der.at, key->public_der.len, &other), WSL_UNSUPPORTED);
  assert_null(other);
  jose_key_free(key);
}

/* ---- secrets ---- */

struct secret_row {
  const char *name;
  const char *content;
  size_t len;
  size_t count;
  struct {
    const char *at;
    size_t len;
  } secrets[JOSE_SECRETS_MAX];
};

static const struct secret_row secret_rows[] = {
    {"base64url", TEXT("Zm9vYmFy"), 2, {{TEXT("foobar")}, {TEXT("Zm9vYmFy")}}},
    {"base64url and a line end", TEXT("Zm9vYg\n"), 3, {{TEXT("foob")}, {TEXT("Zm9vYg")}, {TEXT("Zm9vYg\n")}}},
    {"base64 with padding", TEXT("+/+/Zg=="), 2, {{TEXT("\xfb\xff\xbf\x66")}, {TEXT("+/+/Zg==")}}},
    {"last bits", TEXT("Zh"), 2, {{TEXT("f")}, {TEXT("Zh")}}},
    {"words", TEXT("it's a secret"), 1, {{TEXT("it's a secret")}}},
    {"words and CRLF", TEXT("s!\r\n"), 2, {{TEXT("s!")}, {TEXT("s!\r\n")}}},
    {"bytes", TEXT("\x00\x01\xfe\x0a"), 2, {{TEXT("\x00\x01\xfe")}, {TEXT("\x00\x01\xfe\x0a")}}},
    {"one character", TEXT("x"), 1, {{TEXT("x")}}},
};

static void secrets_are_read_in_each_way(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(secret_rows); i++) {
    const struct secret_row *row = &secret_rows[i];
    struct jose_key *key;
    if (make(row->content, row->len, &key) != 0) fail_msg("%s: %s", row->name, why);
    assert_int_equal(key->kind, JOSE_SECRET);
    if (key->secret_count != row->count) fail_msg("%s: %zu ways", row->name, key->secret_count);
    for (size_t k = 0; k < row->count; k++) {
      if (key->secrets[k].len != row->secrets[k].len ||
          memcmp(key->secrets[k].at, row->secrets[k].at, key->secrets[k].len) != 0)
        fail_msg("%s: way %zu has %zu bytes", row->name, k, key->secrets[k].len);
    }
    jose_key_free(key);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pem_files_are_keys),
      cmocka_unit_test(the_most_that_a_file_holds_counts),
      cmocka_unit_test(a_certificate_gives_its_own_key),
      cmocka_unit_test(what_is_no_secret_is_refused),
      cmocka_unit_test(der_is_no_secret),
      cmocka_unit_test(secrets_are_read_in_each_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
