/* SipHash-2-4 (Aumasson and Bernstein): a short hash under a key, which who does not know the key can neither
 * foresee nor invert: for tables that strangers fill, and for names in logs that must tell nothing.
 */
#ifndef CORE_SIPHASH_H
#define CORE_SIPHASH_H

#include <stdint.h>

#include <wsluice/span.h>

struct siphash_key {
  uint64_t words[2]; /* random_bytes() */
};

uint64_t siphash(const struct siphash_key *key, struct wsl_span data);

#endif
