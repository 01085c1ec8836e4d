/* One named cookie of a Cookie header (RFC 6265 4.2.1 as clients send it, 5.4), read with the leniency of
 * browsers and frameworks: blanks round names, values and semicolons are nothing, pieces without "=" are
 * passed over, quotes round a value are taken off. Names are compared byte by byte. Nothing is decoded. Pure.
 */
#ifndef CODEC_HTTP_COOKIE_H
#define CODEC_HTTP_COOKIE_H

#include <wsluice/span.h>

/* The first cookie called `name` that has a value, in one header's value: true, with *value inside `header`.
 */
bool cookie_value(struct wsl_span header, struct wsl_span name, struct wsl_span *value);

#endif
