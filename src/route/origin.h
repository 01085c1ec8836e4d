/* Which pages may open a WebSocket (the Origin header, RFC 6454 and RFC 6455 10.2). Pure.
 *
 * A rule is one of
 *   https://example.com         that origin; a port other than the scheme's own must be named
 *   https:// and *.example.com  every host below it (not example.com itself), written in one
 *   example.com, *.example.com  that host under http or https, any port
 *   same                        the origin's host and port are those of the request's Host
 *   null                        the opaque origin of sandboxed pages and files
 *   none                        requests without an Origin header (programs, not pages)
 * Scheme and host are compared without regard to case.
 */
#ifndef ROUTE_ORIGIN_H
#define ROUTE_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include <wsluice/span.h>

/* No rule at all: every origin may (websockify's default). */
struct origin_rules {
  const char *const *rules;
  size_t count;
};

/* Whether `rule` is well-formed; otherwise *why is a static sentence. For the command line. */
bool origin_rule_valid(const char *rule, const char **why);

/* Whether a request with this Origin (at == NULL: none) and this Host may upgrade. */
bool origin_allowed(const struct origin_rules *rules, struct wsl_span origin, struct wsl_span host);

#endif
