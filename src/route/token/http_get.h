/* One GET over a dialer: dial, ask, read the whole answer, close. No redirects, no reuse of connections.
 *
 * Memory is bounded by codec/http/answer.h's limits; time is the asker's, who stops what takes too long. On
 * the worker's thread.
 */
#ifndef ROUTE_TOKEN_HTTP_GET_H
#define ROUTE_TOKEN_HTTP_GET_H

#include "codec/http/answer.h"
#include "core/blob.h"
#include "net/dialer.h"

struct http_get;

/* With error 0 `answer` and `body` hold the answer. Else there is none: WSL_INVALID for one that can't be
 * read, or what broke the connection, or our own want of memory, descriptors or ports; `why` says it for the
 * log, and lives for the call. Either way the connection is closed, and http_get_free() is the callee's to
 * call. */
typedef void (*http_get_fn)(struct http_get *get, int error, const char *why);

/* Embedded in whoever asks; alive until http_get_free(). */
struct http_get {
  struct http_answer answer;
  struct blob body;
  /* private */
  http_get_fn done;
  struct dial dial;
  struct transport *stream;
  char *request;
  size_t request_len, request_at;
};

/* Begins; `request` (malloc'ed, the whole head) is the GET's from now on, `target` outlives it. The answer
 * may come before this returns, and with it the GET's end: nothing of it may be touched behind the call. */
void http_get_start(struct http_get *get, struct dialer *dialer, const struct target *target, char *request,
                    size_t request_len, uint64_t timeout_ms, http_get_fn done);

/* Gives up where it is under way, and frees what it holds: no answer comes afterwards. Harmless when
 * repeated, and for one that was zeroed and never started. */
void http_get_free(struct http_get *get);

#endif
