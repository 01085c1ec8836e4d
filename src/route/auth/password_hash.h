/* One password against one hash: crypt(3)'s and Apache's {SHA}. A hash that is worth its name takes from
 * milliseconds to seconds: for the thread pool.
 */
#ifndef ROUTE_AUTH_PASSWORD_HASH_H
#define ROUTE_AUTH_PASSWORD_HASH_H

#include "codec/http/htpasswd_line.h"

enum password_verdict {
  PASSWORD_RIGHT,
  PASSWORD_WRONG,
  PASSWORD_UNTRIED /* no memory to find out */
};

/* Whether `password` is the one; in a time that does not depend on how much of it is right. `hash` is what
 * htpasswd_line_read() took, with a NUL. Any thread. */
enum password_verdict password_try(enum htpasswd_kind kind, const char *hash, const char *password);

#endif
