/* Tokens, lists of them, and the lines of a token file, written from what they mean and read back. */
#ifndef SIM_OPENING_LISTS_H
#define SIM_OPENING_LISTS_H

#include "core/random.h"

void opening_token(struct random_source *random);
void opening_list(struct random_source *random);
void opening_token_line(struct random_source *random);

#endif
