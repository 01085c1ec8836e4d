/* Response heads and the short plain-text bodies of errors (RFC 9110, RFC 9112). Pure.
 *
 * Nothing that a client sent is copied into a head: every text here is ours, static or formatted from
 * numbers; `location` is a path that codec/http/path has encoded anew.
 */
#ifndef SERVER_RESPONSE_H
#define SERVER_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <wsluice/span.h>

#include "core/http_date.h"

#define RESPONSE_COOKIE_MAX 384u

/* Room that every head needs at most when `location` is NULL; add its length otherwise. */
#define RESPONSE_HEAD_MAX 1408u

enum response_connection { RESPONSE_KEEP, RESPONSE_CLOSE };

/* Whether Upgrade, Connection: Upgrade and Sec-WebSocket-Version are added (RFC 6455 4.4). */
enum response_upgrade { RESPONSE_PLAIN, RESPONSE_OFFERS_UPGRADE };

/* What is said of a file, with 200, 206, 304 and 416 (RFC 9110 8.8, 14, 12.5.5). */
struct response_file {
  const char *tag;           /* ETag, quotes included; or NULL */
  const char *last_modified; /* a date, or NULL */
  bool compressed;           /* Content-Encoding: gzip */
  bool varies;               /* there is a compressed form beside it: Vary */
  uint64_t size;             /* of the whole, for Content-Range */
  uint64_t first;            /* 206: of the part, whose length is the Content-Length */
};

struct response {
  uint16_t status;
  enum response_connection connection;
  enum response_upgrade upgrade;
  uint64_t content_length;          /* of the body, sent or (HEAD) not */
  const char *content_type;         /* the texts: NULL leaves the field out */
  const char *cache_control;        /* Cache-Control */
  bool type_unknown;                /* the Content-Type says nothing: it binds nobody */
  const char *allow;                /* Allow, with 405 */
  const char *location;             /* Location, with 301 */
  const char *www_authenticate;     /* WWW-Authenticate, with 401 */
  const char *set_cookie;           /* Set-Cookie, of RESPONSE_COOKIE_MAX bytes at most */
  unsigned retry_after_s;           /* Retry-After; 0: none */
  const struct response_file *file; /* of a file's answer; else NULL */
};

/* Writes the head, its empty line included, to out[0..cap), and a NUL. Returns its length; the
 * caller's buffer is large enough (asserted). `date` is what http_date_write() wrote. */
size_t response_head(const struct response *response, const char *date, char *out, size_t cap);

/* The reason phrase of a status that we send, such as "Not Found". Static; asserted to be known. */
const char *response_phrase(uint16_t status);

/* The Date of this second, formatted once a second. One worker's. */
struct response_clock {
  time_t second;
  char date[HTTP_DATE_SIZE];
};

const char *response_clock_date(struct response_clock *clock);

#endif
