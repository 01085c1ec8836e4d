/* What a session goes through before its first frame, as the codec reads it: the request head, the upgrade
 * and our answer to it, the URL's path and query, the token file's line.
 *
 * There is no second parser here. Each text is drawn together with its meaning, or with the one rule that it
 * breaks and the byte at which that shows, so that the right result is known before the codec sees a byte.
 */
#ifndef SIM_OPENING_H
#define SIM_OPENING_H

#include <stdint.h>

/* Draws and judges the openings of one session of a plan; a wrong result ends in sim_fail(). They depend on
 * nothing but the plan's seed and the session's number. */
void opening_play(uint64_t seed, uint64_t session);

#endif
