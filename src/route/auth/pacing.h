/* Guessing made slow: who fails too often waits before the next try is even looked at, longer each time.
 *
 * Counted by the client's network (an IPv4 address, the first 64 bits of an IPv6 one, all of a machine's Unix
 * sockets), since an attacker has as many ports, and as many addresses within those bits, as he likes. Tries
 * of one network are given times one behind the other, so that many at once help no more than one:
 *
 *   failures         0..4   5    6    7    8    9 and more
 *   pause before it   -    1 s  2 s  4 s  8 s  10 s
 *
 * Whoever has 64 bits mostly has 16 more to choose them from (RFC 6177): where AUTH_SIBLINGS networks of the
 * same 48 bits have failed, all others of these count as one.
 *
 * What is under way counts as a failure beyond AUTH_AT_ONCE. A failure is forgotten each AUTH_FORGET_MS; a
 * success changes nothing: whoever has one account could guess at others' between two of his own logins.
 * All is bounded; what is beyond is refused. Shared by all workers, locked. Pure but for that.
 *
 * Refusing costs a guesser nothing, so a refused try must tell him nothing either: whoever was refused too
 * often may not have his logins held against those that were right lately (auth_pacing_may_recall()), which
 * takes no turn and would tell the right password from thousands of others in seconds.
 */
#ifndef ROUTE_AUTH_PACING_H
#define ROUTE_AUTH_PACING_H

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

#define AUTH_FREE_FAILURES 5u
#define AUTH_AT_ONCE       8u /* tries of one network: as many as a browser opens connections, and some */
#define AUTH_PAUSE_MS      ((uint64_t)1000)
#define AUTH_PAUSE_MAX_MS  ((uint64_t)10000)
#define AUTH_FORGET_MS     ((uint64_t)30000)
#define AUTH_WAIT_MAX_MS   ((uint64_t)30000) /* who would wait longer is refused */
#define AUTH_WAITING_EACH  4u                /* tries of one network that wait */
#define AUTH_WAITING_ALL   256u              /* tries that wait: each holds a connection */
#define AUTH_REFUSALS_MAX  16u               /* of one network, until a failure is forgotten: see above */
#define AUTH_NETWORKS      1024u             /* that are known; the one that failed longest ago makes room */
#define AUTH_SIBLINGS      16u               /* of these, of the same 48 bits: see above */

struct auth_pacing;

/* Compared byte by byte. */
struct auth_network {
  uint8_t bytes[9];
};

struct auth_network auth_network_of(const struct address *address);

struct auth_pacing *auth_pacing_new(void);         /* NULL without memory */
void auth_pacing_free(struct auth_pacing *pacing); /* NULL is ignored */

enum auth_pace {
  AUTH_GO,
  AUTH_WAIT,  /* *wait_ms, then auth_pacing_go() */
  AUTH_REFUSE /* *wait_ms: how long to stay away; counted as refused */
};

/* A try of *network begins, which may become the wider one that it counts for from here on. Unless refused it
 * is under way until auth_pacing_end(). */
enum auth_pace auth_pacing_begin(struct auth_pacing *pacing, struct auth_network *network, uint64_t now_ms,
                                 uint64_t *wait_ms);

/* Whether a login of `network` may be answered by what is remembered, without a try. */
bool auth_pacing_may_recall(struct auth_pacing *pacing, const struct auth_network *network, uint64_t now_ms);

/* It has waited, or gives up waiting. */
void auth_pacing_go(struct auth_pacing *pacing, const struct auth_network *network);

enum auth_end { AUTH_RIGHT, AUTH_WRONG, AUTH_UNTRIED };

/* It is over. AUTH_UNTRIED: it was not looked at. */
void auth_pacing_end(struct auth_pacing *pacing, const struct auth_network *network, enum auth_end end,
                     uint64_t now_ms);

#endif
