/* See app/wrap/port.h. */
#include "app/wrap/port.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/error.h"
#include "core/hash.h"
#include "core/random.h"
#include "net/address.h"
#include "net/socket_system.h"

/* Those below are services'. */
#define LOWEST_PORT  10000u
#define HIGHEST_PORT 65535u
#define PORTS        (HIGHEST_PORT - LOWEST_PORT + 1u)

/* Half of them are the system's by default, and hardly any of the others is taken. */
#define DRAWS 1000u

#define STATE_LISTEN 0x0Au /* of /proc/net/tcp */

/* A socket that is bound there, or -1. IPv6: alone, so that both families are looked at. */
static int bind_there(const char *literal, uint16_t number, int reuse) {
  struct address address;
  if (!address_parse_literal(literal, number, &address)) return -1;
  int fd = socket_create(address.storage.ss_family);
  if (fd < 0) return -1;
  if (reuse != 0) (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
  if (address.storage.ss_family == AF_INET6)
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
  if (bind(fd, (const struct sockaddr *)&address.storage, address.len) == 0) return fd;
  close(fd);
  return -1;
}

static bool has_ipv6(void) {
  int fd = bind_there("::1", 0, 0);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/* On all addresses, since it is the program's to choose one. */
static bool is_free(uint16_t number, bool ipv6) {
  int fd = bind_there("0.0.0.0", number, 0);
  if (fd < 0) return false;
  close(fd);
  if (!ipv6) return true;
  fd = bind_there("::", number, 0);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static bool take(struct wrap_port *port, uint16_t number, enum wrap_port_hold hold, bool ipv6) {
  if (!is_free(number, ipv6)) return false;
  if (hold == WRAP_PORT_HELD) {
    port->held_fd = bind_there("127.0.0.1", number, 1);
    if (port->held_fd < 0) return false;
  }
  port->number = number;
  return true;
}

static bool find_outside(struct wrap_port *port, enum wrap_port_hold hold, struct random_source *random,
                         struct port_range avoid) {
  bool ipv6 = has_ipv6();
  for (unsigned i = 0; i < DRAWS; i++) {
    uint16_t number = (uint16_t)(LOWEST_PORT + random_below(random, PORTS));
    if (number >= avoid.first && number <= avoid.last) continue;
    if (take(port, number, hold, ipv6)) return true;
  }
  return false;
}

int wrap_port_find(struct wrap_port *port, enum wrap_port_hold hold) {
  *port = (struct wrap_port){0, -1};
  uint64_t seed;
  if (random_bytes(&seed, sizeof seed) != 0) seed = (uint64_t)getpid(); /* that differs, too */
  struct random_source random;
  random_seed(&random, seed);
  if (find_outside(port, hold, &random, socket_ephemeral_ports())) return WSL_OK;
  /* Containers may have made it all of them. */
  return find_outside(port, hold, &random, (struct port_range){0, 0}) ? WSL_OK : WSL_NO_PORT;
}

void wrap_port_release(struct wrap_port *port) {
  if (port->number != 0 && port->held_fd >= 0) close(port->held_fd);
  *port = (struct wrap_port){0, -1};
}

/* Lines such as "  0: 0100007F:1F90 00000000:0000 0A ..." */
static bool is_listed(const char *path, uint16_t number, bool *readable) {
  char line[256];
  FILE *file = fopen(path, "re");
  bool found = false;
  if (file == NULL) return false;
  *readable = true;
  while (!found && fgets(line, sizeof line, file) != NULL) {
    unsigned port = 0, state = 0;
    if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x", &port, &state) != 2) continue;
    found = port == number && state == STATE_LISTEN;
  }
  fclose(file);
  return found;
}

bool wrap_port_is_listened_on(uint16_t number) {
  bool readable = false;
  bool found =
      is_listed("/proc/net/tcp", number, &readable) || is_listed("/proc/net/tcp6", number, &readable);
  return found || !readable;
}
