/* Paths and queries of URLs, written from what they mean and read back. */
#ifndef SIM_OPENING_URL_H
#define SIM_OPENING_URL_H

#include "core/random.h"

void opening_path(struct random_source *random);
void opening_path_encode(struct random_source *random);
void opening_query(struct random_source *random);
void opening_query_encode(struct random_source *random);

#endif
