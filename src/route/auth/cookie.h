/* A login on a page, kept by the browser in a signed cookie for the upgrades that follow: Safari sends no
 * Basic credentials with those.
 *
 *   NAME=<end><tag><signature>; Path=/; Max-Age=...; HttpOnly; SameSite=Strict[; Secure]
 *
 * in hexadecimal digits: the second in which it ends (8 bytes), the tag of user and password
 * (route/auth/password_table.h: so a user who is taken out, or has a new password, must log in anew), and an
 * HMAC with SHA-256 over both. Nothing of the user or the password is in it. NAME holds some digits made from
 * the key, since cookies don't know ports: two servers on one host don't take each other's away. Over TLS it
 * is
 * __Host-NAME, which no other host and no plain connection can set. Immutable once made; any thread.
 */
#ifndef ROUTE_AUTH_COOKIE_H
#define ROUTE_AUTH_COOKIE_H

#include <stdint.h>

#include "core/hash.h"
#include "route/auth/password_table.h"
#include "route/gate.h"

/* What each NAME begins with. */
#define AUTH_COOKIE_NAME        "wsluice_"
#define AUTH_COOKIE_HOST_PREFIX "__Host-"

#define AUTH_COOKIE_NAME_MAX 40u
#define AUTH_COOKIE_MAX      320u /* of a Set-Cookie, with its NUL */

struct auth_cookies {
  uint8_t key[SHA256_SIZE];
  uint64_t lifetime_s;
  char name[AUTH_COOKIE_NAME_MAX]; /* with "__Host-" in front of it */
};

/* 0, or WSL_IO where hashing fails. `lifetime_s` is not 0. */
WSL_MUST_CHECK int auth_cookies_init(struct auth_cookies *cookies, const uint8_t key[SHA256_SIZE],
                                     uint64_t lifetime_s);

/* Writes the value of a Set-Cookie. `now_s`: seconds since 1970. 0, or WSL_IO where hashing fails. */
WSL_MUST_CHECK int auth_cookie_make(const struct auth_cookies *cookies, enum gate_carrier carrier,
                                    const uint8_t tag[PASSWORD_TAG_SIZE], uint64_t now_s,
                                    char out[AUTH_COOKIE_MAX]);

/* Looks for a cookie of ours in the request that is good now: its tag, and how long it is good. Whom it
 * stands for is left to the caller. */
bool auth_cookie_read(const struct auth_cookies *cookies, enum gate_carrier carrier,
                      const struct wsl_head *head, uint64_t now_s, uint8_t tag[PASSWORD_TAG_SIZE],
                      uint64_t *left_s);

#endif
