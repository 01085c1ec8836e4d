/* Sockets that whoever started us has opened, found before anything else opens a descriptor:
 *
 *   --inetd                 descriptor 0 of inetd, xinetd and systemd-socket-activate --inetd
 *   LISTEN_FDS, LISTEN_PID  descriptors 3 and up of systemd (sd_listen_fds(3)); LISTEN_FDNAMES names them
 *
 * Those that listen are listened on ("wait", Accept=no). One that is connected ("nowait", Accept=yes) is a
 * client, the only one. inetd's are the standard streams as well, so these are moved away from it: no line of
 * ours may get to a client. The protocol is three variables, so that no library is worth a shared object in
 * the static binary.
 */
#ifndef APP_INHERITED_H
#define APP_INHERITED_H

#include <stddef.h>

#include "server/settings.h"

#define INHERITED_MAX       64u
#define INHERITED_NAME_SIZE 64u

/* All zero: none. */
struct inherited {
  struct inherited_socket sockets[INHERITED_MAX];
  char names[INHERITED_MAX][INHERITED_NAME_SIZE];
  size_t count;
  bool streams_gone; /* standard error was the socket: what is written there, nobody sees */
};

/* Has the standard streams end in /dev/null where they are the very socket that descriptor 0 is and it has an
 * address, as a service's has (what shells and ssh make has none). First thing in a program. */
void inherited_part_streams(void);

/* Removes the three variables where they are meant for another process, so that options_parse() can go by
 * LISTEN_FDS. Before threads. */
void inherited_check_variables(void);

enum inherited_from { INHERITED_FROM_SYSTEMD, INHERITED_FROM_INETD };

/* Takes the sockets over (non-blocking, close-on-exec) and removes the variables, since they are not meant
 * for children. Non-blocking they stay for whoever handed them down, too, and behind our end: the flag
 * belongs to what all their descriptors share, and a successor of ours that polls may be at work already,
 * whose workers would hang in accept() if we took it back. FROM_INETD: descriptor 0 is one, too. 0, or an
 * error with a line in why[0..why_cap): too many, no socket, one of another kind, or a connected one that is
 * not alone. Before threads and forks. */
WSL_MUST_CHECK int inherited_take(struct inherited *inherited, enum inherited_from from, char *why,
                                  size_t why_cap);

/* Fills in the settings' part. The struct outlives the server. */
void inherited_fill(const struct inherited *inherited, struct server_settings *settings);

#endif
