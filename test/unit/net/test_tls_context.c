/* Contexts from files as people have them: what works, what is refused and in which words, and what a
 * client meets who speaks to one: versions, ALPN, key shares, tickets, certificates of its own.
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
#include "net/tls_context.h"
#include "net/tls_library.h"
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
    {"wrong password", "rsa.pem", "rsa-traditional-aes.key", "wrong", WSL_DENIED, {"does not fit"}},
    {"wrong password, EC", "ec.pem", "ec-traditional-aes.key", "wrong", WSL_DENIED, {"does not fit"}},
    {"wrong password, 3DES", "ec.pem", "ec-pkcs8-3des.key", "wrong", WSL_DENIED, {"password does not fit"}},
    {"empty password", "ec.pem", "ec-traditional-aes.key", "", WSL_DENIED, {"password does not fit"}},

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
    {"text", "text.pem", "ec.key", NULL, WSL_INVALID, {"no PEM file", "-----BEGIN"}},
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
    {"no key at all", "ec.pem", NULL, NULL, WSL_INVALID, {"certificate \"", "holds no private key"}},

    {"another's key",
     "ec.pem",
     "p384.key",
     NULL,
     WSL_INVALID,
     {"key \"", "does not fit the certificate in \"", "ec.pem"}},
    {"another kind's key", "ec.pem", "rsa.key", NULL, WSL_INVALID, {"does not fit"}},
    {"another key of that curve", "ec.pem", "ec-param.key", NULL, WSL_INVALID, {"does not fit"}},
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

/* ---- handshakes, in memory ---- */

struct queue {
  uint8_t data[65536];
  size_t at, len;
};

static struct queue to_server, to_client;

static int queue_send(void *arg, const unsigned char *data, size_t len) {
  struct queue *queue = arg;
  assert_true(queue->len + len <= sizeof queue->data);
  memcpy(queue->data + queue->len, data, len);
  queue->len += len;
  return (int)len;
}

static int queue_recv(void *arg, unsigned char *buf, size_t len) {
  struct queue *queue = arg;
  size_t left = queue->len - queue->at;
  if (left == 0) return MBEDTLS_ERR_SSL_WANT_READ;
  if (len > left) len = left;
  memcpy(buf, queue->data + queue->at, len);
  queue->at += len;
  return (int)len;
}

static int client_send(void *arg, const unsigned char *data, size_t len) {
  (void)arg;
  return queue_send(&to_server, data, len);
}
static int client_recv(void *arg, unsigned char *buf, size_t len) {
  (void)arg;
  return queue_recv(&to_client, buf, len);
}
static int server_send(void *arg, const unsigned char *data, size_t len) {
  (void)arg;
  return queue_send(&to_client, data, len);
}
static int server_recv(void *arg, unsigned char *buf, size_t len) {
  (void)arg;
  return queue_recv(&to_server, buf, len);
}

enum version { ONLY_1_2, ONLY_1_3 };

/* A client as a test wishes it; the results behind. */
struct client {
  enum version version;
  const char **alpn;
  const char *sni;
  const char *cert; /* of its own: files' name without .pem and .key */
  int only_group;   /* 3.x: an IANA number, or 0 */
  int only_suite;
  mbedtls_ssl_session *session; /* in and out, or NULL */

  int server_result, client_result;
  bool full; /* a certificate was sent */
  char suite[64], protocol[16];
};

static void set_version(mbedtls_ssl_config *config, enum version version) {
#if MBEDTLS_VERSION_MAJOR >= 3
  mbedtls_ssl_protocol_version wanted =
      version == ONLY_1_3 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2;
  mbedtls_ssl_conf_min_tls_version(config, wanted);
  mbedtls_ssl_conf_max_tls_version(config, wanted);
#else
  (void)version;
  (void)config;
#endif
}

#if MBEDTLS_VERSION_MAJOR >= 3
#define STATE(ssl) ((ssl)->MBEDTLS_PRIVATE(state))
#else
#define STATE(ssl) ((ssl)->state)
#endif

/* One side as far as it can. */
static bool step(mbedtls_ssl_context *ssl, int *result, bool *full) {
  bool moved = false;
  while (STATE(ssl) != MBEDTLS_SSL_HANDSHAKE_OVER && (*result == 0 || *result == MBEDTLS_ERR_SSL_WANT_READ)) {
    if (STATE(ssl) == MBEDTLS_SSL_SERVER_CERTIFICATE && full != NULL) *full = true;
    int before = STATE(ssl);
    *result = mbedtls_ssl_handshake_step(ssl);
    if (*result == MBEDTLS_ERR_SSL_WANT_READ && STATE(ssl) == before) break;
    moved = true;
  }
  return moved;
}

/* 3.x reports a ticket at one of the next reads. */
#define READS_PLENTY 8

static void read_tickets(mbedtls_ssl_context *ssl, mbedtls_ssl_session *session) {
#if MBEDTLS_VERSION_MAJOR >= 3
  unsigned char buf[16];
  for (int i = 0; i < READS_PLENTY; i++) {
    if (mbedtls_ssl_read(ssl, buf, sizeof buf) != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) continue;
    mbedtls_ssl_session_free(session);
    mbedtls_ssl_session_init(session);
    assert_int_equal(mbedtls_ssl_get_session(ssl, session), 0);
  }
#else
  (void)ssl;
  (void)session;
#endif
}

static void configure(mbedtls_ssl_config *config, const struct client *client, mbedtls_x509_crt *cert,
                      mbedtls_pk_context *key) {
  assert_int_equal(mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                               MBEDTLS_SSL_PRESET_DEFAULT),
                   0);
  mbedtls_ssl_conf_rng(config, tls_library_random, NULL);
  mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_NONE);
  set_version(config, client->version);
  if (client->alpn != NULL) assert_int_equal(mbedtls_ssl_conf_alpn_protocols(config, client->alpn), 0);
#if MBEDTLS_VERSION_MAJOR >= 3
  static uint16_t groups[3];
  groups[0] = (uint16_t)client->only_group;
  groups[1] = MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1; /* a second one that it names, but sends no share of */
  if (client->only_group != 0) mbedtls_ssl_conf_groups(config, groups);
  mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(config, 1);
#endif
  static int suites[2];
  suites[0] = client->only_suite;
  if (client->only_suite != 0) mbedtls_ssl_conf_ciphersuites(config, suites);
  if (client->cert == NULL) return;
  char name[64];
  (void)snprintf(name, sizeof name, "%s.pem", client->cert);
  assert_int_equal(mbedtls_x509_crt_parse_file(cert, pem_file(name)), 0);
  (void)snprintf(name, sizeof name, "%s.key", client->cert);
#if MBEDTLS_VERSION_MAJOR >= 3
  assert_int_equal(mbedtls_pk_parse_keyfile(key, pem_file(name), NULL, tls_library_random, NULL), 0);
#else
  assert_int_equal(mbedtls_pk_parse_keyfile(key, pem_file(name), NULL), 0);
#endif
  assert_int_equal(mbedtls_ssl_conf_own_cert(config, cert, key), 0);
}

static void note(struct client *client, const mbedtls_ssl_context *ssl) {
  const char *suite = mbedtls_ssl_get_ciphersuite(ssl), *protocol = mbedtls_ssl_get_alpn_protocol(ssl);
  (void)snprintf(client->suite, sizeof client->suite, "%s", suite != NULL ? suite : "");
  (void)snprintf(client->protocol, sizeof client->protocol, "%s", protocol != NULL ? protocol : "");
}

/* A connection of the client to the context's server. True when both are content. */
static bool meet(struct tls_context *context, struct client *client) {
  mbedtls_ssl_config config;
  mbedtls_ssl_context server, peer;
  mbedtls_x509_crt cert;
  mbedtls_pk_context key;
  memset(&to_server, 0, sizeof to_server);
  memset(&to_client, 0, sizeof to_client);
  mbedtls_ssl_config_init(&config);
  mbedtls_ssl_init(&server);
  mbedtls_ssl_init(&peer);
  mbedtls_x509_crt_init(&cert);
  mbedtls_pk_init(&key);
  configure(&config, client, &cert, &key);
  assert_int_equal(mbedtls_ssl_setup(&server, tls_context_config(context)), 0);
  assert_int_equal(mbedtls_ssl_setup(&peer, &config), 0);
  assert_int_equal(mbedtls_ssl_set_hostname(&peer, client->sni), 0);
  mbedtls_ssl_set_bio(&server, NULL, server_send, server_recv, NULL);
  mbedtls_ssl_set_bio(&peer, NULL, client_send, client_recv, NULL);
  bool resuming = client->session != NULL && client->full; /* a session was noted before */
  if (resuming) assert_int_equal(mbedtls_ssl_set_session(&peer, client->session), 0);
  client->full = false;
  client->server_result = client->client_result = 0;
  bool moved = true;
  while (moved) {
    moved = step(&peer, &client->client_result, NULL);
    moved = step(&server, &client->server_result, &client->full) || moved;
  }
  bool open = client->server_result == 0 && client->client_result == 0;
  if (open) note(client, &peer);
  if (open && client->session != NULL) {
    if (client->version == ONLY_1_3) {
      read_tickets(&peer, client->session);
    } else if (!resuming) {
      mbedtls_ssl_session_init(client->session);
      assert_int_equal(mbedtls_ssl_get_session(&peer, client->session), 0);
    }
  }
  mbedtls_ssl_free(&server);
  mbedtls_ssl_free(&peer);
  mbedtls_ssl_config_free(&config);
  mbedtls_x509_crt_free(&cert);
  mbedtls_pk_free(&key);
  return open;
}

static struct tls_context *context_with(const struct tls_server_options *options) {
  struct tls_context *context;
  char why[WHY_CAP];
  if (tls_context_new_server(&context, options, why, sizeof why) != WSL_OK) fail_msg("%s", why);
  return context;
}

#define FIRST_VERSION ONLY_1_2
#define LAST_VERSION  (TLS_LIBRARY_HAS_1_3 ? ONLY_1_3 : ONLY_1_2)
#define EACH_VERSION(version)           \
  enum version version = FIRST_VERSION; \
  version <= LAST_VERSION;              \
  version++

static void application_protocol_is_http_1_1_or_none(void **state) {
  (void)state;
  const char *both[] = {"h2", "http/1.1", NULL}, *h2[] = {"h2", NULL};
  struct tls_server_options options = options_for("rsa.pem", "rsa.key");
  struct tls_context *context = context_with(&options);
  for (EACH_VERSION(version)) {
    struct client none = {.version = version};
    assert_true(meet(context, &none));
    assert_string_equal(none.protocol, "");
    struct client offers_both = {.version = version, .alpn = both};
    assert_true(meet(context, &offers_both));
    assert_string_equal(offers_both.protocol, "http/1.1");
    struct client offers_h2 = {.version = version, .alpn = h2};
    assert_false(meet(context, &offers_h2));
    assert_int_equal(to_client.data[0], 21); /* an alert */
    assert_int_equal(to_client.data[6], MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL);
  }
  tls_context_drop(context);
}

static void any_server_name_is_taken(void **state) {
  (void)state;
  static const char *const names[] = {NULL, "localhost", "elsewhere.example", "127.0.0.1"};
  struct tls_server_options options = options_for("ec.pem", "ec.key");
  struct tls_context *context = context_with(&options);
  for (EACH_VERSION(version)) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
      struct client client = {.version = version, .sni = names[i]};
      assert_true(meet(context, &client));
    }
  }
  tls_context_drop(context);
}

static void only_ecdhe_with_aead_is_spoken(void **state) {
  (void)state;
  struct tls_server_options options = options_for("rsa.pem", "rsa.key");
  struct tls_context *context = context_with(&options);
  static const struct {
    const char *name;
    bool taken;
  } rows[] = {
      {"TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256", true},
      {"TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384", true},
      {"TLS-ECDHE-RSA-WITH-CHACHA20-POLY1305-SHA256", true},
      {"TLS-ECDHE-RSA-WITH-AES-128-CBC-SHA256", false},
      {"TLS-RSA-WITH-AES-128-GCM-SHA256", false},
      {"TLS-DHE-RSA-WITH-AES-128-GCM-SHA256", false},
      {"TLS-ECDHE-RSA-WITH-CAMELLIA-128-GCM-SHA256", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct client client = {.only_suite = mbedtls_ssl_get_ciphersuite_id(rows[i].name)};
    if (client.only_suite == 0 && !rows[i].taken) continue; /* this mbedTLS was built without it */
    assert_int_not_equal(client.only_suite, 0);
    if (meet(context, &client) != rows[i].taken) fail_msg("%s", rows[i].name);
  }
  tls_context_drop(context);
}

#if TLS_LIBRARY_HAS_1_3
/* RFC 8446 4.1.3: a HelloRetryRequest is a ServerHello with this beginning of its random. */
static bool retried(void) {
  static const uint8_t mark[] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11};
  return memmem(to_client.data, to_client.len, mark, sizeof mark) != NULL;
}

static void every_share_is_taken_as_it_comes(void **state) {
  (void)state;
  static const int groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
                               MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
                               MBEDTLS_SSL_IANA_TLS_GROUP_X448};
  struct tls_server_options options = options_for("ec.pem", "ec.key");
  struct tls_context *context = context_with(&options);
  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
    struct client client = {.version = ONLY_1_3, .only_group = groups[i]};
    assert_true(meet(context, &client));
    assert_false(retried());
  }
  tls_context_drop(context);
}

static void the_minimum_keeps_1_2_out(void **state) {
  (void)state;
  struct tls_server_options options = options_for("ec.pem", "ec.key");
  options.minimum = TLS_VERSION_1_3;
  struct tls_context *context = context_with(&options);
  struct client old = {.version = ONLY_1_2}, new = {.version = ONLY_1_3};
  assert_false(meet(context, &old));
  assert_int_equal(to_client.data[6], MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION);
  assert_true(meet(context, &new));
  tls_context_drop(context);
}
#endif

static void a_list_of_suites_is_kept_to(void **state) {
  (void)state;
  struct tls_server_options options = options_for("rsa.pem", "rsa.key");
  struct tls_suites suites;
  char unknown[64], why[WHY_CAP];
  assert_int_equal(
      tls_suites_parse("ECDHE-RSA-AES256-GCM-SHA384", &suites, unknown, sizeof unknown, why, sizeof why),
      WSL_OK);
  options.suites = &suites;
  struct tls_context *context = context_with(&options);
  memset(&suites, 0, sizeof suites); /* copied */
  struct client client = {.version = ONLY_1_2};
  assert_true(meet(context, &client));
  assert_string_equal(client.suite, "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384");
  tls_context_drop(context);
}

/* ---- tickets ---- */

struct resumption {
  struct client client;
  mbedtls_ssl_session session;
};

static void must_meet(struct tls_context *context, struct client *client) {
  if (!meet(context, client))
    fail_msg("version %d: server -0x%x, client -0x%x", client->version, (unsigned)-client->server_result,
             (unsigned)-client->client_result);
}

/* A first, full connection, which brings a ticket. */
static void begin_resumption(struct resumption *r, struct tls_context *context, enum version version,
                             const char *cert) {
  *r = (struct resumption){.client = {.version = version, .cert = cert}};
  mbedtls_ssl_session_init(&r->session);
  r->client.session = &r->session;
  must_meet(context, &r->client);
  assert_true(r->client.full);
}

/* The next one: whether the ticket was taken. */
static bool resumes(struct resumption *r, struct tls_context *context) {
  r->client.full = true;
  must_meet(context, &r->client);
  return !r->client.full;
}

static void end_resumption(struct resumption *r) {
  mbedtls_ssl_session_free(&r->session);
}

static void tickets_serve_all_contexts_that_share_their_keys(void **state) {
  (void)state;
  struct tls_tickets *tickets = tls_tickets_new(), *others = tls_tickets_new();
  struct tls_server_options options = options_for("rsa.pem", "rsa.key");
  options.tickets = tickets;
  struct tls_context *first = context_with(&options);
  struct tls_context *second = context_with(&options);
  options.tickets = others;
  struct tls_context *stranger = context_with(&options);
  options.tickets = NULL;
  struct tls_context *none = context_with(&options);
  tls_tickets_drop(tickets); /* the contexts hold them */
  for (EACH_VERSION(version)) {
    struct resumption r;
    begin_resumption(&r, first, version, NULL);
    assert_true(resumes(&r, first));
    assert_true(resumes(&r, second));
    assert_true(resumes(&r, first));
    assert_false(resumes(&r, stranger));
    end_resumption(&r);
    begin_resumption(&r, first, version, NULL);
    assert_false(resumes(&r, none));
    end_resumption(&r);
  }
  tls_context_drop(first);
  tls_context_drop(second);
  tls_context_drop(stranger);
  tls_context_drop(none);
  tls_tickets_drop(others);
}

/* RFC 5246 7.4.1.3: a resumed session keeps its suite; what suits an RSA key does not suit an EC key, and
 * mbedTLS does not look. In TLS 1.3 suites say nothing about keys. */
static void tickets_from_before_another_kind_of_key_do_no_harm(void **state) {
  (void)state;
  struct tls_tickets *tickets = tls_tickets_new();
  struct tls_server_options options = options_for("rsa.pem", "rsa.key");
  options.tickets = tickets;
  struct tls_context *rsa = context_with(&options);
  options = options_for("ec.pem", "ec.key");
  options.tickets = tickets;
  struct tls_context *ec = context_with(&options);
  for (EACH_VERSION(version)) {
    struct resumption r;
    begin_resumption(&r, rsa, version, NULL);
    assert_int_equal(resumes(&r, ec), version == ONLY_1_3);
    end_resumption(&r);
  }
  tls_context_drop(rsa);
  tls_context_drop(ec);
  tls_tickets_drop(tickets);
}

/* ---- clients' certificates ---- */

static struct tls_context *demanding_context(const char *authorities, struct tls_tickets *tickets) {
  struct tls_server_options options = options_for("ec.pem", "ec.key");
  options.client_certificates = TLS_CLIENT_CERTIFICATES_REQUIRED;
  options.ca_path = pem_file(authorities);
  options.tickets = tickets;
  return context_with(&options);
}

static void clients_must_show_a_certificate_of_our_authorities(void **state) {
  (void)state;
  struct tls_context *context = demanding_context("ca.pem", NULL);
  for (EACH_VERSION(version)) {
    struct client good = {.version = version, .cert = "client"};
    struct client stranger = {.version = version, .cert = "stranger"};
    struct client without = {.version = version};
    assert_true(meet(context, &good));
    assert_false(meet(context, &stranger));
    assert_int_equal(stranger.server_result, MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
    assert_false(meet(context, &without));
    assert_int_equal(without.server_result, MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE);
  }
  tls_context_drop(context);
}

/* The attack: a client whose authority was taken off the list comes back with a ticket. */
static void a_ticket_does_not_outlive_the_authorities(void **state) {
  (void)state;
  struct tls_tickets *tickets = tls_tickets_new();
  struct tls_context *before = demanding_context("ca.pem", tickets);
  struct tls_context *after = demanding_context("other-ca.pem", tickets);
  for (EACH_VERSION(version)) {
    struct resumption r;
    begin_resumption(&r, before, version, "client");
    assert_true(resumes(&r, before));
    r.client.full = true;
    assert_false(meet(after, &r.client));
    end_resumption(&r);
  }
  tls_context_drop(before);
  tls_context_drop(after);
  tls_tickets_drop(tickets);
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

static int make_files(void **state) {
  (void)state;
  pem_files_make();
  return 0;
}

static int remove_files(void **state) {
  (void)state;
  pem_files_remove();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_are_taken_or_refused_in_words),
      cmocka_unit_test(an_unreadable_file_is_told_from_a_missing_one),
      cmocka_unit_test(a_path_with_a_line_end_stays_one_line),
      cmocka_unit_test(a_pipe_is_read_like_a_file),
      cmocka_unit_test(a_short_buffer_cuts_the_words_only),
      cmocka_unit_test(descriptions_name_the_certificate),
      cmocka_unit_test(authorities_are_taken_or_refused_in_words),
      cmocka_unit_test(the_system_s_authorities_can_be_named_by_the_environment),
      cmocka_unit_test(a_leaf_of_a_ca_that_the_system_knows_may_stand_alone),
      cmocka_unit_test(names_are_asked_for_and_addresses_are_not),
      cmocka_unit_test(application_protocol_is_http_1_1_or_none),
      cmocka_unit_test(any_server_name_is_taken),
      cmocka_unit_test(only_ecdhe_with_aead_is_spoken),
#if TLS_LIBRARY_HAS_1_3
      cmocka_unit_test(every_share_is_taken_as_it_comes),
      cmocka_unit_test(the_minimum_keeps_1_2_out),
#endif
      cmocka_unit_test(a_list_of_suites_is_kept_to),
      cmocka_unit_test(tickets_serve_all_contexts_that_share_their_keys),
      cmocka_unit_test(tickets_from_before_another_kind_of_key_do_no_harm),
      cmocka_unit_test(clients_must_show_a_certificate_of_our_authorities),
      cmocka_unit_test(a_ticket_does_not_outlive_the_authorities),
      cmocka_unit_test(references_are_counted_across_threads),
  };
  return cmocka_run_group_tests_name("net/tls_context", tests, make_files, remove_files);
}
