/* Dates of HTTP (RFC 9110 5.6.7): the three formats that a recipient must read, and the one that is sent.
 * Pure; no locale, no time zone.
 */
#ifndef CORE_HTTP_DATE_H
#define CORE_HTTP_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include <wsluice/span.h>

/* "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL. */
#define HTTP_DATE_SIZE 30u

/* Seconds since 1970, UTC, years 0 to 9999. */
void http_date_write(int64_t seconds, char out[HTTP_DATE_SIZE]);

/* Reads IMF-fixdate, RFC 850's and asctime's form. The day's name is not checked against the date. `now`
 * places the two digits of a year in RFC 850's: one that seems to lie more than 50 years ahead lies in the
 * past. False for anything else. */
WSL_MUST_CHECK bool http_date_read(struct wsl_span text, int64_t now, int64_t *seconds);

#endif
