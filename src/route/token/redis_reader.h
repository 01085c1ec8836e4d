/* A Redis server's replies out of its stream (RESP2), read by hiredis, with bounded memory.
 *
 * Of a reply only what a GET, an AUTH or a SELECT can have as an answer is kept; arrays and the like are read
 * to their end and said to be something else. What is not complete yet lies in hiredis's buffer, of at most
 * REDIS_UNREAD_MAX bytes, whatever lengths a server declares.
 */
#ifndef ROUTE_TOKEN_REDIS_READER_H
#define ROUTE_TOKEN_REDIS_READER_H

#include <stddef.h>

#include <wsluice/span.h>

#define REDIS_VALUE_MAX  1024u  /* longest text that is kept: a target is shorter */
#define REDIS_UNREAD_MAX 65536u /* the longest reply, and what may stand behind it */

enum redis_reply_kind {
  REDIS_NIL,
  REDIS_VALUE,  /* of GET */
  REDIS_STATUS, /* "OK" */
  REDIS_ERROR,  /* "WRONGTYPE Operation against ..." */
  REDIS_OTHER   /* a number, an array, a text longer than REDIS_VALUE_MAX */
};

/* The text is the reader's, until it is called again. */
struct redis_reply {
  enum redis_reply_kind kind;
  struct wsl_span text; /* of VALUE, STATUS and ERROR; any bytes */
};

struct redis_reader;

/* NULL without memory. */
struct redis_reader *redis_reader_open(void);
void redis_reader_close(struct redis_reader *reader); /* NULL is ignored */

/* Takes bytes[0..len). 0, WSL_NO_MEMORY, or WSL_INVALID when a reply is too long. All replies are taken out
 * (redis_reader_next()) before the next call. */
WSL_MUST_CHECK int redis_reader_feed(struct redis_reader *reader, const void *bytes, size_t len);

enum redis_next { REDIS_NOT_YET, REDIS_REPLY, REDIS_BROKEN };

/* The next reply, if it is complete. BROKEN: this is not what a Redis server says; nothing more comes. */
WSL_MUST_CHECK enum redis_next redis_reader_next(struct redis_reader *reader, struct redis_reply *reply);

#endif
