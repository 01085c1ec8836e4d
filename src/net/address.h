/* Socket addresses and host:port texts. Pure but for the system's headers; literals only, names are
 * net/resolver's.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <wsluice/span.h>

struct address {
  struct sockaddr_storage storage;
  socklen_t len;
};

/* Longest text that address_format() writes, NUL included: "[v6%scope]:port" or "unix:path". */
#define ADDRESS_TEXT_MAX 160u

/* Parses an IPv4 or IPv6 literal (brackets already taken off; a scope as in "fe80::1%lo" allowed).
 * False when it is none: then it is a name. */
bool address_parse_literal(const char *host, uint16_t port, struct address *address);

/* Fills in a Unix socket address; WSL_INVALID when the path is empty or too long. */
WSL_MUST_CHECK int address_unix(const char *path, struct address *address);

/* "127.0.0.1:80", "[::1]:80" (v4-mapped shown as v4), "unix:/run/x"; returns `out`. */
const char *address_format(const struct address *address, char out[ADDRESS_TEXT_MAX]);

/* The address that a socket is bound to: of an accepted one, what its client reached. 0, or WSL_IO. */
WSL_MUST_CHECK int address_local(int fd, struct address *address);

/* Port of an IP address, else 0. */
uint16_t address_port(const struct address *address);

#endif
