/* HTTP/1.x request heads (RFC 9112): an incremental parser that refuses each byte that can't stand
 * where it stands, at that byte.
 *
 * The caller keeps the bytes of the head contiguous and calls wsl_head_feed() with all of them so
 * far; the parser looks at each byte once and keeps offsets, so the bytes may move between calls
 * (a growing buffer) as long as they stay the same. Pure: no I/O, no allocation.
 *
 * Strictness: CRLF or a bare LF ends a line, a bare CR never does; no obs-fold, no NUL or other
 * control character but HTAB in values, no white space before the colon or in front of the first
 * header; one empty line before the request line is skipped (2.2). Versions: HTTP/1.x, another
 * major version is a 505.
 */
#ifndef WSLUICE_HEAD_H
#define WSLUICE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

struct wsl_head_limits {
  uint32_t request_line_max; /* bytes without line end; more: 414. Default 16 KB                 */
  uint32_t head_max;         /* bytes of the head in all, final empty line included; more: 431   */
  uint32_t fields_max;       /* header lines; more: 431. The caller's array holds as many        */
};

/* One header line: offsets into the head, white space round the value trimmed. */
struct wsl_head_field {
  uint32_t name_at, value_at;
  uint32_t name_len, value_len;
};

enum wsl_head_status {
  WSL_HEAD_MORE, /* so far fine, not complete */
  WSL_HEAD_DONE,
  WSL_HEAD_BAD
};

struct wsl_head {
  const char *base; /* as given to the last feed */
  struct wsl_head_field *fields;
  uint32_t fields_count;
  struct wsl_head_limits limits;
  uint32_t head_len; /* DONE: bytes of the head; what lies behind belongs to whatever follows */
  uint32_t method_at, method_len;
  uint32_t target_at, target_len;
  uint8_t minor_version;    /* HTTP/1.minor */
  bool method_is_head;      /* from the method's end on, also when BAD: answers have no content */
  uint16_t error_status;    /* BAD: the HTTP status to answer: 400, 414, 431, 505 */
  const char *error_reason; /* BAD: static text for the log and the answer's body */
  /* private: where the parser stands */
  uint32_t at;
  uint32_t mark;
  uint8_t state;
  bool skipped_empty_line;
};

/* A parser at the start of a head. `fields` has room for limits->fields_max entries and stays the
 * caller's. */
void wsl_head_init(struct wsl_head *head, const struct wsl_head_limits *limits,
                   struct wsl_head_field *fields);

/* Moves the fields, the one that is half read included, to another array with room for as many: for
 * a head that turns out not to be whole and must leave a scratch array. Between two feeds. */
void wsl_head_move_fields(struct wsl_head *head, struct wsl_head_field *fields);

/* Parses base[0..len), the head from its first byte on; len never shrinks between calls. After BAD
 * the parser must not be fed again. */
WSL_MUST_CHECK enum wsl_head_status wsl_head_feed(struct wsl_head *head, const char *base, size_t len);

/* Whether a byte of a request was seen (an empty line alone begins none): tells a 408 from silence. */
bool wsl_head_begun(const struct wsl_head *head);

/* Views into `base`; after DONE only. */
struct wsl_span wsl_head_method(const struct wsl_head *head);
struct wsl_span wsl_head_target(const struct wsl_head *head);
struct wsl_span wsl_head_name(const struct wsl_head *head, uint32_t field);
struct wsl_span wsl_head_value(const struct wsl_head *head, uint32_t field);

/* The next field named `name` (any case) at or after *field, with *field moved behind it; false when
 * there is none. Start with *field = 0. */
bool wsl_head_next(const struct wsl_head *head, struct wsl_span name, uint32_t *field,
                   struct wsl_span *value);

#endif
