/* Options about TLS toward clients. */
#include "app/option/groups.h"

static const char *check(struct options *o) {
  return o->key_password != NULL && o->key_password_file != NULL
             ? "give --key-password or --key-password-file, not both"
             : NULL;
}

static void fill(struct options *o) {
  bool names = o->server.auth.plugin == AUTH_CERTIFICATE;
  enum tls_client_certificates wanted =
      names ? TLS_CLIENT_CERTIFICATES_REQUESTED : TLS_CLIENT_CERTIFICATES_IGNORED;
  o->server.tls.server.client_certificates = o->verify_client ? TLS_CLIENT_CERTIFICATES_REQUIRED : wanted;
  o->server.tls.resumption = names ? TLS_RESUMPTION_NONE : TLS_RESUMPTION_ALLOWED;
}

static int check_ssl_version(struct options *options, const char *value, const char **why) {
  return tls_version_parse(value, &options->server.tls.server.minimum, why);
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("TLS (wss and https)"),
  {OPTION_TEXT, "cert", 0, "FILE", FIELD(server.tls.server.cert_path), 0, 0, option_check_not_empty,
   "certificate chain, PEM; TLS and plain connections\n"
   "share the port [self.pem in the current directory,\n"
   "if it exists]"},
  {OPTION_TEXT, "key", 0, "FILE", FIELD(server.tls.server.key_path), 0, 0, option_check_not_empty,
   "private key, PEM [in the certificate's file]"},
  {OPTION_TEXT, "key-password", 0, "WORD", FIELD(key_password), 0, 0, NULL,
   "password of the key; prefer --key-password-file"},
  {OPTION_TEXT, "key-password-file", 0, "FILE", FIELD(key_password_file), 0, 0, option_check_not_empty,
   "file whose first line is that password"},
  {OPTION_FLAG, "ssl-only", 0, NULL, FIELD(ssl_only), 0, 0, NULL,
   "refuse connections without TLS (400)"},
  {OPTION_FLAG, "verify-client", 0, NULL, FIELD(verify_client), 0, 0, NULL,
   "require a client certificate; implies --ssl-only"},
  {OPTION_TEXT, "cafile", 0, "FILE", FIELD(server.tls.server.ca_path), 0, 0, option_check_not_empty,
   "CA certificates for client certificates: a file or\n"
   "a directory [the system's]"},
  {OPTION_CUSTOM, "ssl-version", 0, "VERSION", 0, 0, 0, check_ssl_version,
   "lowest version: tlsv1_2 or tlsv1_3 [tlsv1_2]"},
  {OPTION_TEXT, "ssl-ciphers", 0, "LIST", FIELD(ssl_ciphers), 0, 0, option_check_not_empty,
   "cipher suites by OpenSSL's names, separated by\n"
   "colons [all with forward secrecy and AEAD]"},
};
/* clang-format on */

const struct option_group option_group_tls = {specs, sizeof specs / sizeof specs[0], check, fill};
