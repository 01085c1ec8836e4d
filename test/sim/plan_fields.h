/* The settings of a plan as a table: where each lies, what is plain, and how it reads when it isn't. Who
 * tells a story and who makes it simpler share it.
 */
#ifndef SIM_PLAN_FIELDS_H
#define SIM_PLAN_FIELDS_H

#include "plan.h"

struct plan_field {
  size_t offset, size;      /* in its struct; size in bytes, 1 or 4 */
  uint32_t plain;           /* what is nothing special */
  const char *words;        /* when it isn't plain; # stands for the number */
  const char *const *names; /* or, by value, instead of words */
};

/* Of struct plan, struct temper, struct role (its tempers left out). Each ends with size 0. */
extern const struct plan_field plan_fields[], temper_fields[], role_fields[];

uint32_t field_get(const struct plan_field *field, const void *owner);
void field_make_plain(const struct plan_field *field, void *owner);
bool field_is_plain(const struct plan_field *field, const void *owner);

#endif
