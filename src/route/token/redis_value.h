/* From what a Redis server says of a token to the answer of the lookup. */
#ifndef ROUTE_TOKEN_REDIS_VALUE_H
#define ROUTE_TOKEN_REDIS_VALUE_H

#include "route/token/kind.h"
#include "route/token/redis_reader.h"

/* "host:port", or JSON (route/token/json.h), white space round it being nothing: FOUND. No such key: UNKNOWN.
 * A server that is only busy: BUSY. Anything else: FAILED, with a line in the log that names `server` and
 * nothing of the token or its value. */
void redis_value_read(const struct redis_reply *reply, const char *server, uint64_t id,
                      struct token_answer *answer);

#endif
