/* Log lines to a syslog daemon, beside where they go otherwise: one datagram a line, over UDP or to a Unix
 * socket such as /dev/log (there also as a stream, where the daemon takes nothing else).
 *
 * Sending never waits: a line that the socket does not take at once is lost and counted, and the count is
 * sent before the next line. A daemon that was restarted, or comes later, is found: looked for once a second.
 */
#ifndef OPS_SYSLOG_OUTPUT_H
#define OPS_SYSLOG_OUTPUT_H

#include <stdint.h>
#include <time.h>

#include "ops/log.h"

/* RFC 5424; or a line without time and host, which the daemon fills in (websockify's --legacy-syslog). */
enum syslog_protocol { SYSLOG_RFC5424, SYSLOG_LEGACY };

/* RFC 5424 6.2.1 */
enum syslog_facility { SYSLOG_USER = 1, SYSLOG_DAEMON = 3 };

struct syslog_settings {
  const char *server; /* "host:port", or the path of a Unix socket: what has no colon */
  const char *name;   /* the program's (APP-NAME); '_' is sent for what a header can't hold */
  enum syslog_protocol protocol;
  enum syslog_facility facility;
};

/* Room for a header: priority, time, a host name of 64 bytes, a name of 48, process id. */
#define SYSLOG_HEADER_MAX 192u

/* Whether `server` can be one; else a static sentence in *why. Pure. */
WSL_MUST_CHECK int syslog_server_check(const char *server, const char **why);

/* Whether the daemon could be reached when it was opened. Not is no reason to stay down: containers and early
 * boot have no /dev/log, and websockify starts there. */
enum syslog_daemon { SYSLOG_THERE, SYSLOG_ABSENT };

/* Resolves and connects; names by the system's resolver, which may take its time: before anything is served.
 * From the main thread, behind the last fork (the process id is in every line). 0, or an error. With either,
 * but where the daemon is there, one line in why[0..why_cap). */
WSL_MUST_CHECK int syslog_output_open(const struct syslog_settings *settings, enum syslog_daemon *daemon,
                                      char *why, size_t why_cap);

/* Sends a line: `text` as core/log's sinks get it. Any thread. Does nothing unless it is open. */
void syslog_output_send(const struct timespec *time, enum log_level level, uint64_t id, const char *text);

/* Closes it; harmless when it is not open. Other threads may still send. */
void syslog_output_close(void);

#endif
