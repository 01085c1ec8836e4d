/* Who may log in, and with what: one user from the command line, or all of an htpasswd file. Immutable once
 * made, counted by reference, any thread: who checks a password holds the table that it is checked with.
 */
#ifndef ROUTE_AUTH_PASSWORD_TABLE_H
#define ROUTE_AUTH_PASSWORD_TABLE_H

#include <stdint.h>

#include "codec/http/basic.h"
#include "core/hash.h"
#include "route/auth/password_hash.h"

/* Users of a file; a search looks at all of them. */
#define PASSWORD_TABLE_MAX 100000u

/* Stands for a user with this very password, in cookies: under another key, or with another password, it is
 * another. Not a secret, and says nothing. */
#define PASSWORD_TAG_SIZE 16u

struct password_table;

/* A table of one; `login` is what basic_split() gave. NULL without memory. */
struct password_table *password_table_of(const struct basic_login *login, const uint8_t key[SHA256_SIZE]);

/* Reads an htpasswd file; lines that can't be taken are logged with their number, and left out. 0, or an
 * error: WSL_NOT_FOUND, WSL_DENIED, WSL_INVALID (not a regular file), WSL_IO, WSL_NO_MEMORY. Blocks. */
WSL_MUST_CHECK int password_table_read(struct password_table **table, const char *path,
                                       const uint8_t key[SHA256_SIZE]);

struct password_table *password_table_hold(struct password_table *table);
void password_table_drop(struct password_table *table); /* NULL is ignored */

size_t password_table_count(const struct password_table *table);

/* Whether the login is right; then its tag. An unknown user's password costs the same hash as somebody's
 * here, the same one each time, so that nobody learns names from the time that it takes. Blocks for as long
 * as a hash takes. */
enum password_verdict password_table_check(const struct password_table *table,
                                           const struct basic_login *login, uint8_t tag[PASSWORD_TAG_SIZE]);

/* The user whom a tag stands for; lives as long as the table. NULL: nobody, any more. */
const char *password_table_user(const struct password_table *table, const uint8_t tag[PASSWORD_TAG_SIZE]);

#endif
