/* Socket addresses and their texts (address.h). */
#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "core/error.h"

/* Room for an IPv6 literal and "%" and an interface's name. */
#define SCOPED_TEXT_MAX (INET6_ADDRSTRLEN + 1 + IF_NAMESIZE)

static struct sockaddr_in *as_v4(struct address *address) {
  return (struct sockaddr_in *)(void *)&address->storage;
}

static struct sockaddr_in6 *as_v6(struct address *address) {
  return (struct sockaddr_in6 *)(void *)&address->storage;
}

/* A scope is an interface's name, or its number where the system has no such name; 0 is none. */
static uint32_t parse_scope(const char *text) {
  uint32_t index = if_nametoindex(text);
  if (index != 0) return index;
  if (*text < '0' || *text > '9') return 0;
  char *end;
  unsigned long number = strtoul(text, &end, 10);
  return *end == '\0' && number <= UINT32_MAX ? (uint32_t)number : 0;
}

static bool parse_v6(const char *host, uint16_t port, struct address *address) {
  char bare[INET6_ADDRSTRLEN];
  size_t len = strcspn(host, "%");
  if (len >= sizeof bare) return false;
  memcpy(bare, host, len);
  bare[len] = '\0';

  struct sockaddr_in6 *v6 = as_v6(address);
  if (inet_pton(AF_INET6, bare, &v6->sin6_addr) != 1) return false;
  if (host[len] == '%') {
    v6->sin6_scope_id = parse_scope(host + len + 1);
    if (v6->sin6_scope_id == 0) return false;
  }
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  address->len = sizeof *v6;
  return true;
}

bool address_parse_literal(const char *host, uint16_t port, struct address *address) {
  memset(address, 0, sizeof *address);
  struct sockaddr_in *v4 = as_v4(address);
  if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address->len = sizeof *v4;
    return true;
  }
  return parse_v6(host, port, address);
}

int address_unix(const char *path, struct address *address) {
  memset(address, 0, sizeof *address);
  struct sockaddr_un *un = (struct sockaddr_un *)(void *)&address->storage;
  size_t len = strlen(path);
  if (len == 0 || len >= sizeof un->sun_path) return WSL_INVALID;
  un->sun_family = AF_UNIX;
  memcpy(un->sun_path, path, len + 1);
  address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
  return WSL_OK;
}

static void format_v4(const struct in_addr *host, in_port_t port, char out[ADDRESS_TEXT_MAX]) {
  char text[INET_ADDRSTRLEN] = "?";
  (void)inet_ntop(AF_INET, host, text, sizeof text);
  (void)snprintf(out, ADDRESS_TEXT_MAX, "%s:%u", text, ntohs(port));
}

static void format_v6(const struct sockaddr_in6 *v6, char out[ADDRESS_TEXT_MAX]) {
  if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
    struct in_addr host;
    memcpy(&host, &v6->sin6_addr.s6_addr[12], sizeof host);
    format_v4(&host, v6->sin6_port, out);
    return;
  }
  char text[SCOPED_TEXT_MAX] = "?";
  (void)inet_ntop(AF_INET6, &v6->sin6_addr, text, INET6_ADDRSTRLEN);
  if (v6->sin6_scope_id != 0) {
    size_t len = strlen(text);
    char name[IF_NAMESIZE];
    if (if_indextoname(v6->sin6_scope_id, name) != NULL)
      (void)snprintf(text + len, sizeof text - len, "%%%s", name);
    else
      (void)snprintf(text + len, sizeof text - len, "%%%u", (unsigned)v6->sin6_scope_id);
  }
  (void)snprintf(out, ADDRESS_TEXT_MAX, "[%s]:%u", text, ntohs(v6->sin6_port));
}

/* The kernel terminates a path only where there is room; an unnamed peer's address has none at all,
 * and an abstract one (Linux) starts with a NUL, shown as "@". */
static void format_unix(const struct address *address, char out[ADDRESS_TEXT_MAX]) {
  const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)&address->storage;
  size_t start = offsetof(struct sockaddr_un, sun_path);
  size_t cap = address->len > start ? address->len - start : 0;
  if (cap > sizeof un->sun_path) cap = sizeof un->sun_path;
  const char *path = un->sun_path, *mark = "";
  if (cap > 1 && path[0] == '\0') {
    mark = "@";
    path++;
    cap--;
  }
  (void)snprintf(out, ADDRESS_TEXT_MAX, "unix:%s%.*s", mark, (int)cap, path);
}

const char *address_format(const struct address *address, char out[ADDRESS_TEXT_MAX]) {
  const void *storage = &address->storage;
  const struct sockaddr_in *v4 = storage;
  switch (address->storage.ss_family) {
    case AF_INET:
      format_v4(&v4->sin_addr, v4->sin_port, out);
      break;
    case AF_INET6:
      format_v6(storage, out);
      break;
    case AF_UNIX:
      format_unix(address, out);
      break;
    default:
      (void)snprintf(out, ADDRESS_TEXT_MAX, "unknown");
  }
  return out;
}

int address_local(int fd, struct address *address) {
  memset(address, 0, sizeof *address);
  address->len = sizeof address->storage;
  return getsockname(fd, (struct sockaddr *)(void *)&address->storage, &address->len) == 0 ? WSL_OK : WSL_IO;
}

uint16_t address_port(const struct address *address) {
  const void *storage = &address->storage;
  switch (address->storage.ss_family) {
    case AF_INET:
      return ntohs(((const struct sockaddr_in *)storage)->sin_port);
    case AF_INET6:
      return ntohs(((const struct sockaddr_in6 *)storage)->sin6_port);
    default:
      return 0;
  }
}
