/* The token plugins that there are, found by name. */
#ifndef ROUTE_TOKEN_KINDS_H
#define ROUTE_TOKEN_KINDS_H

#include "route/token/kind.h"

/* One a file of this room. */
extern const struct token_kind token_kind_file;           /* file.c: TokenFile */
extern const struct token_kind token_kind_read_only_file; /* likewise: ReadOnlyTokenFile */
extern const struct token_kind token_kind_jwt;            /* jwt.c: JWTTokenApi */
extern const struct token_kind token_kind_file_name;      /* directory.c: TokenFileName */
extern const struct token_kind token_kind_unix_directory; /* likewise: UnixDomainSocketDirectory */
extern const struct token_kind token_kind_api;            /* api.c: BaseTokenAPI */
extern const struct token_kind token_kind_json_api;       /* likewise: JSONTokenApi */
extern const struct token_kind token_kind_redis;          /* redis.c: TokenRedis */

/* "TokenFile", "token_plugins.TokenFile", "websockify.token_plugins.TokenFile", ... as websockify resolves
 * classes. WSL_UNSUPPORTED for classes of the user's, WSL_INVALID for what is no class name; `*why` is then a
 * static sentence. */
WSL_MUST_CHECK int token_kind_parse(const char *name, const struct token_kind **kind, const char **why);

#endif
