/* See opening.h. */
#include "opening.h"

#include "opening_head.h"
#include "opening_lists.h"
#include "opening_url.h"

/* Keeps the openings' numbers apart from those that the plan of the same seed is drawn with. */
#define OPENINGS UINT64_C(0x6f70656e696e6773)

#define HEADS 2u /* most of the code is there */

void opening_play(uint64_t seed, uint64_t session) {
  struct random_source random;
  random_seed(&random, seed ^ OPENINGS);
  random_seed(&random, random_next(&random) + session);
  for (unsigned i = 0; i < HEADS; i++)
    opening_head(&random);
  opening_path(&random);
  opening_path_encode(&random);
  opening_query(&random);
  opening_query_encode(&random);
  opening_token(&random);
  opening_list(&random);
  opening_token_line(&random);
}
