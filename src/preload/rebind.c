/* The library that moves a wrapped program's listening port aside (-- PROGRAM; src/app/wrap): preloaded into
 * the program, it has bind() of a stream socket to REBIND_OLD_PORT take REBIND_NEW_PORT on loopback, whatever
 * address was named, so that wsluice can have the old port and nobody else gets past it.
 *
 *   0.0.0.0:OLD, 192.0.2.1:OLD              127.0.0.1:NEW
 *   [::]:OLD, [::1]:OLD with IPV6_V6ONLY    [::1]:NEW
 *   the same without (IPv4 clients too)     [::ffff:127.0.0.1]:NEW, where an IPv4 client is expected
 *
 * All else is left as it is: other ports, datagrams, what getsockname() says (whoever connects to what it
 * says must get to the program). The new port is held for the program by a socket of wsluice's, so
 * SO_REUSEADDR is set. Children have the library too, as far as they keep the environment.
 *
 * It lives in programs of strangers: two functions, no state but two numbers that are written before main(),
 * no allocation, and errno as bind() leaves it. Nothing of wsluice is linked in.
 */
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PORT_MAX 65535

typedef int (*bind_fn)(int fd, const struct sockaddr *address, socklen_t len);

static in_port_t old_port, new_port; /* in network order; 0: nothing is moved */

/* The next in the chain of libraries, which others may have put before the C library's, too. */
static bind_fn next_bind;

static in_port_t port_of(const char *name) {
  const char *text = getenv(name);
  char *end = NULL;
  long port = text == NULL ? 0 : strtol(text, &end, 10);
  return text == NULL || *end != '\0' || port < 1 || port > PORT_MAX ? 0 : htons((uint16_t)port);
}

__attribute__((constructor)) static void begin(void) {
  void *symbol = dlsym(RTLD_NEXT, "bind");
  memcpy(&next_bind, &symbol, sizeof next_bind); /* ISO C has no cast from an object to a function */
  old_port = port_of("REBIND_OLD_PORT");
  new_port = port_of("REBIND_NEW_PORT");
  if (old_port == 0 || new_port == 0) old_port = new_port = 0;
}

static int int_option(int fd, int level, int name) {
  int value = 0;
  socklen_t len = sizeof value;
  return getsockopt(fd, level, name, &value, &len) == 0 ? value : -1;
}

/* Where it is to go instead; 0 where it stays as it is. */
static socklen_t move_aside(int fd, const struct sockaddr *address, socklen_t len,
                            struct sockaddr_storage *moved) {
  if (new_port == 0 || address == NULL || len > sizeof *moved || len < sizeof(sa_family_t)) return 0;
  memcpy(moved, address, len);
  if (moved->ss_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)moved;
    if (in->sin_port != old_port) return 0;
    in->sin_port = new_port;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else if (moved->ss_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
    static const struct in6_addr mapped = {.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)moved;
    if (in6->sin6_port != old_port) return 0;
    in6->sin6_port = new_port;
    in6->sin6_addr = int_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0 ? mapped : in6addr_loopback;
    in6->sin6_scope_id = 0;
  } else {
    return 0;
  }
  return int_option(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM ? len : 0;
}

/* The C library's declaration has a type of its own for the address: this is its symbol, and nothing else. */
__attribute__((visibility("default"))) int rebind(int fd, const struct sockaddr *address,
                                                  socklen_t len) __asm__("bind");

int rebind(int fd, const struct sockaddr *address, socklen_t len) {
  struct sockaddr_storage moved;
  if (next_bind == NULL) begin(); /* a constructor of another library was before ours */
  if (next_bind == NULL) {
    errno = ENOSYS;
    return -1;
  }
  int before = errno;
  socklen_t moved_len = move_aside(fd, address, len, &moved);
  if (moved_len > 0) (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  errno = before;
  if (moved_len == 0) return next_bind(fd, address, len);
  return next_bind(fd, (const struct sockaddr *)&moved, moved_len);
}
