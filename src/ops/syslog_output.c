/* See ops/syslog_output.h. */
#include "ops/syslog_output.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "core/error.h"
#include "core/parse.h"

#define HOST_MAX       256u /* 253 bytes of a name, and a NUL */
#define HOST_NAME_SIZE 65u  /* Linux: 64 bytes of a host name */
#define NAME_SIZE      49u  /* RFC 5424 6: 48 bytes of an APP-NAME */
#define NO_ONE         (-1)
#define NS_PER_S       UINT64_C(1000000000)
#define NS_PER_MS      1000000
#define LOST_TEXT_MAX  64u
#define SHOWN_MAX      256u

static struct {
  uv_once_t once;
  uv_mutex_t mutex;
  /* All below: under the mutex. */
  int fd;
  int type; /* SOCK_DGRAM, SOCK_STREAM */
  struct sockaddr_storage address;
  socklen_t address_len;
  struct syslog_settings settings;
  char host[HOST_NAME_SIZE], name[NAME_SIZE]; /* as the header may hold them */
  uint64_t lost;                              /* lines since the last note about that */
  uint64_t retry_ns;                          /* when to look for the daemon again */
} output = {.once = UV_ONCE_INIT, .fd = NO_ONE};

static void make_lock(void) {
  if (uv_mutex_init(&output.mutex) != 0) abort();
}

static bool is_path(const char *server) {
  return strchr(server, ':') == NULL;
}

int syslog_server_check(const char *server, const char **why) {
  char host[HOST_MAX];
  uint16_t port;
  struct sockaddr_un path;
  if (!is_path(server)) return parse_endpoint(server, PARSE_HOST_REQUIRED, host, sizeof host, &port, why);
  *why = "the path of a Unix socket has 1 to 107 bytes";
  size_t len = strlen(server);
  return len == 0 || len >= sizeof path.sun_path ? WSL_INVALID : WSL_OK;
}

/* ---- connecting ---- */

static int connect_to(int type) {
  int fd = socket(output.address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return NO_ONE;
  if (connect(fd, (const struct sockaddr *)&output.address, output.address_len) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return NO_ONE;
}

/* A stream where the Unix socket is one. errno is the reason where it fails. */
static bool open_socket(void) {
  output.type = SOCK_DGRAM;
  output.fd = connect_to(SOCK_DGRAM);
  if (output.fd == NO_ONE && errno == EPROTOTYPE) {
    output.type = SOCK_STREAM;
    output.fd = connect_to(SOCK_STREAM);
  }
  return output.fd != NO_ONE;
}

static void close_socket(void) {
  if (output.fd != NO_ONE) close(output.fd);
  output.fd = NO_ONE;
}

static int resolve(const char *server, const char **reason) {
  char host[HOST_MAX], service[8];
  uint16_t port = 0;
  struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *list = NULL;
  if (parse_endpoint(server, PARSE_HOST_REQUIRED, host, sizeof host, &port, reason) != WSL_OK)
    return WSL_INVALID;
  snprintf(service, sizeof service, "%u", (unsigned)port);
  int status = getaddrinfo(host, service, &hints, &list);
  if (status != 0) {
    *reason = gai_strerror(status);
    return WSL_NOT_FOUND;
  }
  memcpy(&output.address, list->ai_addr, list->ai_addrlen);
  output.address_len = list->ai_addrlen;
  freeaddrinfo(list);
  return WSL_OK;
}

static int find_server(const char *server, const char **reason) {
  int error = syslog_server_check(server, reason);
  if (error != WSL_OK || !is_path(server)) return error != WSL_OK ? error : resolve(server, reason);
  struct sockaddr_un path = {.sun_family = AF_UNIX};
  memcpy(path.sun_path, server, strlen(server) + 1);
  memcpy(&output.address, &path, sizeof path);
  output.address_len = sizeof path;
  return WSL_OK;
}

/* The words of a header are visible ASCII (RFC 5424 6), "-" where there is none: a blank in the name that we
 * were started by would move all that stands behind it. */
static void make_word(const char *text, char *out, size_t cap) {
  size_t len = 0;
  for (; len < cap - 1 && text[len] != '\0'; len++)
    out[len] = text[len] > ' ' && text[len] < 0x7F ? text[len] : '_';
  if (len == 0) out[len++] = '-';
  out[len] = '\0';
}

static void find_names(const char *name) {
  char host[HOST_NAME_SIZE];
  if (gethostname(host, sizeof host) != 0) host[0] = '\0';
  host[sizeof host - 1] = '\0';
  make_word(host, output.host, sizeof output.host);
  make_word(name, output.name, sizeof output.name);
}

int syslog_output_open(const struct syslog_settings *settings, enum syslog_daemon *daemon, char *why,
                       size_t why_cap) {
  const char *reason = NULL;
  char shown[SHOWN_MAX];
  uv_once(&output.once, make_lock);
  uv_mutex_lock(&output.mutex);
  output.settings = *settings;
  output.lost = 0;
  find_names(settings->name);
  int error = find_server(settings->server, &reason);
  *daemon = error == WSL_OK && open_socket() ? SYSLOG_THERE : SYSLOG_ABSENT;
  if (error == WSL_OK) reason = strerror(errno);
  uv_mutex_unlock(&output.mutex);
  log_escape(wsl_span_of(settings->server), shown, sizeof shown);
  if (error != WSL_OK)
    snprintf(why, why_cap, "can't log to --syslog \"%s\": %s", shown, reason);
  else if (*daemon == SYSLOG_ABSENT)
    snprintf(why, why_cap,
             "no daemon at --syslog \"%s\" (%s): tried again every second, lines for it are lost until then",
             shown, reason);
  return error;
}

void syslog_output_close(void) {
  uv_once(&output.once, make_lock);
  uv_mutex_lock(&output.mutex);
  close_socket();
  output.settings.server = NULL;
  uv_mutex_unlock(&output.mutex);
}

/* ---- sending (under the mutex) ---- */

/* RFC 5424 6.2.1 */
static int severity_of(enum log_level level) {
  static const int severities[] = {[LOG_ERROR] = 3, [LOG_WARN] = 4, [LOG_INFO] = 6, [LOG_DEBUG] = 7};
  return severities[level];
}

static int write_header(const struct timespec *time, enum log_level level, char out[SYSLOG_HEADER_MAX]) {
  int priority = 8 * (int)output.settings.facility + severity_of(level);
  if (output.settings.protocol == SYSLOG_LEGACY)
    return snprintf(out, SYSLOG_HEADER_MAX, "<%d>%s[%d]: ", priority, output.name, (int)getpid());
  struct tm utc;
  char second[32];
  gmtime_r(&time->tv_sec, &utc);
  (void)strftime(second, sizeof second, "%Y-%m-%dT%H:%M:%S", &utc);
  return snprintf(out, SYSLOG_HEADER_MAX, "<%d>1 %s.%03ldZ %s %s %d - - ", priority, second,
                  time->tv_nsec / NS_PER_MS, output.host, output.name, (int)getpid());
}

/* One datagram; of a stream a line. False when it did not leave whole. */
static bool send_line(const struct timespec *time, enum log_level level, uint64_t id, const char *text) {
  char line[SYSLOG_HEADER_MAX + LOG_TEXT_MAX + 32];
  char header[SYSLOG_HEADER_MAX], tag[24] = "";
  (void)write_header(time, level, header);
  if (id != 0) snprintf(tag, sizeof tag, "[%llx] ", (unsigned long long)id);
  int len =
      snprintf(line, sizeof line, "%s%s%s%s", header, tag, text, output.type == SOCK_STREAM ? "\n" : "");
  ssize_t sent = send(output.fd, line, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent == len;
}

/* Over UDP an ICMP error of an earlier line is reported to a later one, and taken with that; a full queue is
 * no reason to look for another daemon. */
static bool is_gone(int error) {
  return error != EAGAIN && error != EWOULDBLOCK && error != ENOBUFS && error != EMSGSIZE;
}

static bool send_or_find_again(const struct timespec *time, enum log_level level, uint64_t id,
                               const char *text) {
  if (output.fd != NO_ONE && send_line(time, level, id, text)) return true;
  uint64_t now_ns = uv_hrtime();
  if (output.fd != NO_ONE && output.type == SOCK_DGRAM && !is_gone(errno)) return false;
  if (output.retry_ns > now_ns) return false;
  output.retry_ns = now_ns + NS_PER_S;
  close_socket();
  return open_socket() && send_line(time, level, id, text);
}

static void note_losses(const struct timespec *time) {
  char text[LOST_TEXT_MAX];
  if (output.lost == 0) return;
  snprintf(text, sizeof text, "%llu log lines lost: syslog did not take them",
           (unsigned long long)output.lost);
  if (send_or_find_again(time, LOG_WARN, 0, text)) output.lost = 0;
}

void syslog_output_send(const struct timespec *time, enum log_level level, uint64_t id, const char *text) {
  uv_once(&output.once, make_lock);
  uv_mutex_lock(&output.mutex);
  if (output.settings.server != NULL) {
    note_losses(time);
    if (!send_or_find_again(time, level, id, text)) output.lost++;
  }
  uv_mutex_unlock(&output.mutex);
}
