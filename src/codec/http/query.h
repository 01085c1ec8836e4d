/* One named parameter of a URL's query, decoded as Python's parse_qs() does it, which is what websockify
 * reads tokens with: fields are separated by "&", names and values are percent-decoded, "+" is a blank, an
 * escape that is none stays as it is written, and fields without a value are passed over. Pure.
 */
#ifndef CODEC_HTTP_QUERY_H
#define CODEC_HTTP_QUERY_H

#include <stddef.h>

#include <wsluice/span.h>

enum query_result {
  QUERY_FOUND,
  QUERY_MISSING, /* no field of that name has a value */
  QUERY_TOO_LONG /* the value does not fit */
};

/* Writes the first value of `name` to out[0..cap), *len bytes and no NUL; it may hold any byte. A cap of
 * query.len is always enough. `query` is without its "?". */
WSL_MUST_CHECK enum query_result query_parameter(struct wsl_span query, const char *name, char *out,
                                                 size_t cap, size_t *len);

#endif
