/* Request heads for the fuzz targets: read in one piece or in cuts, with limits of their choice, and written
 * anew from what was read.
 */
#ifndef FUZZ_HEAD_TEXT_H
#define FUZZ_HEAD_TEXT_H

#include <wsluice/head.h>

#include "fuzz/fuzz.h"

#define HEAD_FIELDS_MAX 100u

/* A head that was read: its bytes and what the parser made of them. Where bytes lie does not matter, so that
 * a test moves them at each cut. */
struct head_read {
  struct wsl_head head;
  enum wsl_head_status status;
  char *bytes; /* those that were given to it */
  size_t len;
};

extern const struct wsl_head_limits head_limits_default;

void head_read(struct head_read *read, const void *data, size_t len, const struct wsl_head_limits *limits,
               struct fuzz_cuts cuts);
void head_read_free(struct head_read *read);

/* How to write a head: what may differ and must not matter. */
struct head_style {
  const char *line_end; /* "\r\n" or "\n" */
  const char *colon;    /* ":", ": ", ... */
  bool capitals;        /* of names */
};

/* The head that was read (DONE), written in that style; *len without a NUL. free() it. */
char *head_write(const struct wsl_head *head, const struct head_style *style, size_t *len);

#endif
