/* Authentication while the server runs: opened at the start, and its file of passwords read again when it
 * changes or somebody asks (SIGHUP). Main thread.
 */
#ifndef SERVER_ACCESS_H
#define SERVER_ACCESS_H

#include <uv.h>

#include "route/auth/auth.h"
#include "server/settings.h"

struct access;

/* 0 with *access NULL where everybody may come in, or an error with a line in why[0..why_cap). `settings`
 * outlives it. */
WSL_MUST_CHECK int access_open(struct access **access, const struct server_settings *settings, char *why,
                               size_t why_cap);

/* What the workers' gates stand on. */
struct auth *access_auth(struct access *access);

/* These ignore NULL. From access_watch() on changes are noticed; access_unwatch() is needed for the loop to
 * end. */
void access_watch(struct access *access, uv_loop_t *loop);
void access_unwatch(struct access *access);
void access_reload(struct access *access);

/* No gate is left. */
void access_close(struct access *access);

#endif
