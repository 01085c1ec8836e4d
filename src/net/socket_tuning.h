/* What an operator may choose about TCP sockets (docs/TUNING.md), and how it gets onto them.
 *
 * On Linux an accepted connection inherits all of it from its listener, so it costs no system call; only
 * dialled ones are tuned one by one. A receive buffer must be set before listen() and connect(): it goes into
 * the window's scale, which the SYN agrees upon.
 */
#ifndef NET_SOCKET_TUNING_H
#define NET_SOCKET_TUNING_H

#include <stddef.h>

#include <wsluice/span.h>

/* Longest name of a congestion control, NUL included (Linux: TCP_CA_NAME_MAX). */
#define CONGESTION_NAME_MAX 16u

/* Least size of a buffer, where one is set: the kernel counts its overhead in, so that less (it takes
 * anything from 2,304 bytes on) does not hold two packets of an Ethernet, and a stream goes one by one. */
#define SOCKET_BUFFER_MIN 4096u

/* 0 and NULL leave to the system what it does by itself. TCP_NODELAY and SO_OOBINLINE are always on. */
struct socket_tuning {
  int send_buffer;      /* SO_SNDBUF, bytes; set, it ends the system's autotuning */
  int receive_buffer;   /* SO_RCVBUF, likewise */
  int notsent_lowat;    /* TCP_NOTSENT_LOWAT toward clients, bytes */
  int keepalive_idle_s; /* 0: no keepalive */
  int keepalive_interval_s;
  int keepalive_probes;
  int fastopen_queue; /* listener: openings whose data came with the SYN and that wait for the handshake */
  const char *congestion_control;
};

/* A dead peer of an idle connection is found after 60 + 4 * 15 seconds, before the 130 s at which silence
 * with data pending is taken for death. */
#define KEEPALIVE_IDLE_S     60
#define KEEPALIVE_INTERVAL_S 15
#define KEEPALIVE_PROBES     4

extern const struct socket_tuning socket_tuning_default;

/* Tries it on a socket: before anything is started. What the system cuts down is logged as a warning; what it
 * refuses is an error with one line in why[0..why_cap). */
WSL_MUST_CHECK int socket_tuning_check(const struct socket_tuning *tuning, char *why, size_t why_cap);

/* Before listen(). Best effort, as below: it has been checked. */
void socket_tune_listener(int fd, const struct socket_tuning *tuning);

/* For a connection of a client's that came from elsewhere than our listeners. */
void socket_tune_accepted(int fd, const struct socket_tuning *tuning);

/* Before connect(). */
void socket_tune_dialled(int fd, const struct socket_tuning *tuning);

/* TCP_NODELAY for a connection that may have come without it: not every system has listeners pass it on. Does
 * nothing on Linux, where an accepted one has inherited it and a dialled one was given it. */
void socket_ensure_no_delay(int fd);

#endif
