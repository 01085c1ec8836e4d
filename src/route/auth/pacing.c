/* See route/auth/pacing.h. */
#include "route/auth/pacing.h"

#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Kinds of networks, as their first byte. */
#define KIND_V4   4
#define KIND_V6   6 /* 64 bits of it */
#define KIND_WIDE 7 /* 48 bits of IPv6, the rest 0 */

#define WIDE_BYTES 6 /* behind it */

struct entry {
  struct auth_network network;
  bool used;
  uint32_t failures;
  uint32_t under_way; /* those that wait included */
  uint32_t waiting;
  uint32_t refusals;  /* up to AUTH_REFUSALS_MAX */
  uint64_t failed_ms; /* when the last failure was, or would have been for those that are left */
  uint64_t next_ms;   /* no try before */
};

struct auth_pacing {
  pthread_mutex_t lock;
  uint32_t waiting;
  struct entry entries[AUTH_NETWORKS];
};

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291 2.5.5.2 */

struct auth_network auth_network_of(const struct address *address) {
  struct auth_network network = {{0}};
  if (address->storage.ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&address->storage;
    network.bytes[0] = KIND_V4;
    memcpy(network.bytes + 1, &v4->sin_addr, 4);
  } else if (address->storage.ss_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)&address->storage;
    bool mapped = memcmp(&v6->sin6_addr, mapped_prefix, sizeof(mapped_prefix)) == 0;
    network.bytes[0] = mapped ? KIND_V4 : KIND_V6;
    memcpy(network.bytes + 1, (const uint8_t *)&v6->sin6_addr + (mapped ? 12 : 0), mapped ? 4 : 8);
  }
  return network;
}

struct auth_pacing *auth_pacing_new(void) {
  struct auth_pacing *pacing = calloc(1, sizeof(*pacing));
  if (pacing != NULL) pthread_mutex_init(&pacing->lock, NULL);
  return pacing;
}

void auth_pacing_free(struct auth_pacing *pacing) {
  if (pacing == NULL) return;
  pthread_mutex_destroy(&pacing->lock);
  free(pacing);
}

/* ---- entries ---- */

static struct entry *find(struct auth_pacing *pacing, const struct auth_network *network) {
  for (size_t i = 0; i < AUTH_NETWORKS; i++) {
    struct entry *entry = &pacing->entries[i];
    if (entry->used && memcmp(&entry->network, network, sizeof(*network)) == 0) return entry;
  }
  return NULL;
}

/* Failures that are not forgotten yet, or tries that may become some. */
static bool counts(const struct entry *entry, uint64_t now_ms) {
  uint64_t passed = now_ms > entry->failed_ms ? (now_ms - entry->failed_ms) / AUTH_FORGET_MS : 0;
  return entry->under_way > 0 || entry->failures > passed;
}

static bool is_sibling(const struct entry *entry, const struct auth_network *network, uint64_t now_ms) {
  return entry->used && entry->network.bytes[0] == KIND_V6 &&
         memcmp(entry->network.bytes + 1, network->bytes + 1, WIDE_BYTES) == 0 && counts(entry, now_ms);
}

/* What a network that is not known counts for. */
static struct auth_network widen(const struct auth_pacing *pacing, const struct auth_network *network,
                                 uint64_t now_ms) {
  size_t siblings = 0;
  if (network->bytes[0] != KIND_V6) return *network;
  for (size_t i = 0; i < AUTH_NETWORKS; i++)
    siblings += is_sibling(&pacing->entries[i], network, now_ms);
  if (siblings < AUTH_SIBLINGS) return *network;
  struct auth_network wide = {{KIND_WIDE}};
  memcpy(wide.bytes + 1, network->bytes + 1, WIDE_BYTES);
  return wide;
}

/* NULL: nothing is known of it; *network is then what an entry would be made for. */
static struct entry *find_or_widen(struct auth_pacing *pacing, struct auth_network *network,
                                   uint64_t now_ms) {
  struct entry *entry = find(pacing, network);
  if (entry != NULL) return entry;
  *network = widen(pacing, network, now_ms);
  return find(pacing, network);
}

/* A free one, else the one whose last failure is longest ago; nothing may be under way from it. */
static struct entry *make(struct auth_pacing *pacing, const struct auth_network *network) {
  struct entry *best = NULL;
  for (size_t i = 0; i < AUTH_NETWORKS; i++) {
    struct entry *entry = &pacing->entries[i];
    if (entry->under_way > 0) continue;
    if (best == NULL || !entry->used || (best->used && entry->failed_ms < best->failed_ms)) best = entry;
    if (!entry->used) break;
  }
  if (best != NULL) *best = (struct entry){.network = *network, .used = true};
  return best;
}

static void forget(struct entry *entry, uint64_t now_ms) {
  uint64_t passed = now_ms > entry->failed_ms ? (now_ms - entry->failed_ms) / AUTH_FORGET_MS : 0;
  if (passed == 0) return;
  entry->failures = passed >= entry->failures ? 0 : entry->failures - (uint32_t)passed;
  entry->failed_ms += passed * AUTH_FORGET_MS;
  entry->refusals = 0;
}

static uint64_t pause_of(const struct entry *entry) {
  uint32_t beyond = entry->under_way > AUTH_AT_ONCE ? entry->under_way - AUTH_AT_ONCE : 0;
  uint32_t level = entry->failures + beyond;
  if (level < AUTH_FREE_FAILURES) return 0;
  uint64_t pause = AUTH_PAUSE_MS;
  for (uint32_t i = AUTH_FREE_FAILURES; i < level && pause < AUTH_PAUSE_MAX_MS; i++)
    pause *= 2;
  return pause < AUTH_PAUSE_MAX_MS ? pause : AUTH_PAUSE_MAX_MS;
}

/* Where nothing is left to know of it. */
static void release(struct entry *entry) {
  if (entry->under_way == 0 && entry->failures == 0) *entry = (struct entry){.used = false};
}

/* ---- tries ---- */

static enum auth_pace begin(struct auth_pacing *pacing, struct entry *entry, uint64_t now_ms,
                            uint64_t *wait_ms) {
  uint64_t pause = pause_of(entry);
  *wait_ms = 0;
  if (pause > 0) {
    /* The pause counts from the last try of this network that was given a time. */
    uint64_t from = entry->next_ms > now_ms ? entry->next_ms : now_ms;
    *wait_ms = from + pause - now_ms;
    if (*wait_ms > AUTH_WAIT_MAX_MS || entry->waiting == AUTH_WAITING_EACH ||
        pacing->waiting == AUTH_WAITING_ALL) {
      if (entry->refusals < AUTH_REFUSALS_MAX) entry->refusals++;
      return AUTH_REFUSE;
    }
    entry->next_ms = from + pause;
    entry->waiting++;
    pacing->waiting++;
  }
  entry->under_way++;
  return pause > 0 ? AUTH_WAIT : AUTH_GO;
}

enum auth_pace auth_pacing_begin(struct auth_pacing *pacing, struct auth_network *network, uint64_t now_ms,
                                 uint64_t *wait_ms) {
  pthread_mutex_lock(&pacing->lock);
  struct entry *entry = find_or_widen(pacing, network, now_ms);
  if (entry == NULL) entry = make(pacing, network);
  enum auth_pace pace = AUTH_REFUSE;
  *wait_ms = AUTH_PAUSE_MAX_MS;
  if (entry != NULL) {
    forget(entry, now_ms);
    pace = begin(pacing, entry, now_ms, wait_ms);
  }
  pthread_mutex_unlock(&pacing->lock);
  return pace;
}

bool auth_pacing_may_recall(struct auth_pacing *pacing, const struct auth_network *network, uint64_t now_ms) {
  struct auth_network judged = *network;
  pthread_mutex_lock(&pacing->lock);
  struct entry *entry = find_or_widen(pacing, &judged, now_ms);
  if (entry != NULL) forget(entry, now_ms);
  bool may = entry == NULL || entry->refusals < AUTH_REFUSALS_MAX;
  pthread_mutex_unlock(&pacing->lock);
  return may;
}

void auth_pacing_go(struct auth_pacing *pacing, const struct auth_network *network) {
  pthread_mutex_lock(&pacing->lock);
  struct entry *entry = find(pacing, network);
  assert(entry != NULL && entry->waiting > 0);
  entry->waiting--;
  pacing->waiting--;
  pthread_mutex_unlock(&pacing->lock);
}

void auth_pacing_end(struct auth_pacing *pacing, const struct auth_network *network, enum auth_end end,
                     uint64_t now_ms) {
  pthread_mutex_lock(&pacing->lock);
  struct entry *entry = find(pacing, network);
  assert(entry != NULL && entry->under_way > 0);
  entry->under_way--;
  forget(entry, now_ms);
  if (end == AUTH_WRONG) {
    entry->failures++;
    entry->failed_ms = now_ms;
  }
  release(entry);
  pthread_mutex_unlock(&pacing->lock);
}
