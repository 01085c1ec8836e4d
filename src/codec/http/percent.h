/* Percent-encoding of pieces of URLs (RFC 3986 2.1). Pure. */
#ifndef CODEC_HTTP_PERCENT_H
#define CODEC_HTTP_PERCENT_H

#include <stddef.h>

#include <wsluice/span.h>

/* Decodes to out[0..text.len), which may be the text's own bytes; returns the length. An escape that is none
 * stays as it is written, "+" too: for that one see codec/http/query.h. */
size_t percent_decode(struct wsl_span text, char *out);

/* Bytes that percent_encode() writes at most. */
static inline size_t percent_room(size_t len) {
  return 3 * len;
}

/* Writes the text to out[0..percent_room(text.len)) with all but unreserved characters (RFC 3986 2.3)
 * escaped, so that it is one piece wherever it stands in a URL; returns the length. */
size_t percent_encode(struct wsl_span text, char *out);

#endif
