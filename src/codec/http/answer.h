/* Answers of HTTP servers (RFC 9112), taken apart as they come: status, what of the head matters to a short
 * question, and the body out of its framing (Content-Length, chunked, or up to the end).
 *
 *   for (;;) { piece = http_answer_feed(&answer, bytes, len); append piece.body; ... }
 *
 * Pure: no I/O, no allocation; what a head needs between calls is bounded and inside. Interim answers (1xx)
 * are passed over. Strict where two readers might disagree: lengths, transfer codings, line ends, control
 * characters; folded lines are refused (5.2).
 */
#ifndef CODEC_HTTP_ANSWER_H
#define CODEC_HTTP_ANSWER_H

#include <stdint.h>

#include <wsluice/span.h>

#define HTTP_ANSWER_HEAD_MAX 16384u /* bytes of heads, chunks' sizes and trailers */
#define HTTP_ANSWER_BODY_MAX 65536u /* bytes of the body */
#define HTTP_ANSWER_LINE_MAX 2048u  /* of a line that matters; others may be longer */

enum http_answer_event {
  HTTP_ANSWER_MORE, /* feed what is left, or what comes next */
  HTTP_ANSWER_DONE, /* whole; what lies behind belongs to nobody */
  HTTP_ANSWER_BAD   /* `why` says what is wrong */
};

struct http_answer {
  uint16_t status;     /* once the head is over, as the next two */
  uint32_t fresh_s;    /* for how long a cache may answer from it (RFC 9111 4.2), 0: not at all */
  size_t location_len; /* of location[]; 0: none */
  char location[HTTP_ANSWER_LINE_MAX];
  const char *why; /* BAD: a static sentence for the log */
  /* private */
  uint8_t state;
  bool has_length, is_chunked, no_store, has_max_age, has_location;
  uint32_t max_age_s, age_s;
  uint64_t left;     /* of the body, or of a chunk */
  uint32_t head_len; /* bytes of heads so far */
  uint32_t body_len;
  uint32_t line_len; /* of the line being read; what is more than its buffer is only counted */
  char line[HTTP_ANSWER_LINE_MAX];
};

struct http_answer_piece {
  enum http_answer_event event;
  size_t consumed;
  struct wsl_span body; /* of the body, inside what was fed; may be empty */
};

/* For the answer to a GET. */
void http_answer_init(struct http_answer *answer);

/* Reads on. With MORE and consumed < len there is a piece of the body to take before the next call. Not
 * called again behind DONE and BAD. */
WSL_MUST_CHECK struct http_answer_piece http_answer_feed(struct http_answer *answer, const char *bytes,
                                                         size_t len);

/* The stream has ended: DONE where that is the body's end, else BAD. */
WSL_MUST_CHECK enum http_answer_event http_answer_end(struct http_answer *answer);

#endif
