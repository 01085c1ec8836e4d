/* Answers that a source has allowed to be kept for a while (token_answer.keep_ms), one cache a worker.
 *
 * Bounded in entries, in the time that any of them counts, and in how long a token it keeps; the one that was
 * put in first goes first. Only targets that were found are kept: whoever is unknown is asked for again. Who
 * fills it with tokens can't make it slow, since the hash has a key.
 */
#ifndef ROUTE_TOKEN_CACHE_H
#define ROUTE_TOKEN_CACHE_H

#include <stdint.h>

#include "core/list.h"
#include "core/siphash.h"
#include "net/dialer.h"

#define TOKEN_CACHE_ENTRIES     1024u
#define TOKEN_CACHE_KEEP_MAX_MS 60000u
#define TOKEN_CACHE_TOKEN_MAX   1024u /* bytes; longer ones are not kept */

#define TOKEN_CACHE_BUCKETS 256u

struct token_cache {
  const struct siphash_key *key;
  struct list buckets[TOKEN_CACHE_BUCKETS];
  struct list order; /* oldest first */
  size_t count;
};

/* `key` outlives the cache. */
void token_cache_init(struct token_cache *cache, const struct siphash_key *key);
void token_cache_destroy(struct token_cache *cache);

/* The target that is kept for a token; NULL when there is none, or its time is over. Lives until the next
 * call. */
const struct target *token_cache_find(struct token_cache *cache, struct wsl_span token, uint64_t now_ms);

/* Keeps a copy of `target` for keep_ms, or for the longest time; in place of one that was kept before.
 * Without memory nothing is kept. */
void token_cache_keep(struct token_cache *cache, struct wsl_span token, const struct target *target,
                      uint32_t keep_ms, uint64_t now_ms);

#endif
