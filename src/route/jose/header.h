/* The JSON of tokens: strict reading, and the header's fields that count (RFC 7515 4, RFC 7516 4).
 *
 * Keys that a header names or brings along (jwk, jku, x5c, x5u, kid) are never looked at: there is one key,
 * the operator's.
 */
#ifndef ROUTE_JOSE_HEADER_H
#define ROUTE_JOSE_HEADER_H

#include <jansson.h>

#include <wsluice/span.h>

#include "route/jose/verdict.h"

/* Longer than the name of any algorithm that we know. */
#define JOSE_NAME_SIZE 24u

/* NUL-terminated; "" for what is missing or too long, which no algorithm is called. */
struct jose_header {
  char alg[JOSE_NAME_SIZE];
  char enc[JOSE_NAME_SIZE];
};

/* Before threads, once: has jansson's want of memory noticed, of which it says too little itself. Without it
 * such a text is called malformed. */
void jose_json_start(void);

/* An object from `text`: valid UTF-8, no name twice, no NUL in strings, nothing behind it. The caller's to
 * json_decref(); else NULL, and why: JOSE_MALFORMED or JOSE_NO_MEMORY. */
json_t *jose_json(struct wsl_span text, enum jose_verdict *why);

/* Reads an encoded header. JOSE_GOOD, JOSE_MALFORMED, JOSE_HEADER or JOSE_NO_MEMORY. */
WSL_MUST_CHECK enum jose_verdict jose_header_read(struct wsl_span encoded, struct jose_header *header);

#endif
