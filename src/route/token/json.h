/* A target that stands in JSON, as websockify's lookups have it:
 *
 *   {"host": "10.0.0.7", "port": 5900}               a port may also be a text of digits
 *   {"host": "unix_socket", "port": "/run/vnc/7"}    a Unix socket
 *   {"host": "10.0.0.7:5900"}                        without a port: all in one, as TokenRedis writes it
 *
 * Other members are passed over; members of the same name, NULs and deep nesting are refused.
 */
#ifndef ROUTE_TOKEN_JSON_H
#define ROUTE_TOKEN_JSON_H

#include "net/dialer.h"

/* As token_target_read() (route/token/target.h); but jansson does not tell want of memory from bad JSON. */
WSL_MUST_CHECK int token_json_read(struct wsl_span text, enum target_origin origin, struct target **target,
                                   const char **why);

#endif
