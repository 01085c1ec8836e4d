/* A draft (opening_draft.h) as bytes: spelled in one of the ways that mean the same, or with one byte that
 * can't stand where it stands (enum slip), or longer than the limits allow.
 */
#ifndef SIM_OPENING_WRITE_H
#define SIM_OPENING_WRITE_H

#include "opening_draft.h"

#define NOWHERE SIZE_MAX

/* Where a head's parts begin. */
struct layout {
  size_t start; /* of the request line; NOWHERE: no request is begun before the slip */
  size_t target, version, line_end;
  size_t fields[DRAFT_FIELDS_MAX + 1]; /* lines; the last is the empty one that ends the head */
  size_t values[DRAFT_FIELDS_MAX];     /* right behind the colon */
  size_t value_ends[DRAFT_FIELDS_MAX];
};

struct sent {
  struct text text; /* the head, and bytes that belong to what follows */
  size_t head_len;
  struct layout layout; /* as it was before the slip */
  struct wsl_head_limits limits;
  size_t bad_at;   /* the byte that must be refused; NOWHERE: none */
  uint16_t status; /* with which */
  const char *words;
};

void sent_write(struct sent *sent, const struct draft *draft, struct random_source *random);

/* ---- for opening_slip.c ---- */

void sent_slip(struct sent *sent, const struct draft *draft, struct random_source *random);

#endif
