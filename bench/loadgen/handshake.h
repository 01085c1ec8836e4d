/* A client's opening handshake (RFC 6455 section 4.1): the request, made once, and the judgement of an
 * answer. Pure but for the random key.
 *
 * One key serves all connections of a run: servers don't compare keys, and a new one each would cost the
 * bench a hash a connection.
 */
#ifndef LOADGEN_HANDSHAKE_H
#define LOADGEN_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>

#include <wsluice/span.h>

#define HANDSHAKE_REQUEST_MAX (64u * 1024u)
#define HANDSHAKE_ANSWER_MAX  (16u * 1024u) /* a longer head is a failure */
#define HANDSHAKE_WHY_MAX     256u

struct handshake_wishes {
  const char *target;      /* path and query */
  const char *authority;   /* value of Host */
  const char *origin;      /* or NULL */
  const char *subprotocol; /* or NULL; may be a list "a, b" */
  const char *const *headers;
  size_t headers_count; /* further lines, "Name: value" */
};

struct handshake {
  char *request;
  size_t request_len;
  char accept[29]; /* what Sec-WebSocket-Accept must be */
  const char *subprotocol;
};

/* 0, WSL_NO_MEMORY, WSL_INVALID (too long) or the error of hash or random numbers. What `wishes` points at
 * outlives the handshake. */
WSL_MUST_CHECK int handshake_init(struct handshake *handshake, const struct handshake_wishes *wishes);
void handshake_destroy(struct handshake *handshake);

enum handshake_outcome { HANDSHAKE_MORE, HANDSHAKE_DONE, HANDSHAKE_REFUSED };

/* Judges the answer's first bytes text[0..len). DONE: *head_len bytes are the head, what lies behind are
 * frames. REFUSED: the sentence in why[] names status and reason phrase, or what breaks the RFC. */
WSL_MUST_CHECK enum handshake_outcome handshake_read(const struct handshake *handshake, const char *text,
                                                     size_t len, size_t *head_len,
                                                     char why[HANDSHAKE_WHY_MAX]);

#endif
