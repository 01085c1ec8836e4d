/* A URL with a place for a token, as websockify's lookups have it: it writes the token into the source with
 * Python's "%", so "%s" is the place and "%%" is a percent sign. Other escapes ("%2F") stay, which Python
 * refuses. Here the token is percent-encoded on its way in, so that it can't change what is asked for. Pure.
 */
#ifndef CODEC_HTTP_URL_TEMPLATE_H
#define CODEC_HTTP_URL_TEMPLATE_H

#include "codec/http/url.h"

/* Two pieces of a URL: `text` up to `mark`, then the token, then the rest. */
struct url_template {
  char *text; /* the caller's buffer */
  size_t len;
  size_t mark;
};

/* Reads `source` into out[0..strlen(source)], which the template goes on using, and checks that it is a URL
 * in whose path or query the place stands, once. NULL, or what is wrong: a static sentence. */
WSL_MUST_CHECK const char *url_template_read(const char *source, char *out, struct url_template *template);

/* Writes the URL for a token to out[0..url_template_room()), unterminated; returns its length. */
size_t url_template_room(const struct url_template *template, size_t token_len);
size_t url_template_fill(const struct url_template *template, struct wsl_span token, char *out);

#endif
