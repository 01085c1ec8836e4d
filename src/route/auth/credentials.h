/* The passwords that are good now: a table that is read anew when its file changes, and the logins that were
 * right lately, since a page of sixty files must not cost sixty hashes.
 *
 * A login is remembered as an HMAC under a key of the process's own, for CREDENTIALS_MEMORY_MS and until the
 * file changes. Any thread, but for opening, reloading and closing: the main one.
 */
#ifndef ROUTE_AUTH_CREDENTIALS_H
#define ROUTE_AUTH_CREDENTIALS_H

#include "route/auth/password_table.h"
#include "route/auth/settings.h"

#define CREDENTIALS_MEMORY_MS ((uint64_t)5 * 60 * 1000)

struct credentials;

/* `settings` (its source or htpasswd) outlives it; tags are made under `key`. 0, or an error with a line in
 * why[0..why_cap). A file without a user who could log in is one at the start; later it is taken as it is. */
WSL_MUST_CHECK int credentials_open(struct credentials **credentials, const struct auth_settings *settings,
                                    const uint8_t key[SHA256_SIZE], char *why, size_t why_cap);

/* Reads the file again, changed or not. One that can't be read leaves the old passwords in force, and a line
 * in the log. Blocks. */
void credentials_reload(struct credentials *credentials);

void credentials_close(struct credentials *credentials); /* NULL is ignored */

/* Whether this login was right lately; then its tag. Costs an HMAC. `now_ms`: of a clock that all callers
 * share. */
bool credentials_remember(struct credentials *credentials, const struct basic_login *login, uint64_t now_ms,
                          uint8_t tag[PASSWORD_TAG_SIZE]);

/* Whether it is right, by its hash; then it is remembered. Blocks as long as a hash takes. */
enum password_verdict credentials_check(struct credentials *credentials, const struct basic_login *login,
                                        uint64_t now_ms, uint8_t tag[PASSWORD_TAG_SIZE]);

/* Whether a tag stands for somebody who may log in; then his name. */
bool credentials_name(struct credentials *credentials, const uint8_t tag[PASSWORD_TAG_SIZE],
                      char user[BASIC_USER_MAX + 1]);

#endif
