/* Where to connect to or to listen: addresses out of a host or a Unix socket's path, and sockets for them.
 *
 * Names are resolved once, before the load begins (blocking): a bench measures no resolver.
 */
#ifndef LOADGEN_ENDPOINT_H
#define LOADGEN_ENDPOINT_H

#include <stddef.h>

#include "loadgen/url.h"
#include "net/address.h"
#include "net/stream.h"

#define ENDPOINT_ADDRESSES_MAX 8u
#define ENDPOINT_WHY_MAX       512u

struct endpoint {
  struct address addresses[ENDPOINT_ADDRESSES_MAX];
  size_t count;
  enum stream_kind kind;
};

/* 0, or an error with one line in why[]. */
WSL_MUST_CHECK int endpoint_resolve(struct endpoint *endpoint, const struct url *url,
                                    char why[ENDPOINT_WHY_MAX]);

/* Begins to connect a new, non-blocking socket, from `source` (port 0) or, NULL, from an address of the
 * system's choice: *fd is it. 0 or an error of enum wsl_error. */
WSL_MUST_CHECK int endpoint_connect(const struct address *address, const struct address *source, int *fd);

/* Listens on the first address. A Unix socket that nobody serves any more is replaced. 0, or an error with
 * one line in why[]. */
WSL_MUST_CHECK int endpoint_listen(const struct endpoint *endpoint, int *fd, char why[ENDPOINT_WHY_MAX]);

/* Removes what listening has left in the file system. */
void endpoint_forget(const struct endpoint *endpoint);

#endif
