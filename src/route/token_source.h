/* Where tokens are looked up: websockify's TokenFile and ReadOnlyTokenFile.
 *
 *   token: host:port          # also [v6]:port and unix_socket:/path
 *
 * Lines of a file (codec/token_line), or of all files in a directory (route/token_files: which, and in what
 * order); the last of several lines for one token counts. A line that can't be read is reported with file
 * and line number and spares the others: when the source is opened, and again when its files have changed.
 * TokenFile reads at every lookup, so an edit is seen by the next connection; ReadOnlyTokenFile reads once.
 * Immutable but for what has been reported (locked): any thread may look up. Lookups read files, so they
 * block: for the thread pool.
 */
#ifndef ROUTE_TOKEN_SOURCE_H
#define ROUTE_TOKEN_SOURCE_H

#include "net/dialer.h"
#include "route/router.h"

enum token_plugin { TOKEN_NONE, TOKEN_FILE, TOKEN_READ_ONLY_FILE };

struct token_source;

/* "TokenFile", "token_plugins.TokenFile", "websockify.token_plugins.ReadOnlyTokenFile", ... as websockify
 * resolves them. WSL_UNSUPPORTED for its other plugins and for classes of the user's, WSL_INVALID for what
 * is no class name; `*why` is then a static sentence. */
WSL_MUST_CHECK int token_plugin_parse(const char *name, enum token_plugin *plugin, const char **why);

/* Opens and reads once, to report what is wrong with it. 0, or an error with a line in why[0..why_cap):
 * missing, unreadable. */
WSL_MUST_CHECK int token_source_open(struct token_source **source, enum token_plugin plugin, const char *path,
                                     char *why, size_t why_cap);

void token_source_close(struct token_source *source);

/* Finds `token` (decoded; not empty). ROUTE_FOUND: *target is malloc'ed in one piece, the caller's to
 * free(). ROUTE_UNKNOWN, ROUTE_FAILED, ROUTE_BUSY (no memory) leave it alone. Blocks. */
enum route_outcome token_source_find(struct token_source *source, struct wsl_span token,
                                     struct target **target);

#endif
