/* The credentials of an Authorization header in the scheme "Basic" (RFC 7617). Pure.
 *
 * Strict: the scheme in any case, base64 with its padding and nothing else (RFC 4648 4), a colon, no control
 * characters. What is not UTF-8 is taken for ISO 8859-1, as browsers send it that do not know the difference,
 * and turned into UTF-8; so a text has one form.
 */
#ifndef CODEC_HTTP_BASIC_H
#define CODEC_HTTP_BASIC_H

#include <wsluice/span.h>

/* Bytes without the NUL. libxcrypt takes no longer password (CRYPT_MAX_PASSPHRASE_SIZE), Apache's htpasswd no
 * longer user. */
#define BASIC_USER_MAX     255u
#define BASIC_PASSWORD_MAX 511u

/* A user and a password, each with a NUL behind it and none within. A secret: wipe it. */
struct basic_login {
  size_t user_len, password_len;
  char user[BASIC_USER_MAX + 1];
  char password[BASIC_PASSWORD_MAX + 1];
};

enum basic_result {
  BASIC_READ,
  BASIC_TOO_LONG, /* well-formed, but nobody's */
  BASIC_MALFORMED
};

/* Reads the value of a header, without white space at its ends. Unless BASIC_READ nothing of `login` may be
 * used, though parts of the secret may lie in it. */
WSL_MUST_CHECK enum basic_result basic_read(struct wsl_span value, struct basic_login *login);

/* Splits "user:password" at its first colon and checks it likewise: for the command line. */
WSL_MUST_CHECK enum basic_result basic_split(struct wsl_span text, struct basic_login *login);

#endif
