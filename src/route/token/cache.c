/* See route/token/cache.h. */
#include "route/token/cache.h"

#include <stdlib.h>

#include "route/token/target.h"

struct entry {
  struct list in_bucket, in_order;
  uint64_t hash;
  uint64_t due_ms;
  struct target *target;
  size_t token_len;
  char token[];
};

void token_cache_init(struct token_cache *cache, const struct siphash_key *key) {
  cache->key = key;
  cache->count = 0;
  list_init(&cache->order);
  for (size_t i = 0; i < TOKEN_CACHE_BUCKETS; i++)
    list_init(&cache->buckets[i]);
}

static void drop(struct token_cache *cache, struct entry *entry) {
  list_remove(&entry->in_bucket);
  list_remove(&entry->in_order);
  cache->count--;
  free(entry->target);
  free(entry);
}

void token_cache_destroy(struct token_cache *cache) {
  for (struct list *node; (node = list_take_first(&cache->order)) != NULL;)
    drop(cache, LIST_ENTRY(node, struct entry, in_order));
}

static struct list *bucket_of(struct token_cache *cache, uint64_t hash) {
  return &cache->buckets[hash % TOKEN_CACHE_BUCKETS];
}

static struct entry *find(struct token_cache *cache, struct wsl_span token, uint64_t hash) {
  struct list *bucket = bucket_of(cache, hash);
  for (struct list *node = bucket->next; node != bucket; node = node->next) {
    struct entry *entry = LIST_ENTRY(node, struct entry, in_bucket);
    if (entry->hash == hash && wsl_span_equal((struct wsl_span){entry->token, entry->token_len}, token))
      return entry;
  }
  return NULL;
}

const struct target *token_cache_find(struct token_cache *cache, struct wsl_span token, uint64_t now_ms) {
  if (cache->count == 0 || token.len > TOKEN_CACHE_TOKEN_MAX) return NULL;
  struct entry *entry = find(cache, token, siphash(cache->key, token));
  if (entry == NULL || now_ms < entry->due_ms) return entry == NULL ? NULL : entry->target;
  drop(cache, entry);
  return NULL;
}

static struct entry *make(struct wsl_span token, uint64_t hash, const struct target *target) {
  struct entry *entry = malloc(sizeof(*entry) + token.len);
  if (entry == NULL) return NULL;
  entry->target = token_target_copy(target);
  if (entry->target == NULL) {
    free(entry);
    return NULL;
  }
  entry->hash = hash;
  entry->token_len = token.len;
  memcpy(entry->token, token.at, token.len);
  return entry;
}

void token_cache_keep(struct token_cache *cache, struct wsl_span token, const struct target *target,
                      uint32_t keep_ms, uint64_t now_ms) {
  if (keep_ms == 0 || token.len > TOKEN_CACHE_TOKEN_MAX) return;
  uint64_t hash = siphash(cache->key, token);
  struct entry *before = find(cache, token, hash);
  if (before != NULL) drop(cache, before);
  struct entry *entry = make(token, hash, target);
  if (entry == NULL) return;
  if (cache->count == TOKEN_CACHE_ENTRIES) drop(cache, LIST_ENTRY(cache->order.next, struct entry, in_order));
  entry->due_ms = now_ms + (keep_ms < TOKEN_CACHE_KEEP_MAX_MS ? keep_ms : TOKEN_CACHE_KEEP_MAX_MS);
  list_append(bucket_of(cache, hash), &entry->in_bucket);
  list_append(&cache->order, &entry->in_order);
  cache->count++;
}
