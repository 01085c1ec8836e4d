/* One head, drawn, fed to the parser as a network brings it, and judged with all that is read from it. */
#ifndef SIM_OPENING_HEAD_H
#define SIM_OPENING_HEAD_H

#include "core/random.h"

void opening_head(struct random_source *random);

/* The 101 for an upgrade that was understood (opening_answer.c). */
struct draft;
struct wsl_request;
void opening_answer(const struct wsl_request *request, const struct draft *draft,
                    struct random_source *random);

#endif
