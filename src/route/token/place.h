/* Where in a request its token stands (--token-from, --host-token).
 *
 *   query:NAME     the first value of that parameter, percent-decoded as websockify does it
 *   path[:N]       the N-th segment of the path from 1, percent-decoded; the last one without N
 *   host           the Host without its port; an IPv6 address keeps its brackets
 *   header:NAME    the value of that header, where there is exactly one
 *   cookie:NAME    the value of that cookie (the first), without quotes round it
 *
 * Pure.
 */
#ifndef ROUTE_TOKEN_PLACE_H
#define ROUTE_TOKEN_PLACE_H

#include "route/router.h"

enum token_place_kind { TOKEN_IN_QUERY, TOKEN_IN_PATH, TOKEN_IN_HOST, TOKEN_IN_HEADER, TOKEN_IN_COOKIE };

struct token_place {
  enum token_place_kind kind;
  const char *name; /* of the parameter, header or cookie; not the place's own */
  unsigned segment; /* TOKEN_IN_PATH: from 1; 0: the last */
};

/* As websockify has it: ?token= */
extern const struct token_place token_place_default;

/* Reads what --token-from says; `place->name` points into `text`. WSL_INVALID with a static sentence in *why
 * for what is none. */
WSL_MUST_CHECK int token_place_parse(const char *text, struct token_place *place, const char **why);

/* How many bytes the request's token has at most. */
size_t token_place_room(const struct token_place *place, const struct route_request *request);

/* Writes the token, decoded, to out[0..token_place_room()); returns its length, 0 when the request has none.
 * It may hold any byte. */
size_t token_place_take(const struct token_place *place, const struct route_request *request, char *out);

/* The part of `path`, as it was sent, that is the token: inside it, len 0 where there is none. For logs,
 * which must not show it. Where the token's place is empty but others are not ("/SECRET/"), it is all of the
 * path: it may stand in the wrong place. */
struct wsl_span token_place_in_path(const struct token_place *place, struct wsl_span path);

#endif
