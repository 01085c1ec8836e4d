/* See net/source_address.h. */
#include "net/source_address.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "net/socket_system.h"

/* Long enough that a full range is not walked for every client, short enough that nobody notices when
 * ports come free. */
#define PASS_OVER_MS 200u

/* ---- what the operator gives ---- */

static bool is_one_host(const struct address *address) {
  const void *storage = &address->storage;
  if (address->storage.ss_family == AF_INET) {
    uint32_t host = ntohl(((const struct sockaddr_in *)storage)->sin_addr.s_addr);
    return host != INADDR_ANY && host != INADDR_BROADCAST && !IN_MULTICAST(host);
  }
  const struct in6_addr *host = &((const struct sockaddr_in6 *)storage)->sin6_addr;
  return !IN6_IS_ADDR_UNSPECIFIED(host) && !IN6_IS_ADDR_MULTICAST(host) && !IN6_IS_ADDR_V4MAPPED(host);
}

bool source_address_parse(const char *text, struct address *address, const char **why) {
  *why = "must be an IPv4 or IPv6 address of this machine, such as 10.0.0.5 or fd00::5";
  return address_parse_literal(text, 0, address) && is_one_host(address);
}

static int try_to_bind(const struct address *address) {
  int fd = socket_create(address->storage.ss_family);
  if (fd < 0) return error_from_errno(errno);
  int error = socket_bind_source(fd, address);
  close(fd);
  return error;
}

/* As the operator wrote it: without the port that address_format() adds. */
static void explain(int error, const struct address *address, char *why, size_t why_cap) {
  char where[ADDRESS_TEXT_MAX];
  address_format(address, where);
  *strrchr(where, ':') = '\0';
  snprintf(why, why_cap, "can't connect from %s (--source-address): %s", where,
           error == WSL_NO_ADDRESS ? "this machine has no such address" : error_text(error));
}

int source_addresses_check(const struct source_addresses *addresses, char *why, size_t why_cap) {
  for (size_t i = 0; i < addresses->count; i++) {
    int error = try_to_bind(&addresses->values[i]);
    if (error == WSL_OK) continue;
    explain(error, &addresses->values[i], why, why_cap);
    return error;
  }
  return WSL_OK;
}

/* ---- turns ---- */

void source_turns_init(struct source_turns *turns, const struct source_addresses *addresses, size_t first) {
  memset(turns, 0, sizeof *turns);
  turns->addresses = addresses;
  if (addresses != NULL && addresses->count > 0) turns->next = first % addresses->count;
}

static bool has_family(const struct source_addresses *addresses, int family) {
  for (size_t i = 0; addresses != NULL && i < addresses->count; i++) {
    if (addresses->values[i].storage.ss_family == family) return true;
  }
  return false;
}

/* Tells targets apart (FNV-1a over host and port); two that meet in one mark are passed over together for a
 * moment, no more. */
static uint64_t mark_of(const struct address *target) {
  const void *storage = &target->storage;
  const struct sockaddr_in6 *v6 = storage;
  const struct sockaddr_in *v4 = storage;
  bool is_v4 = target->storage.ss_family == AF_INET;
  const uint8_t *host = is_v4 ? (const void *)&v4->sin_addr : (const void *)&v6->sin6_addr;
  size_t len = is_v4 ? sizeof v4->sin_addr : sizeof v6->sin6_addr;
  uint64_t mark = 0xcbf29ce484222325u ^ address_port(target);
  for (size_t i = 0; i < len; i++)
    mark = (mark ^ host[i]) * 0x100000001b3u;
  return mark;
}

bool source_walk_begin(struct source_walk *walk, struct source_turns *turns, const struct address *target,
                       uint64_t now_ms) {
  int family = target->storage.ss_family;
  if (!has_family(turns->addresses, family)) return false;
  *walk = (struct source_walk){
      .turns = turns, .family = family, .target = mark_of(target), .now_ms = now_ms, .start = turns->next};
  return true;
}

static const struct address *hand_out(struct source_walk *walk, size_t index) {
  struct source_turns *turns = walk->turns;
  walk->current = index;
  walk->handed_out = true;
  turns->next = (index + 1) % turns->addresses->count;
  return &turns->addresses->values[index];
}

static bool is_passed_over(const struct source_walk *walk, size_t index) {
  const struct source_full *full = &walk->turns->full[index];
  return full->target == walk->target && full->until_ms > walk->now_ms;
}

const struct address *source_walk_next(struct source_walk *walk) {
  const struct source_addresses *addresses = walk->turns->addresses;
  while (walk->seen < addresses->count) {
    size_t index = (walk->start + walk->seen++) % addresses->count;
    if (addresses->values[index].storage.ss_family != walk->family) continue;
    if (!is_passed_over(walk, index)) return hand_out(walk, index);
    if (walk->passed_over == 0) walk->passed_over = index + 1;
  }
  if (walk->handed_out || walk->passed_over == 0) return NULL;
  return hand_out(walk, walk->passed_over - 1);
}

void source_walk_full(struct source_walk *walk) {
  walk->turns->full[walk->current] = (struct source_full){walk->target, walk->now_ms + PASS_OVER_MS};
}
