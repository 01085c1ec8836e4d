/* The whole server: listeners, workers, and their common start and stop. Called from the main thread
 * only; callbacks come on the main thread's loop.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <uv.h>

#include "server/settings.h"

struct server;

/* Every worker has ended; server_free() may be called. */
typedef void (*server_stopped_fn)(struct server *server, void *owner);

/* Binds, raises the descriptor limit, starts the workers and accepts. Everything that can fail at
 * start fails here, before anything is accepted: 0, or an error with one line of plain words in
 * why[0..why_cap) (address in use, port not allowed, --web directory missing, ...). `settings`
 * outlives the server. */
WSL_MUST_CHECK int server_start(struct server **server, const struct server_settings *settings,
                                uv_loop_t *main_loop, server_stopped_fn on_stopped, void *owner, char *why,
                                size_t why_cap);

/* The port it listens on, the first of several; 0 where none is one of TCP. */
uint16_t server_port(const struct server *server);

/* First signal: accepting stops after the kernel's queue is taken; sessions may go on for
 * drain_timeout_ms, then get Close 1001, and what is open 2 s later is cut. Without connections it
 * stops at once. */
void server_drain(struct server *server);

/* The same, when its target has ended: sessions have so much time at least, since they end by themselves when
 * the target's last bytes have arrived. */
void server_finish(struct server *server, uint64_t patience_ms);

/* Reads the certificates anew (SIGHUP); they are noticed by themselves as well when their files change. New
 * connections get the new ones; when they can't be used a log line says why, and the old ones stay. */
void server_reload(struct server *server);

/* Second signal: everything is cut at once. */
void server_cut(struct server *server);

/* Joins the threads and frees. Only after on_stopped. */
void server_free(struct server *server);

#endif
