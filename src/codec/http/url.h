/* URLs of HTTP as operators and redirects write them (RFC 3986, RFC 9110 4.2). Pure.
 *
 *   http[s]://[user[:password]@]host[:port][/path][?query]
 *
 * What would have to be guessed is refused: other schemes, blanks, bytes that must be escaped. A fragment is
 * not sent to servers and left out.
 */
#ifndef CODEC_HTTP_URL_H
#define CODEC_HTTP_URL_H

#include <stdint.h>

#include "codec/text/target_text.h"

enum url_scheme { URL_HTTP, URL_HTTPS };

/* Spans point into the text. */
struct url {
  enum url_scheme scheme;
  struct wsl_span userinfo;       /* as it is written; at == NULL: there is none */
  struct wsl_span authority;      /* host and port as they are written: for a Host header */
  char host[TARGET_HOST_MAX + 1]; /* brackets taken off */
  uint16_t port;                  /* the scheme's where none is written */
  struct wsl_span target; /* path and query; may be empty, or begin with "?": then "/" goes before it */
};

/* Reads all of `text`. NULL, or what is wrong: a static sentence that names nothing of the text, and then
 * nothing of `url` may be used. */
WSL_MUST_CHECK const char *url_read(struct wsl_span text, struct url *url);

/* Writes what a Location says, seen from `base` (RFC 3986 5.2, but for dot segments: they are the server's
 * to understand), as a URL to out[0..cap), terminated. 0: it does not fit. base.len + reference.len + 9
 * always does. */
WSL_MUST_CHECK size_t url_resolve(const struct url *base, struct wsl_span reference, char *out, size_t cap);

#endif
