/* Authentication, as one server has it: websockify's three plugins, what they are given, and what all workers
 * share of it (passwords, cookies, who has failed too often). Each worker has a gate over it
 * (route/auth/gate.h).
 *
 * Opened, reloaded and closed on the main thread; the rest by any.
 */
#ifndef ROUTE_AUTH_AUTH_H
#define ROUTE_AUTH_AUTH_H

#include <stdatomic.h>

#include "route/auth/cookie.h"
#include "route/auth/credentials.h"
#include "route/auth/pacing.h"
#include "route/auth/settings.h"
#include "route/origin.h"

/* Hashes that are made at once, of all workers together: the pool's other threads (it has four) stay free for
 * handshakes and files, whatever strangers send. */
#define AUTH_HASHES_MAX 2u

struct auth {
  const struct auth_settings *settings;
  const struct origin_rules *origins;
  struct credentials *credentials; /* of AUTH_BASIC, as are the next two */
  struct auth_pacing *pacing;
  struct auth_cookies cookies; /* unless settings->cookie_time_ms is 0 */
  atomic_uint hashes;          /* under way */
};

/* `settings` (not AUTH_NONE) and `origins`, which were already applied to a request that comes here, outlive
 * it. 0, or an error with a line in why[0..why_cap). */
WSL_MUST_CHECK int auth_open(struct auth **auth, const struct auth_settings *settings,
                             const struct origin_rules *origins, char *why, size_t why_cap);

/* The file of passwords may have changed. */
void auth_reload(struct auth *auth);

void auth_close(struct auth *auth); /* NULL is ignored */

/* Whether a hash may be made now; then auth_give_turn() when it is over. */
bool auth_take_turn(struct auth *auth);
void auth_give_turn(struct auth *auth);

/* Whether `text` is one of the words of settings->source: an origin, a certificate's name. To the letter. */
bool auth_lists(const struct auth *auth, struct wsl_span text);

/* Whether a page of this origin (at == NULL: a program, not a page) may use a cookie: those that --origin
 * allows, else those of this very host. A browser adds a cookie for whoever asks, so without this any page
 * that a user visits could connect in his name. */
bool auth_trusts_origin(const struct auth *auth, struct wsl_span origin, struct wsl_span authority);

#endif
