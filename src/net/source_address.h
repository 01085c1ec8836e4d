/* Local addresses that dials go out from, in turns. One address has as many connections to one target as
 * ip_local_port_range has ports (28,232 by default), so n addresses have n times as many.
 *
 * An address without a free port toward a target is passed over for a while: finding that out costs the
 * kernel a walk over the whole range.
 */
#ifndef NET_SOURCE_ADDRESS_H
#define NET_SOURCE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

#define SOURCE_ADDRESSES_MAX 64u

/* None: the system chooses. */
struct source_addresses {
  const struct address *values; /* port 0 */
  size_t count;
};

/* Reads one as an operator writes it, an IPv4 or IPv6 literal. False with a static sentence in *why. */
bool source_address_parse(const char *text, struct address *address, const char **why);

/* Binds to each once, before anything is started. 0, or an error with one line in why[0..why_cap). */
WSL_MUST_CHECK int source_addresses_check(const struct source_addresses *addresses, char *why,
                                          size_t why_cap);

/* A dialer's place in the round. */
struct source_turns {
  const struct source_addresses *addresses; /* NULL: none */
  size_t next;
  struct source_full {
    uint64_t target; /* mark of the target that there is no port for */
    uint64_t until_ms;
  } full[SOURCE_ADDRESSES_MAX];
};

/* `first`: whose turn it is first; workers start at different ones. */
void source_turns_init(struct source_turns *turns, const struct source_addresses *addresses, size_t first);

/* One connect's search for an address to go out from. */
struct source_walk {
  struct source_turns *turns;
  int family;
  uint64_t target;
  uint64_t now_ms;
  size_t start;
  size_t seen;
  size_t current;     /* index of the last one handed out */
  size_t passed_over; /* index of the first that was, + 1; 0: none */
  bool handed_out;
};

/* False when no address of the target's family is given: then the system chooses. */
bool source_walk_begin(struct source_walk *walk, struct source_turns *turns, const struct address *target,
                       uint64_t now_ms);

/* The next address to try; NULL when there is none left. Where all are passed over it is one of them. */
const struct address *source_walk_next(struct source_walk *walk);

/* The one that came last has no port. */
void source_walk_full(struct source_walk *walk);

#endif
