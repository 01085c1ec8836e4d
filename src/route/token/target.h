/* Targets as lookups make them: one malloc'ed piece, with the strings that it points to. Any thread. */
#ifndef ROUTE_TOKEN_TARGET_H
#define ROUTE_TOKEN_TARGET_H

#include "codec/text/target_text.h"
#include "net/dialer.h"

/* `where` with `shown` as its text for the log, escaped. NULL without memory; else the caller's to free(). */
WSL_MUST_CHECK struct target *token_target_make(const struct target_text *where, struct wsl_span shown,
                                                enum target_origin origin);

/* Reads what a source says ("host:port", "unix_socket:/path"; white space round it is nothing) and makes it.
 * 0; WSL_NO_MEMORY; or WSL_INVALID with a static sentence in *why, which names nothing of the text. */
WSL_MUST_CHECK int token_target_read(struct wsl_span text, enum target_origin origin, struct target **target,
                                     const char **why);

/* Another one like it. NULL without memory. */
WSL_MUST_CHECK struct target *token_target_copy(const struct target *target);

/* NULL when a socket address can hold that path, else why it can't: how long one may be is the system's, and
 * the codec knows no addresses. */
WSL_MUST_CHECK const char *token_target_unix_fault(struct wsl_span path);

#endif
