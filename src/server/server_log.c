/* What the server tells the log of itself (server/server_internal.h).
 */
#include <inttypes.h>
#include <stddef.h>

#include "core/log.h"
#include "core/text.h"
#include "server/server_internal.h"

/* ---- at its start ---- */

/* For who wonders how many fit: descriptors end sooner than memory mostly. */
static void log_room(const struct server *server) {
  struct worker_footprint footprint = worker_footprint(server->workers[0]);
  log_event(LOG_DEBUG, 0, "room connections=%zu idle_session_bytes=%zu idle_connection_bytes=%zu",
            server->admission.cap, footprint.session, footprint.connection);
}

static const char *show_targets(const struct server_settings *settings) {
  if (settings->target_place != NULL) return "by-client";
  return settings->token_kind != NULL ? "by-token" : settings->target.text;
}

/* Where clients are taken from. */
static void log_places(const struct server *server) {
  char where[ADDRESS_TEXT_MAX];
  const struct server_settings *settings = server->settings;
  const char *target = show_targets(settings);
  for (size_t i = 0; i < server->sockets.count; i++) {
    const struct listen_socket *socket = &server->sockets.all[i];
    log_event(LOG_INFO, 0, "listening on %s workers=%u target=%s%s%s",
              address_format(&socket->address, where), server->workers_count, target,
              socket->name == NULL ? "" : " inherited=", socket->name == NULL ? "" : socket->name);
  }
  if (settings->client != NULL)
    log_event(LOG_INFO, 0, "serving one client client=%s target=%s inherited=%s",
              address_format(&server->client, where), target, settings->client->name);
}

void server_log_start(const struct server *server) {
  log_places(server);
  log_room(server);
}

/* ---- at its end ---- */

static void log_worker(const struct server *server, unsigned index) {
  const struct counters *counters = worker_counters(server->workers[index]);
  log_event(LOG_DEBUG, 0,
            "worker stopped worker=%u connections=%" PRIu64 " sessions=%" PRIu64 " handed_on=%" PRIu64, index,
            counter_get(&counters->accepted), counter_get(&counters->upgrades),
            counter_get(&counters->handed_on));
}

/* What the last line of the log adds to its first four figures, where it is not 0: those of one letter come
 * together. */
static const struct {
  const char *name;
  size_t offset; /* of the counter in struct counters */
  char group;
} notable[] = {
    {"refused_targets", offsetof(struct counters, refused_targets), 'r'},
    {"proxy_failed", offsetof(struct counters, proxy_failed), 'p'},
    {"stalled", offsetof(struct counters, stalled), 's'},
    {"replaced_text", offsetof(struct counters, replaced_text), 'u'},
    {"auth_failures", offsetof(struct counters, auth_failures), 'a'},
    {"auth_delays", offsetof(struct counters, auth_delays), 'a'},
    {"lookups", offsetof(struct counters, lookups), 'l'},
    {"lookups_failed", offsetof(struct counters, lookups_failed), 'l'},
    {"tls", offsetof(struct counters, tls_handshakes), 't'},
    {"tls_resumed", offsetof(struct counters, tls_resumed), 't'},
    {"tls_failed", offsetof(struct counters, tls_failed), 't'},
};
#define NOTABLE (sizeof(notable) / sizeof(notable[0]))

/* All workers' together. */
static uint64_t total(const struct server *server, size_t offset) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < server->workers_count; i++) {
    const char *counters = (const char *)worker_counters(server->workers[i]);
    sum += counter_get((const _Atomic uint64_t *)(const void *)(counters + offset));
  }
  return sum;
}
#define TOTAL(server, counter) total(server, offsetof(struct counters, counter))

static bool group_is_notable(const uint64_t totals[NOTABLE], char group) {
  for (size_t i = 0; i < NOTABLE; i++) {
    if (notable[i].group == group && totals[i] > 0) return true;
  }
  return false;
}

void server_log_end(const struct server *server) {
  uint64_t totals[NOTABLE];
  char rest[LOG_TEXT_MAX];
  struct text text;
  text_init(&text, rest, sizeof(rest));
  for (unsigned i = 0; i < server->workers_count; i++)
    log_worker(server, i);
  for (size_t i = 0; i < NOTABLE; i++)
    totals[i] = total(server, notable[i].offset);
  for (size_t i = 0; i < NOTABLE; i++) {
    if (group_is_notable(totals, notable[i].group))
      text_format(&text, " %s=%" PRIu64, notable[i].name, totals[i]);
  }
  if (server->settings->target.program != NULL)
    text_format(&text, " programs=%" PRIu64 " programs_failed=%" PRIu64,
                atomic_load(&server->programs.started), atomic_load(&server->programs.failed));
  log_event(LOG_INFO, 0,
            "stopped connections=%" PRIu64 " sessions=%" PRIu64 " requests=%" PRIu64 " refused=%" PRIu64 "%s",
            TOTAL(server, accepted), TOTAL(server, upgrades), TOTAL(server, requests_served),
            TOTAL(server, refused_4xx) + TOTAL(server, refused_5xx), rest);
}
