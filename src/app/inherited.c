/* See app/inherited.h. */
#include "app/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/log.h"
#include "core/parse.h"

#define FIRST_OF_SYSTEMD 3 /* SD_LISTEN_FDS_START */
#define PID_TEXT_MAX     INT32_MAX

/* ---- standard streams ---- */

static bool is_same_socket(int fd, int other) {
  struct stat one, two;
  return fstat(fd, &one) == 0 && fstat(other, &two) == 0 && S_ISSOCK(one.st_mode) &&
         one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

static void end_in_null(int fd) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  (void)dup2(null, fd);
  close(null);
}

/* Standard output and error, as far as they are the socket on standard input. */
static bool part_outputs(void) {
  bool error_gone = is_same_socket(STDIN_FILENO, STDERR_FILENO);
  if (is_same_socket(STDIN_FILENO, STDOUT_FILENO)) end_in_null(STDOUT_FILENO);
  if (error_gone) end_in_null(STDERR_FILENO);
  return error_gone;
}

static bool has_address(int fd) {
  struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
  socklen_t len = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &len) != 0) return false;
  return address.ss_family != AF_UNIX || len > sizeof address.ss_family;
}

static bool stderr_parted;

void inherited_part_streams(void) {
  if (has_address(STDIN_FILENO)) stderr_parted = part_outputs();
}

/* ---- what a descriptor is ---- */

static int int_option(int fd, int name, int *value) {
  socklen_t len = sizeof *value;
  return getsockopt(fd, SOL_SOCKET, name, value, &len);
}

enum socket_role { ROLE_LISTENS, ROLE_CONNECTED, ROLE_NEITHER };

static enum socket_role role_of(int fd) {
  int listens = 0;
  struct sockaddr_storage peer;
  socklen_t len = sizeof peer;
  if (int_option(fd, SO_ACCEPTCONN, &listens) == 0 && listens != 0) return ROLE_LISTENS;
  return getpeername(fd, (struct sockaddr *)&peer, &len) == 0 ? ROLE_CONNECTED : ROLE_NEITHER;
}

/* What keeps it from being served, as the end of a sentence; NULL when nothing does. */
static const char *unfit(int fd) {
  int type = 0;
  if (int_option(fd, SO_TYPE, &type) != 0) return errno == EBADF ? "is not open" : "is not a socket";
  if (type != SOCK_STREAM) return "is no stream socket";
  if (role_of(fd) == ROLE_NEITHER) return "is a socket that neither listens nor is connected any more";
  return NULL;
}

/* ---- taking them ---- */

static void take(struct inherited *inherited, int fd, const char *what) {
  (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
  (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  char *name = inherited->names[inherited->count];
  log_escape(wsl_span_of(what), name, INHERITED_NAME_SIZE);
  inherited->sockets[inherited->count++] = (struct inherited_socket){fd, name};
}

/* Under another number, so that its streams are nothing but streams from now on. */
static int take_stdin(struct inherited *inherited, char *why, size_t why_cap) {
  int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, FIRST_OF_SYSTEMD);
  if (fd < 0) {
    snprintf(why, why_cap, "--inetd: no descriptor left (raise ulimit -n)");
    return WSL_NO_DESCRIPTOR;
  }
  const char *fault = unfit(fd);
  if (fault != NULL) {
    snprintf(
        why, why_cap,
        "--inetd: descriptor 0 %s; inetd, xinetd and systemd-socket-activate --inetd pass a socket there",
        fault);
    close(fd);
    return WSL_INVALID;
  }
  take(inherited, fd, "inetd");
  return WSL_OK;
}

/* The next of the names, which ":" separates; its number where it has none. */
static void next_name(const char **names, int fd, char name[INHERITED_NAME_SIZE]) {
  size_t len = *names == NULL ? 0 : strcspn(*names, ":");
  if (len == 0 || len >= INHERITED_NAME_SIZE) {
    snprintf(name, INHERITED_NAME_SIZE, "descriptor-%d", fd);
  } else {
    memcpy(name, *names, len);
    name[len] = '\0';
  }
  if (*names == NULL) return;
  *names += len;
  *names = **names == ':' ? *names + 1 : NULL;
}

static int take_listed(struct inherited *inherited, const char *number, char *why, size_t why_cap) {
  uint64_t count = 0;
  const char *fault = NULL, *names = getenv("LISTEN_FDNAMES");
  if (parse_unsigned(number, INHERITED_MAX, &count, &fault) != WSL_OK) {
    snprintf(why, why_cap, "LISTEN_FDS in the environment: %s (at most %u sockets)", fault, INHERITED_MAX);
    return WSL_INVALID;
  }
  int error = WSL_OK;
  for (int fd = FIRST_OF_SYSTEMD; error == WSL_OK && fd < FIRST_OF_SYSTEMD + (int)count; fd++) {
    char name[INHERITED_NAME_SIZE];
    next_name(&names, fd, name);
    if (unfit(fd) == NULL) {
      take(inherited, fd, name);
      continue;
    }
    char shown[INHERITED_NAME_SIZE];
    snprintf(why, why_cap, "LISTEN_FDS in the environment: descriptor %d (%s) %s", fd,
             log_escape(wsl_span_of(name), shown, sizeof shown), unfit(fd));
    error = WSL_INVALID;
  }
  return error;
}

static void unset_variables(void) {
  unsetenv("LISTEN_PID");
  unsetenv("LISTEN_FDS");
  unsetenv("LISTEN_FDNAMES");
}

void inherited_check_variables(void) {
  const char *text = getenv("LISTEN_PID"), *fault = NULL;
  uint64_t pid = 0;
  bool ours =
      text != NULL && parse_unsigned(text, PID_TEXT_MAX, &pid, &fault) == WSL_OK && pid == (uint64_t)getpid();
  if (!ours) unset_variables();
}

int inherited_take(struct inherited *inherited, enum inherited_from from, char *why, size_t why_cap) {
  const char *number = getenv("LISTEN_FDS");
  inherited->streams_gone = stderr_parted;
  int error = WSL_OK;
  if (number != NULL) error = take_listed(inherited, number, why, why_cap);
  unset_variables();
  if (error == WSL_OK && from == INHERITED_FROM_INETD) {
    if (inherited->count == 0)
      error = take_stdin(inherited, why, why_cap); /* else systemd has given it twice */
    inherited->streams_gone |= part_outputs();
    if (error == WSL_OK) end_in_null(STDIN_FILENO);
  }
  for (size_t i = 0; error == WSL_OK && inherited->count > 1 && i < inherited->count; i++) {
    if (role_of(inherited->sockets[i].fd) == ROLE_LISTENS) continue;
    snprintf(why, why_cap, "%s is a client's connection: it can't be served beside other sockets",
             inherited->names[i]);
    error = WSL_INVALID;
  }
  return error;
}

void inherited_fill(const struct inherited *inherited, struct server_settings *settings) {
  if (inherited->count == 0) return;
  if (role_of(inherited->sockets[0].fd) == ROLE_LISTENS) {
    settings->inherited = inherited->sockets;
    settings->inherited_count = inherited->count;
  } else {
    settings->client = &inherited->sockets[0];
    settings->listen_host = settings->unix_listen = NULL;
  }
}
