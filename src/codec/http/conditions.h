/* What a request wants of a file under which conditions: preconditions (RFC 9110 13), a part of it (14), and
 * whether it may come compressed (12.5.3).
 *
 * The state of a file is known only after it was opened, on another thread, when the request's bytes have
 * gone: so the fields are copied out of the head first, and judged later. Pure.
 */
#ifndef CODEC_HTTP_CONDITIONS_H
#define CODEC_HTTP_CONDITIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <wsluice/head.h>

/* The fields' values, several lines of one joined as a list (RFC 9110 5.3); `at` NULL where there is none. */
struct conditions {
  struct wsl_span if_match, if_none_match, if_modified_since, if_unmodified_since, if_range, range,
      accept_encoding;
};

/* Bytes that conditions_copy() needs. At most the head's length. */
size_t conditions_room(const struct wsl_head *head);

/* Copies what `head` (complete) says to memory[0..conditions_room()), which the spans point into. */
void conditions_copy(const struct wsl_head *head, char *memory, struct conditions *conditions);

/* What the file is now. */
struct file_state {
  uint64_t size;      /* bytes */
  const char *tag;    /* strong entity tag with its quotes; NULL: it has none */
  int64_t modified_s; /* Last-Modified; since 1970 */
  bool has_modified;  /* else the dates of a request are ignored (13.1.3, 13.1.4) */
};

/* The status that follows, with what is to be sent. */
enum condition_outcome {
  CONDITION_WHOLE,     /* 200 */
  CONDITION_PART,      /* 206, `part` is set */
  CONDITION_UNCHANGED, /* 304 */
  CONDITION_FAILED,    /* 412 */
  CONDITION_NO_PART    /* 416: nothing of the range lies in the file */
};

struct file_part {
  uint64_t first, len; /* len > 0 */
};

/* Whether GET asks, or HEAD: of that no part is sent (14.2). */
enum condition_method { CONDITION_GET, CONDITION_HEAD };

/* Judges in the order of RFC 9110 13.2.2. Only one range is granted; of several the whole is sent, as 14.2
 * allows, and as well for a unit or a syntax that is none. `now`: seconds since 1970, for years of two
 * digits. */
enum condition_outcome conditions_judge(const struct conditions *conditions, enum condition_method method,
                                        const struct file_state *state, int64_t now, struct file_part *part);

/* Whether the client takes gzip (12.5.3): it, or "x-gzip", or else "*", with a weight above 0 that is not
 * less than that of "identity" where this is named. */
bool conditions_accept_gzip(const struct conditions *conditions);

#endif
