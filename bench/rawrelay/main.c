/* rawrelay: a TCP relay that does no WebSocket work, as the floor in `make bench`.
 *
 *   rawrelay [--buffer-size BYTES] LISTEN_HOST:PORT TARGET_HOST:PORT
 *
 * Numeric addresses only; one loop, one thread. Says "listening on HOST:PORT" on standard error
 * (port 0: the kernel chooses) and ends with status 0 on SIGTERM or SIGINT.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "relay.h"

#define DEFAULT_BUFFER_SIZE (256u * 1024u) /* as wsluice's --buffer-size */
#define BUFFER_SIZE_MIN     4096u
#define BUFFER_SIZE_MAX     (16u * 1024u * 1024u)
#define BACKLOG             1024
#define HOST_LEN            64
#define STATUS_USAGE        2

struct server {
  uv_loop_t loop;
  uv_tcp_t listener;
  struct relay_pool pool;
  struct sockaddr_storage target;
};

static int fail(const char *what, int error) {
  fprintf(stderr, "rawrelay: %s: %s\n", what, uv_strerror(error));
  return EXIT_FAILURE;
}

/* HOST:PORT with a numeric host, brackets round IPv6. */
static bool parse_address(const char *text, struct sockaddr_storage *address) {
  const char *colon = strrchr(text, ':');
  char host[HOST_LEN] = "";
  if (colon == NULL || colon == text || (size_t)(colon - text) >= sizeof host) return false;
  size_t len = (size_t)(colon - text);
  bool is_v6 = text[0] == '[' && colon[-1] == ']';
  memcpy(host, text + (is_v6 ? 1 : 0), len - (is_v6 ? 2 : 0));
  char *end = NULL;
  long port = strtol(colon + 1, &end, 10);
  if (*end != '\0' || end == colon + 1 || port < 0 || port > UINT16_MAX) return false;
  return is_v6 ? uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)address) == 0
               : uv_ip4_addr(host, (int)port, (struct sockaddr_in *)address) == 0;
}

static bool parse_buffer_size(const char *text, size_t *size) {
  char *end = NULL;
  unsigned long value = strtoul(text, &end, 10);
  if (*end == 'K' || *end == 'k') {
    value *= 1024;
    end++;
  }
  *size = value;
  return *end == '\0' && value >= BUFFER_SIZE_MIN && value <= BUFFER_SIZE_MAX;
}

/* Each pair takes two descriptors. */
static void raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void on_connection(uv_stream_t *listener, int status) {
  struct server *server = listener->data;
  if (status == 0) status = relay_accept(listener, &server->pool, (const struct sockaddr *)&server->target);
  if (status != 0) fail("a connection could not be taken", status);
}

static void say_where(uv_tcp_t *listener) {
  struct sockaddr_storage address;
  int len = sizeof address;
  char host[HOST_LEN] = "?";
  if (uv_tcp_getsockname(listener, (struct sockaddr *)&address, &len) != 0) return;
  bool is_v6 = address.ss_family == AF_INET6;
  in_port_t port = 0;
  if (is_v6) {
    uv_ip6_name((struct sockaddr_in6 *)&address, host, sizeof host);
    port = ((struct sockaddr_in6 *)&address)->sin6_port;
  } else {
    uv_ip4_name((struct sockaddr_in *)&address, host, sizeof host);
    port = ((struct sockaddr_in *)&address)->sin_port;
  }
  const char *form = is_v6 ? "rawrelay: listening on [%s]:%u\n" : "rawrelay: listening on %s:%u\n";
  fprintf(stderr, form, host, (unsigned)ntohs(port));
}

static int serve(struct server *server, const struct sockaddr_storage *listen_on) {
  int error = uv_loop_init(&server->loop);
  if (error != 0) return fail("no event loop", error);
  uv_tcp_init(&server->loop, &server->listener);
  server->listener.data = server;
  error = uv_tcp_bind(&server->listener, (const struct sockaddr *)listen_on, 0);
  if (error == 0) error = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
  if (error != 0) return fail("can't listen", error);
  say_where(&server->listener);
  return uv_run(&server->loop, UV_RUN_DEFAULT); /* until a signal ends the process */
}

/* There is nothing to finish: who measures has closed its connections. */
static void on_signal(int number) {
  (void)number;
  _Exit(EXIT_SUCCESS);
}

static int usage(void) {
  fputs("usage: rawrelay [--buffer-size BYTES[K]] LISTEN_HOST:PORT TARGET_HOST:PORT\n", stderr);
  return STATUS_USAGE;
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"buffer-size", required_argument, NULL, 'b'}, {NULL, 0, NULL, 0}};
  static struct server server = {.pool = {.buffer_size = DEFAULT_BUFFER_SIZE}};
  struct sockaddr_storage listen_on = {0};
  for (int option = 0; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (option != 'b' || !parse_buffer_size(optarg, &server.pool.buffer_size)) return usage();
  }
  if (argc - optind != 2 || !parse_address(argv[optind], &listen_on) ||
      !parse_address(argv[optind + 1], &server.target)) {
    return usage();
  }
  struct sigaction on_end = {.sa_handler = on_signal};
  sigaction(SIGTERM, &on_end, NULL);
  sigaction(SIGINT, &on_end, NULL);
  signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  return serve(&server, &listen_on);
}
