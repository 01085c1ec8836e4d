/* Tuned sockets with nothing but POSIX (socket_tuning.h): for systems that are not Linux. */
#include "net/socket_tuning.h"

#if !defined(__linux__)

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#include "core/error.h"

static void set_option(int fd, int level, int name, int value) {
  (void)setsockopt(fd, level, name, &value, sizeof value);
}

void socket_tune_dialled(int fd, const struct socket_tuning *tuning) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
  if (tuning->keepalive_idle_s != 0)
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1); /* with the system's times */
  if (tuning->send_buffer != 0) set_option(fd, SOL_SOCKET, SO_SNDBUF, tuning->send_buffer);
  if (tuning->receive_buffer != 0) set_option(fd, SOL_SOCKET, SO_RCVBUF, tuning->receive_buffer);
}

void socket_tune_accepted(int fd, const struct socket_tuning *tuning) {
  socket_tune_dialled(fd, tuning);
}

void socket_tune_listener(int fd, const struct socket_tuning *tuning) {
  socket_tune_dialled(fd, tuning);
}

/* Options of the socket's level are inherited wherever there are sockets; those of TCP are not everywhere.
 * Whoever was dialled has it already: setting it twice is cheaper than asking. */
void socket_ensure_no_delay(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

static const char *missing(const struct socket_tuning *tuning) {
  if (tuning->congestion_control != NULL) return "--congestion-control";
  if (tuning->notsent_lowat != 0) return "--notsent-lowat";
  return tuning->fastopen_queue != 0 ? "--fastopen" : NULL;
}

int socket_tuning_check(const struct socket_tuning *tuning, char *why, size_t why_cap) {
  const char *option = missing(tuning);
  if (option == NULL) return WSL_OK;
  snprintf(why, why_cap, "%s: not on this system", option);
  return WSL_UNSUPPORTED;
}

#endif
