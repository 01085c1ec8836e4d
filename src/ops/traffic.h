/* --traffic: a character on standard output for each event of a session, as websockify prints them. */
#ifndef OPS_TRAFFIC_H
#define OPS_TRAFFIC_H

/* Writes `mark` (a few characters) unless that would block: where the reader is too slow marks are lost. Any
 * thread. */
void traffic_mark(const char *mark);

#endif
