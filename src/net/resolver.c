/* What every resolver does around its library (resolver.h): literals, loopback names, the order of the
 * addresses, and queries that are given up.
 */
#include "net/resolver.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/error.h"
#include "net/resolver_library.h"

/* RFC 1035 2.3.4: 255 octets on the wire are 253 characters, and a dot at the end. */
#define NAME_MAX_LEN 254u

void resolver_found_add(struct resolver_found *found, const struct sockaddr *sockaddr, socklen_t len) {
  int family = sockaddr->sa_family;
  if (family != AF_INET && family != AF_INET6) return;
  bool other = found->count[0] > 0 && found->of[0][0].storage.ss_family != family;
  if (found->count[other] == RESOLVER_ADDRESSES_MAX) return;
  struct address *address = &found->of[other][found->count[other]++];
  memset(address, 0, sizeof *address);
  memcpy(&address->storage, sockaddr, len);
  address->len = len;
}

static void set_port(struct address *address, uint16_t port) {
  void *storage = &address->storage;
  if (address->storage.ss_family == AF_INET)
    ((struct sockaddr_in *)storage)->sin_port = htons(port);
  else
    ((struct sockaddr_in6 *)storage)->sin6_port = htons(port);
}

/* RFC 8305 4: the families take turns, beginning with the one that the library put first. Returns how
 * many there are. */
static size_t interleave(const struct resolver_found *found, uint16_t port,
                         struct address out[RESOLVER_ADDRESSES_MAX]) {
  size_t count = 0;
  for (size_t rank = 0; rank < RESOLVER_ADDRESSES_MAX; rank++) {
    for (int family = 0; family < 2; family++) {
      if (rank >= found->count[family] || count == RESOLVER_ADDRESSES_MAX) continue;
      out[count] = found->of[family][rank];
      set_port(&out[count++], port);
    }
  }
  return count;
}

/* "localhost" and what ends in ".localhost", a closing dot allowed (RFC 6761 6.3). */
static bool is_loopback_name(const char *host) {
  static const char local[] = "localhost";
  size_t len = strlen(host);
  if (len > 0 && host[len - 1] == '.') len--;
  size_t local_len = sizeof local - 1;
  if (len < local_len || strncasecmp(host + len - local_len, local, local_len) != 0) return false;
  return len == local_len || host[len - local_len - 1] == '.';
}

static void add_literal(struct resolver_found *found, const char *literal) {
  struct address address;
  bool parsed = address_parse_literal(literal, 0, &address);
  assert(parsed);
  (void)parsed;
  resolver_found_add(found, (const struct sockaddr *)&address.storage, address.len);
}

void resolver_answer(struct resolver_request *request, int error, struct resolver_found *found) {
  struct resolver_query *query = request->query;
  bool loopback_name = request->loopback_name;
  free(request);
  if (query == NULL) return;
  query->request = NULL;

  struct resolver_found loopback = {.count = {0, 0}};
  if (error != WSL_OK && loopback_name) {
    add_literal(&loopback, "::1");
    add_literal(&loopback, "127.0.0.1");
    found = &loopback;
    error = WSL_OK;
  }
  struct address addresses[RESOLVER_ADDRESSES_MAX];
  size_t count = error == WSL_OK ? interleave(found, query->port, addresses) : 0;
  if (error == WSL_OK && count == 0) error = WSL_NAME_UNKNOWN;
  query->done(query, error, addresses, count);
}

/* The old short forms ("127.1", "0x7f000001") that getaddrinfo takes and so operators write. inet_aton
 * ignores what follows white space: only its own alphabet is let in. */
static bool parse_short_v4(const char *host, uint16_t port, struct address *address) {
  if (*host == '\0' || host[strspn(host, "0123456789abcdefABCDEFxX.")] != '\0') return false;
  struct in_addr in;
  if (inet_aton(host, &in) == 0) return false;
  char strict[INET_ADDRSTRLEN];
  return inet_ntop(AF_INET, &in, strict, sizeof strict) != NULL &&
         address_parse_literal(strict, port, address);
}

void resolver_ask(struct resolver *resolver, struct resolver_query *query, const char *host, uint16_t port,
                  resolver_fn done) {
  *query = (struct resolver_query){.done = done, .port = port};
  struct address literal;
  if (address_parse_literal(host, port, &literal) || parse_short_v4(host, port, &literal)) {
    done(query, WSL_OK, &literal, 1);
    return;
  }
  size_t len = strlen(host);
  if (len == 0 || len > NAME_MAX_LEN) {
    done(query, WSL_NAME_UNKNOWN, NULL, 0);
    return;
  }
  struct resolver_request *request = calloc(1, sizeof *request);
  if (request == NULL) {
    done(query, WSL_NO_MEMORY, NULL, 0);
    return;
  }
  request->query = query;
  request->loopback_name = is_loopback_name(host);
  query->request = request;
  resolver_library_ask(resolver, request, host);
}

void resolver_cancel(struct resolver_query *query) {
  struct resolver_request *request = query->request;
  if (request == NULL) return;
  query->request = NULL;
  request->query = NULL;
  resolver_library_cancel(request);
}
