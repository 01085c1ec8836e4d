/* The server's certificate while the server runs: read at start, and again when its files change or somebody
 * asks (SIGHUP), for new connections only; a new pair that can't be used is refused with a log line, and the
 * old one stays.
 *
 *   files --changed--> settle --signature differs--> read --good--> current, on_renewed()
 *                                                      \--bad---> a log line, and the next change
 *
 * People renew in place, one file after the other, by rename, or by turning a symbolic link: so the folders
 * are watched, and as that misses what lies behind links and on network file systems, the files are looked at
 * every second as well. Main thread, but for certificates_current().
 */
#ifndef SERVER_CERTIFICATES_H
#define SERVER_CERTIFICATES_H

#include <uv.h>

#include "net/tls/context.h"
#include "server/settings.h"

struct certificates;

/* Reads the files. 0, or an error with a line in why[0..why_cap). `settings` outlives it. */
WSL_MUST_CHECK int certificates_open(struct certificates **certificates, const struct tls_settings *settings,
                                     char *why, size_t why_cap);

/* From now on changes are noticed; on_renewed comes on the loop's thread. Where the system refuses to watch,
 * a line in the log says so, and SIGHUP still works. Once at most. */
void certificates_watch(struct certificates *certificates, uv_loop_t *loop, void (*on_renewed)(void *owner),
                        void *owner);

/* No more; needed for the loop to end. Harmless when nothing is watched. */
void certificates_unwatch(struct certificates *certificates);

/* Reads the files again, changed or not. */
void certificates_reload(struct certificates *certificates);

/* The context for new connections, held for the caller. Any thread. */
struct tls_context *certificates_current(struct certificates *certificates);

/* Stops watching and frees; contexts live on where they are held. NULL is ignored. */
void certificates_close(struct certificates *certificates);

#endif
