/* See server/connection/proxy_address.h. */
#include "server/connection/proxy_address.h"

#include <netinet/in.h>
#include <string.h>

#include "net/network.h"

/* Where an IPv4 address stands in a v4-mapped one (RFC 4291 2.5.5.2), and what stands in front of it. */
#define MAPPED_AT      12u
#define MAPPED_ONES_AT 10u

static bool is_ip(int family) {
  return family == AF_INET || family == AF_INET6;
}

static struct proxy_end end_of(const struct address *address, enum proxy_family family) {
  struct bare_address bare = address_bare(address);
  struct proxy_end end = {.port = address_port(address)};
  if (!is_ip(bare.family)) return end;
  if (family == PROXY_IPV6 && bare.family == AF_INET) {
    memset(end.host + MAPPED_ONES_AT, 0xff, MAPPED_AT - MAPPED_ONES_AT);
    memcpy(end.host + MAPPED_AT, bare.bytes, sizeof(struct in_addr));
    return end;
  }
  memcpy(end.host, bare.bytes, sizeof(end.host));
  return end;
}

struct proxy_header proxy_header_of(const struct address *client, const struct address *local) {
  int of_client = address_bare(client).family, of_local = address_bare(local).family;
  struct proxy_header header = {.family = PROXY_NOBODY};
  if (!is_ip(of_client)) return header;
  bool v6 = of_client == AF_INET6 || of_local == AF_INET6;
  header.family = v6 ? PROXY_IPV6 : PROXY_IPV4;
  header.source = end_of(client, header.family);
  header.destination = end_of(local, header.family);
  return header;
}

struct address proxy_address_of(enum proxy_family family, const struct proxy_end *end) {
  struct address address = {.len = 0};
  struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&address.storage;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&address.storage;
  if (family == PROXY_IPV4) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(end->port);
    memcpy(&v4->sin_addr, end->host, sizeof(v4->sin_addr));
    address.len = sizeof(*v4);
  } else {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(end->port);
    memcpy(&v6->sin6_addr, end->host, sizeof(v6->sin6_addr));
    address.len = sizeof(*v6);
  }
  return address;
}
