/* Contexts from files as people have them: what works, what is refused and in which words. What clients meet
 * who speak to one: test_tls_context_handshakes.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <mbedtls/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"
#include "net/tls/context.h"
#include "net/tls/library.h"
#include "pem_files.h"

#define WHY_CAP 512u

static struct tls_suites all_suites;

static struct tls_server_options options_for(const char *cert, const char *key) {
  tls_suites_default(&all_suites);
  return (struct tls_server_options){
      .cert_path = pem_file(cert), .key_path = pem_file(key), .suites = &all_suites};
}

/* ---- files ---- */

struct file_row {
  const char *name, *cert, *key, *password;
  int error;
  const char *words[3]; /* in the message, or the warning */
};

#define NEW_ONLY  (MBEDTLS_VERSION_MAJOR >= 3 ? WSL_OK : WSL_UNSUPPORTED)
#define CANT_READ (MBEDTLS_VERSION_MAJOR >= 3 ? NULL : "encrypted in a way that mbedTLS 2.28")

static const struct file_row file_rows[] = {
    {"RSA 2048", "rsa.pem", "rsa.key", NULL, WSL_OK, {NULL}},
    {"P-256", "ec.pem", "ec.key", NULL, WSL_OK, {NULL}},
    {"P-384", "p384.pem", "p384.key", NULL, WSL_OK, {NULL}},
    {"chain", "chain.pem", "leaf.key", NULL, WSL_OK, {NULL}},
    {"traditional RSA key", "rsa.pem", "rsa-traditional.key", NULL, WSL_OK, {NULL}},
    {"traditional EC key", "ec.pem", "ec-traditional.key", NULL, WSL_OK, {NULL}},
    {"both in one", "both.pem", NULL, NULL, WSL_OK, {NULL}},
    {"both in one, named twice", "both.pem", "both.pem", NULL, WSL_OK, {NULL}},
    {"key first", "key-first.pem", NULL, NULL, WSL_OK, {NULL}},
    {"key beside the certificate, another named", "both.pem", "ec.key", NULL, WSL_OK, {NULL}},
    {"text around the blocks", "garbage.pem", "ec.key", NULL, WSL_OK, {"certificate 2", "not the issuer"}},
    {"byte order mark", "bom.pem", "ec.key", NULL, WSL_OK, {NULL}},
    {"Windows line ends", "crlf.pem", "crlf.key", NULL, WSL_OK, {NULL}},
    {"Windows line ends, both in one", "crlf-both.pem", NULL, NULL, WSL_OK, {NULL}},
    {"a password that is not needed", "ec.pem", "ec.key", "secret", WSL_OK, {NULL}},

    {"traditional RSA, encrypted", "rsa.pem", "rsa-traditional-aes.key", "secret", WSL_OK, {NULL}},
    {"traditional EC, encrypted", "ec.pem", "ec-traditional-aes.key", "secret", WSL_OK, {NULL}},
    {"encrypted, Windows", "ec.pem", "ec-traditional-aes-crlf.key", "secret", WSL_OK, {NULL}},
    {"PKCS#8, 3DES", "ec.pem", "ec-pkcs8-3des.key", "secret", WSL_OK, {NULL}},
    {"PKCS#8, AES", "rsa.pem", "rsa-pkcs8-aes.key", "secret", NEW_ONLY, {CANT_READ}},
    {"both in one, encrypted", "both-aes.pem", NULL, "secret", WSL_OK, {NULL}},
    {"PKCS#8, scrypt", "ec.pem", "ec-pkcs8-scrypt.key", "secret", WSL_UNSUPPORTED, {"encrypted in a way"}},
    {"no password",
     "rsa.pem",
     "rsa-traditional-aes.key",
     NULL,
     WSL_DENIED,
     {"key \"", "no password was given"}},
    {"no password, PKCS#8", "rsa.pem", "rsa-pkcs8-aes.key", NULL, WSL_DENIED, {"no password was given"}},
    {"no password, both in one", "both-aes.pem", NULL, NULL, WSL_DENIED, {"no password was given"}},
    {"wrong password", "rsa.pem", "rsa-traditional-aes.key", "wrong", WSL_DENIED, {"password is wrong"}},
    {"wrong password, EC", "ec.pem", "ec-traditional-aes.key", "wrong", WSL_DENIED, {"password is wrong"}},
    {"wrong password, 3DES", "ec.pem", "ec-pkcs8-3des.key", "wrong", WSL_DENIED, {"password is wrong"}},
    {"empty password", "ec.pem", "ec-traditional-aes.key", "", WSL_DENIED, {"password is wrong"}},

    {"missing",
     "nothing.pem",
     "ec.key",
     NULL,
     WSL_NOT_FOUND,
     {"certificate \"", "/nothing.pem\": there is no such file"}},
    {"missing key",
     "ec.pem",
     "nothing.key",
     NULL,
     WSL_NOT_FOUND,
     {"key \"", "/nothing.key\": there is no such"}},
    {"directory", "cas", "ec.key", NULL, WSL_INVALID, {"certificate \"", "is a directory"}},
    {"directory as key", "ec.pem", "cas", NULL, WSL_INVALID, {"key \"", "is a directory"}},
    {"beneath a file", "ec.pem/x", "ec.key", NULL, WSL_NOT_FOUND, {"no such file"}},
    {"empty", "empty.pem", "ec.key", NULL, WSL_INVALID, {"certificate \"", "is empty"}},
    {"empty key", "ec.pem", "empty.pem", NULL, WSL_INVALID, {"key \"", "is empty"}},
    {"text", "text.pem", "ec.key", NULL, WSL_INVALID, {"not a PEM file", "-----BEGIN"}},
    {"UTF-16", "utf16.pem", "ec.key", NULL, WSL_INVALID, {"UTF-16"}},
    {"huge", "huge.pem", "ec.key", NULL, WSL_INVALID, {"too large"}},
    {"DER", "ec.der", "ec.key", NULL, WSL_INVALID, {"binary", "convert it with openssl"}},
    {"PKCS#12", "ec.p12", NULL, NULL, WSL_INVALID, {"PKCS#12"}},
    {"PKCS#7", "ec.p7b", "ec.key", NULL, WSL_INVALID, {"PKCS#7", "print_certs"}},
    {"trusted form", "trusted.pem", "ec.key", NULL, WSL_INVALID, {"trusted", "openssl x509"}},
    {"other PEM", "pgp.pem", "ec.key", NULL, WSL_INVALID, {"holds nothing like a certificate"}},
    {"request",
     "request.pem",
     "ec.key",
     NULL,
     WSL_INVALID,
     {"a certificate request (CSR), not a certificate", "authority"}},
    {"public key", "public.pem", "ec.key", NULL, WSL_INVALID, {"holds a public key, not a certificate"}},
    {"key as certificate",
     "ec.key",
     "ec.key",
     NULL,
     WSL_INVALID,
     {"certificate \"", "a private key, not a certificate"}},
    {"certificate as key",
     "ec.pem",
     "ec.pem",
     NULL,
     WSL_INVALID,
     {"key \"", "a certificate, not a private key"}},
    {"request as key",
     "ec.pem",
     "request.pem",
     NULL,
     WSL_INVALID,
     {"key \"", "request (CSR), not a private key"}},
    {"public key as key",
     "ec.pem",
     "public.pem",
     NULL,
     WSL_INVALID,
     {"holds a public key, not a private key"}},
    {"OpenSSH key", "ec.pem", "openssh.key", NULL, WSL_INVALID, {"OpenSSH", "ssh-keygen"}},
    {"only parameters", "ec.pem", "param.key", NULL, WSL_INVALID, {"parameters only"}},
    {"no key at all", "ec.pem", NULL, NULL, WSL_INVALID, {"certificate \"", "contains no private key"}},

    {"another's key",
     "ec.pem",
     "p384.key",
     NULL,
     WSL_INVALID,
     {"key \"", "does not match the certificate in \"", "ec.pem"}},
    {"another kind's key", "ec.pem", "rsa.key", NULL, WSL_INVALID, {"does not match"}},
    {"another key of that curve", "ec.pem", "ec-param.key", NULL, WSL_INVALID, {"does not match"}},
    {"leaf last",
     "leaf-last.pem",
     "leaf.key",
     NULL,
     WSL_INVALID,
     {"not the first", "move that one to the top"}},
    {"Ed25519", "ed25519.pem", "ed25519.key", NULL, WSL_UNSUPPORTED, {"Ed25519", "use RSA"}},
    {"Ed25519 key", "ec.pem", "ed25519.key", NULL, WSL_UNSUPPORTED, {"key \"", "Ed25519", "use RSA"}},
    {"signed by Ed25519", "ed-signed.pem", "ed-signed.key", NULL, WSL_UNSUPPORTED, {"signed by", "Ed25519"}},
    {"cut off", "cut.pem", "ec.key", NULL, WSL_INVALID, {"cut off"}},
    {"second one cut off", "half-cut.pem", "ec.key", NULL, WSL_INVALID, {"only 1 of the 2 certificates"}},
    {"damaged", "damaged.pem", "ec.key", NULL, WSL_INVALID, {"damaged"}},
    {"second one damaged", "half-damaged.pem", "ec.key", NULL, WSL_INVALID, {"only 1 of the 2"}},
    {"key cut off", "ec.pem", "cut.key", NULL, WSL_INVALID, {"key \"", "cut off"}},
    {"key damaged", "rsa.pem", "damaged.key", NULL, WSL_INVALID, {"key \"", "damaged"}},

    {"expired", "expired.pem", "expired.key", NULL, WSL_OK, {"has expired on 2020-02-01"}},
    {"not valid yet", "future.pem", "future.key", NULL, WSL_OK, {"not valid before 2048-01-01"}},
    {"expires soon", "soon.pem", "ec.key", NULL, WSL_OK, {"expires soon"}},
    {"wrong order",
     "disorder.pem",
     "leaf.key",
     NULL,
     WSL_OK,
     {"certificate 2", "is not the issuer of certificate 1"}},
    {"leaf alone", "leaf.pem", "leaf.key", NULL, WSL_OK, {"its issuer \"inter\" is neither", "append"}},
    {"no digitalSignature", "cipher-only.pem", "cipher-only.key", NULL, WSL_OK, {"digitalSignature"}},
    {"clients' use only", "client.pem", "client.key", NULL, WSL_OK, {"serverAuth"}},
};

static bool says(const char *why, const char *const words[3]) {
  for (int i = 0; i < 3 && words[i] != NULL; i++) {
    if (strstr(why, words[i]) == NULL) return false;
  }
  return words[0] != NULL || why[0] == '\0';
}

static void files_are_taken_or_refused_in_words(void **state) {
  (void)state;
  unsigned wrong = 0;
  for (size_t i = 0; i < sizeof file_rows / sizeof file_rows[0]; i++) {
    const struct file_row *row = &file_rows[i];
    struct tls_server_options options = options_for(row->cert, row->key);
    options.password = row->password;
    struct tls_context *context = NULL;
    char why[WHY_CAP] = "unwritten";
    int error = tls_context_new_server(&context, &options, why, sizeof why);
    bool one_line = strchr(why, '\n') == NULL;
    if (error != row->error || !says(why, row->words) || !one_line) {
      print_error("%s: %s, \"%s\"\n", row->name, error_name(error), why);
      wrong++;
    }
    if (error == WSL_OK) tls_context_drop(context);
  }
  assert_int_equal(wrong, 0);
}

/* As root nothing is unreadable: a child that is nobody looks. */
static void an_unreadable_file_is_told_from_a_missing_one(void **state) {
  (void)state;
  pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && setuid(65534) != 0) _exit(1);
    struct tls_server_options options = options_for("ec.pem", "unreadable.key");
    struct tls_context *context;
    char why[WHY_CAP];
    int error = tls_context_new_server(&context, &options, why, sizeof why);
    _exit(error == WSL_DENIED && strstr(why, "no permission to read it") != NULL ? 0 : 2);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_path_with_a_line_end_stays_one_line(void **state) {
  (void)state;
  struct tls_server_options options = options_for("evil\nname.pem", NULL);
  struct tls_context *context;
  char why[WHY_CAP];
  assert_int_equal(tls_context_new_server(&context, &options, why, sizeof why), WSL_NOT_FOUND);
  assert_null(strchr(why, '\n'));
}

/* A shell's <(...): no size, and nothing to seek in. */
static void a_pipe_is_read_like_a_file(void **state) {
  (void)state;
  pem_files_shell("rm -f pipe; mkfifo pipe; cat both.pem > pipe &");
  struct tls_server_options options = options_for("pipe", NULL);
  struct tls_context *context;
  char why[WHY_CAP];
  assert_int_equal(tls_context_new_server(&context, &options, why, sizeof why), WSL_OK);
  tls_context_drop(context);
}

/* Whoever opens it a second time finds it empty. */
static void a_pipe_of_authorities_is_read_once(void **state) {
  (void)state;
  pem_files_shell("rm -f pipe; mkfifo pipe; { cat ca.pem > pipe; sleep 0.2; : > pipe; } &");
  struct tls_client_options options = {.trust = TLS_TRUST_VERIFIED, .ca_path = pem_file("pipe")};
  struct tls_context *context;
  char why[WHY_CAP];
  if (tls_context_new_client(&context, &options, why, sizeof why) != WSL_OK) fail_msg("%s", why);
  if (tls_context_for_1_2(context) != NULL) {
    struct tls_context *held = tls_context_hold(tls_context_for_1_2(context));
    tls_context_drop(context);
    assert_string_equal(tls_context_server_name(held, "a.example"), "a.example");
    context = held; /* a part keeps the whole alive */
  }
  tls_context_drop(context);
  pem_files_shell("cat pipe > /dev/null"); /* lets the other one go */
}

static void a_short_buffer_cuts_the_words_only(void **state) {
  (void)state;
  for (size_t cap = 1; cap < 80; cap++) {
    struct tls_server_options options = options_for("expired.pem", "ec.pem");
    struct tls_context *context;
    char why[80];
    memset(why, 'x', sizeof why);
    assert_int_equal(tls_context_new_server(&context, &options, why, cap), WSL_INVALID);
    assert_true(strlen(why) < cap);
    options = options_for("expired.pem", "ec.key");
    assert_int_equal(tls_context_new_server(&context, &options, why, cap), WSL_OK);
    assert_true(strlen(why) < cap);
    tls_context_drop(context);
  }
}

static void descriptions_name_the_certificate(void **state) {
  (void)state;
  static const struct {
    const char *cert, *key, *description;
  } rows[] = {
      {"expired.pem", "ec.key", "CN=expired, expires 2020-02-01"},
      {"future.pem", "ec.key", "CN=future, expires 2048-02-01"},
      {"nameless.pem", "nameless.key", "DNS=only-san.test, expires 20"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct tls_server_options options = options_for(rows[i].cert, rows[i].key);
    struct tls_context *context;
    char why[WHY_CAP];
    assert_int_equal(tls_context_new_server(&context, &options, why, sizeof why), WSL_OK);
    assert_memory_equal(tls_context_describe(context), rows[i].description, strlen(rows[i].description));
    tls_context_drop(context);
  }
}

/* ---- CA certificates ---- */

static const struct {
  const char *name, *path;
  int error;
  const char *words[3];
} authority_rows[] = {
    {"file", "ca.pem", WSL_OK, {NULL}},
    {"directory with other files too", "cas", WSL_OK, {NULL}},
    {"one of two unreadable", "authorities.pem", WSL_OK, {"CA certificates \"", "1 can't be read and"}},
    {"missing", "nothing", WSL_NOT_FOUND, {"CA certificates \"", "no such file"}},
    {"empty", "empty.pem", WSL_INVALID, {"is empty"}},
    {"key", "ec.key", WSL_INVALID, {"a private key, not CA certificates"}},
    {"request", "request.pem", WSL_INVALID, {"(CSR), not CA certificates"}},
    {"only an unknown kind", "ed25519.pem", WSL_UNSUPPORTED, {"Ed25519"}},
    {"empty directory", "empty-dir", WSL_INVALID, {"no file in this directory"}},
    {"directory without any", "no-cas", WSL_INVALID, {"no file in this directory"}},
};

static void authorities_are_taken_or_refused_in_words(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof authority_rows / sizeof authority_rows[0]; i++) {
    struct tls_client_options options = {.ca_path = pem_file(authority_rows[i].path)};
    struct tls_context *context = NULL;
    char why[WHY_CAP];
    int error = tls_context_new_client(&context, &options, why, sizeof why);
    if (error != authority_rows[i].error || !says(why, authority_rows[i].words))
      fail_msg("%s: %s, \"%s\"", authority_rows[i].name, error_name(error), why);
    if (error == WSL_OK) tls_context_drop(context);
  }
}

static void the_system_s_authorities_can_be_named_by_the_environment(void **state) {
  (void)state;
  assert_int_equal(setenv("SSL_CERT_FILE", pem_file("ca.pem"), 1), 0);
  assert_string_equal(tls_system_ca_path(), pem_file("ca.pem"));
  struct tls_client_options options = {.trust = TLS_TRUST_VERIFIED};
  struct tls_context *context;
  char why[WHY_CAP];
  assert_int_equal(tls_context_new_client(&context, &options, why, sizeof why), WSL_OK);
  tls_context_drop(context);
  assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
}

/* Signed by a root, as some private authorities do, there is no intermediate to be missed. */
static void a_leaf_of_a_ca_that_the_system_knows_may_stand_alone(void **state) {
  (void)state;
  static const struct {
    const char *cas;
    bool warned;
  } rows[] = {{"ca.pem", false}, {"other-ca.pem", true}, {"nothing", true}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_int_equal(setenv("SSL_CERT_FILE", pem_file(rows[i].cas), 1), 0);
    struct tls_server_options options = options_for("nameless.pem", "nameless.key");
    struct tls_context *context;
    char why[WHY_CAP];
    assert_int_equal(tls_context_new_server(&context, &options, why, sizeof why), WSL_OK);
    assert_int_equal(why[0] != '\0', rows[i].warned);
    tls_context_drop(context);
  }
  assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
}

static void names_are_asked_for_and_addresses_are_not(void **state) {
  (void)state;
  static const struct {
    const char *name, *host, *asked;
  } rows[] = {
      {NULL, "db.example", "db.example"}, {"other", "db.example", "other"},
      {NULL, "127.0.0.1", NULL},          {NULL, "::1", NULL},
      {"other", "::1", "other"},          {"10.0.0.1", "db.example", NULL},
      {NULL, NULL, "localhost"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct tls_client_options options = {.ca_path = pem_file("ca.pem"), .name = rows[i].name};
    struct tls_context *context;
    char why[WHY_CAP];
    assert_int_equal(tls_context_new_client(&context, &options, why, sizeof why), WSL_OK);
    const char *asked = tls_context_server_name(context, rows[i].host);
    if (rows[i].asked == NULL) {
      assert_null(asked);
    } else {
      assert_string_equal(asked, rows[i].asked);
    }
    tls_context_drop(context);
  }
}

static struct tls_context *context_with(const struct tls_server_options *options) {
  struct tls_context *context;
  char why[WHY_CAP];
  if (tls_context_new_server(&context, options, why, sizeof why) != WSL_OK) fail_msg("%s", why);
  return context;
}

/* ---- threads ---- */

static void *hold_and_drop(void *context) {
  for (int i = 0; i < 10000; i++)
    tls_context_drop(tls_context_hold(context));
  tls_context_drop(context);
  return NULL;
}

static void references_are_counted_across_threads(void **state) {
  (void)state;
  struct tls_server_options options = options_for("ec.pem", "ec.key");
  struct tls_context *context = context_with(&options);
  pthread_t threads[2];
  for (int i = 0; i < 2; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, hold_and_drop, tls_context_hold(context)), 0);
  tls_context_drop(context);
  for (int i = 0; i < 2; i++)
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  tls_context_drop(NULL);
  tls_tickets_drop(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_are_taken_or_refused_in_words),
      cmocka_unit_test(an_unreadable_file_is_told_from_a_missing_one),
      cmocka_unit_test(a_path_with_a_line_end_stays_one_line),
      cmocka_unit_test(a_pipe_is_read_like_a_file),
      cmocka_unit_test(a_pipe_of_authorities_is_read_once),
      cmocka_unit_test(a_short_buffer_cuts_the_words_only),
      cmocka_unit_test(descriptions_name_the_certificate),
      cmocka_unit_test(authorities_are_taken_or_refused_in_words),
      cmocka_unit_test(the_system_s_authorities_can_be_named_by_the_environment),
      cmocka_unit_test(a_leaf_of_a_ca_that_the_system_knows_may_stand_alone),
      cmocka_unit_test(names_are_asked_for_and_addresses_are_not),
      cmocka_unit_test(references_are_counted_across_threads),
  };
  return cmocka_run_group_tests_name("net/tls_context", tests, pem_files_make, pem_files_remove);
}
