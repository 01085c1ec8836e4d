/* URL paths to file paths and back (RFC 3986): pure functions for the static file server. */
#ifndef CODEC_HTTP_PATH_H
#define CODEC_HTTP_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include <wsluice/span.h>

/* What became of a path. */
enum path_result {
  PATH_OK,
  PATH_MALFORMED, /* a bad percent escape or an encoded NUL: 400 */
  PATH_OUTSIDE,   /* a ".." segment, encoded or not: 404, there is nothing to find */
  PATH_TOO_LONG   /* does not fit: 404 */
};

/* Decodes an absolute URL path ("/a%20b/c") to a relative, NUL-terminated file path ("a b/c") in
 * out[0..cap): percent escapes are decoded, "." segments and repeated slashes dropped, so that the
 * result never starts with "/" and has no empty segment; "/" alone gives "". A trailing slash is
 * kept as *is_directory and not written. A cap of url_path.len + 1 is always enough. */
WSL_MUST_CHECK enum path_result path_decode(struct wsl_span url_path, char *out, size_t cap,
                                            bool *is_directory);

/* Whether a decoded path has a segment that begins with a dot: .htpasswd, .git, what editors leave. Not so
 * .well-known in front, which is there to be asked for (RFC 8615). */
bool path_is_hidden(const char *path);

/* Percent-encodes a relative file path anew as an absolute URL path: "/" in front, unreserved
 * characters and "/" as they are, everything else as %XX; terminated. WSL_INVALID if cap is too
 * small. For redirects: nothing of the client's own spelling survives. */
WSL_MUST_CHECK int path_encode(const char *path, char *out, size_t cap);

/* Encodes a URL's query for another URL: what RFC 3986 3.4 allows stays, well-formed escapes too since
 * "%26" is not "&", everything else becomes %XX; terminated. WSL_INVALID if cap is too small. */
WSL_MUST_CHECK int query_encode(const char *query, char *out, size_t cap);

#endif
