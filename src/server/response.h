/* Response heads and the short plain-text bodies of errors (RFC 9110, RFC 9112). Pure.
 *
 * Nothing that a client sent is copied into a head: every text here is ours, static or formatted from
 * numbers; `location` is a path that codec/path has encoded anew.
 */
#ifndef SERVER_RESPONSE_H
#define SERVER_RESPONSE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <wsluice/span.h>

/* "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL (RFC 9110 5.6.7). */
#define RESPONSE_DATE_SIZE 30u

/* Room that every head needs at most when `location` is NULL; add its length otherwise. */
#define RESPONSE_HEAD_MAX 640u

enum response_connection { RESPONSE_KEEP, RESPONSE_CLOSE };

/* Whether Upgrade, Connection: Upgrade and Sec-WebSocket-Version are added (RFC 6455 4.4). */
enum response_upgrade { RESPONSE_PLAIN, RESPONSE_OFFERS_UPGRADE };

struct response {
  uint16_t status;
  enum response_connection connection;
  enum response_upgrade upgrade;
  uint64_t content_length;   /* of the body, sent or (HEAD) not */
  const char *content_type;  /* the texts: NULL leaves the field out */
  const char *cache_control; /* Cache-Control */
  const char *allow;         /* Allow, with 405 */
  const char *location;      /* Location, with 301 */
  unsigned retry_after_s;    /* Retry-After; 0: none */
};

/* Writes the head, its empty line included, to out[0..cap), and a NUL. Returns its length; the
 * caller's buffer is large enough (asserted). `date` is what response_date() wrote. */
size_t response_head(const struct response *response, const char *date, char *out, size_t cap);

/* The reason phrase of a status that we send, such as "Not Found". Static; asserted to be known. */
const char *response_phrase(uint16_t status);

/* Formats `now` for Date. */
void response_date(time_t now, char out[RESPONSE_DATE_SIZE]);

/* The Date of this second, formatted once a second. One worker's. */
struct response_clock {
  time_t second;
  char date[RESPONSE_DATE_SIZE];
};

const char *response_clock_date(struct response_clock *clock);

#endif
