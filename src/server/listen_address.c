/* See server/listen_address.h. */
#include "server/listen_address.h"

#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>

#include "core/error.h"
#include "core/log.h"

#define PRIVILEGED_PORTS_BELOW 1024u

const struct addrinfo *listen_address_choose(const struct addrinfo *list, enum listen_family preferred) {
  int family = preferred == LISTEN_PREFER_IPV6 ? AF_INET6 : AF_INET;
  for (const struct addrinfo *info = list; info != NULL; info = info->ai_next) {
    if (info->ai_family == family) return info;
  }
  return list;
}

static int resolve_name(const char *host, uint16_t port, enum listen_family family, struct address *address,
                        char *why, size_t why_cap) {
  struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
  struct addrinfo *list = NULL;
  char service[8];
  snprintf(service, sizeof(service), "%u", (unsigned)port);
  int error = getaddrinfo(host, service, &hints, &list);
  if (error != 0) {
    char shown[128];
    log_escape(wsl_span_of(host), shown, sizeof(shown));
    snprintf(why, why_cap, "can't listen on \"%s\": the name was not resolved (%s)", shown,
             gai_strerror(error));
    return WSL_NAME_UNKNOWN;
  }
  const struct addrinfo *chosen = listen_address_choose(list, family);
  assert(chosen != NULL && chosen->ai_addrlen <= sizeof(address->storage));
  memcpy(&address->storage, chosen->ai_addr, chosen->ai_addrlen);
  address->len = chosen->ai_addrlen;
  freeaddrinfo(list);
  return 0;
}

int listen_address_resolve(const char *host, uint16_t port, enum listen_family family,
                           struct address *address, char *why, size_t why_cap) {
  if (address_parse_literal(host[0] == '\0' ? "::" : host, port, address)) return 0;
  return resolve_name(host, port, family, address, why, why_cap);
}

void listen_address_explain(int error, const struct address *address, char *why, size_t why_cap) {
  char where[ADDRESS_TEXT_MAX];
  address_format(address, where);
  uint16_t port = address_port(address);
  switch (error) {
    case WSL_DENIED:
      snprintf(why, why_cap, "can't listen on %s: permission denied%s", where,
               port < PRIVILEGED_PORTS_BELOW ? " (ports below 1024 need root or CAP_NET_BIND_SERVICE)" : "");
      break;
    case WSL_IN_USE:
      snprintf(why, why_cap,
               "can't listen on %s: address in use: is another program, or another wsluice, listening on "
               "port %u?",
               where, (unsigned)port);
      break;
    case WSL_NO_ADDRESS:
      snprintf(why, why_cap, "can't listen on %s: this machine has no such address", where);
      break;
    case WSL_UNSUPPORTED:
      snprintf(why, why_cap, "can't listen on %s: this address family is disabled on this machine", where);
      break;
    case WSL_NO_DESCRIPTOR:
      snprintf(why, why_cap, "can't listen on %s: no descriptor left (raise ulimit -n)", where);
      break;
    default:
      snprintf(why, why_cap, "can't listen on %s: %s", where, error_text(error));
  }
}

/* `::` takes IPv4 clients too; for any other address the flag has no meaning. */
static bool is_any_ipv6(const struct address *address) {
  if (address->storage.ss_family != AF_INET6) return false;
  const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)&address->storage;
  return IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
}

int listen_address_bind(const char *host, struct address *address, enum listen_sharing sharing,
                        const struct socket_tuning *tuning, int backlog, char *why, size_t why_cap) {
  int fd = privileged_listen(address, is_any_ipv6(address), sharing, tuning, backlog);
  if ((fd == WSL_UNSUPPORTED || fd == WSL_NO_ADDRESS) && host[0] == '\0' && is_any_ipv6(address)) {
    bool parsed = address_parse_literal("0.0.0.0", address_port(address), address);
    assert(parsed);
    (void)parsed;
    fd = privileged_listen(address, false, sharing, tuning, backlog);
  }
  if (fd < 0) {
    listen_address_explain(fd, address, why, why_cap);
    return fd;
  }
  address->len = sizeof(address->storage);
  int got = getsockname(fd, (struct sockaddr *)&address->storage, &address->len);
  assert(got == 0);
  (void)got;
  return fd;
}
