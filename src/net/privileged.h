/* The narrow way through which files are opened and sockets bound after start, so that later a
 * privileged keeper process can do it for a sandboxed server and no caller changes.
 */
#ifndef NET_PRIVILEGED_H
#define NET_PRIVILEGED_H

#include "net/address.h"
#include "net/socket_tuning.h"

/* Opens, for reading, the regular file or directory `path` (relative, no leading slash; "" is the
 * directory itself) beneath `dir_fd`, never leaving it: neither by ".." nor by a symbolic link that
 * points out (links that stay inside are followed, absolute ones too). `dir_path` is dir_fd's
 * absolute, resolved path. Blocks: for the thread pool. Never opens a device or waits on a FIFO.
 * Returns a descriptor (O_CLOEXEC), or WSL_NOT_FOUND, WSL_DENIED (by mode), WSL_NO_DESCRIPTOR, WSL_IO. */
WSL_MUST_CHECK int privileged_open_beneath(int dir_fd, const char *dir_path, const char *path);

/* Opens, for reading, what an option names, or a file of a directory that it names: any path, links
 * followed. Blocks, but never on a FIFO: look with fstat() what it is. Returns a descriptor (O_CLOEXEC), or
 * errors as above. */
WSL_MUST_CHECK int privileged_open_named(const char *path);

/* Finds the Unix socket `name` (relative) in the directory `dir` or below, links resolved; one that lies
 * outside then is not there. Writes its resolved, absolute path. 0, WSL_NOT_FOUND (also for what is no
 * socket), WSL_INVALID when the path does not fit, or errors as above; those of `dir` itself are the caller's
 * to tell. Blocks: for the thread pool. Whoever may write to the directory may turn a link between this and
 * the connecting. */
WSL_MUST_CHECK int privileged_find_socket(const char *dir, const char *name, char *path, size_t cap);

/* A listening, non-blocking Unix socket whose file has `mode` from its first moment on. Likewise; WSL_IN_USE
 * where any file has that name. Before threads that make files: sets the umask meanwhile. */
WSL_MUST_CHECK int privileged_listen_unix(const struct address *address, unsigned mode, int backlog);

enum listen_sharing {
  LISTEN_ALONE, /* the only listener: a second process gets "address in use" */
  LISTEN_FIRST, /* alone at bind, opened for LISTEN_OTHER before listen() */
  LISTEN_OTHER  /* binds beside a LISTEN_FIRST of this process */
};

/* A listening, non-blocking TCP socket on `address` (IPv6: `dual_stack` clears or sets IPV6_V6ONLY
 * explicitly), with SO_REUSEADDR and with what its connections are to inherit. Returns a descriptor or
 * WSL_IN_USE, WSL_DENIED, WSL_NO_ADDRESS (not one of this machine), WSL_UNSUPPORTED (family off),
 * WSL_NO_DESCRIPTOR, WSL_IO. */
WSL_MUST_CHECK int privileged_listen(const struct address *address, bool dual_stack,
                                     enum listen_sharing sharing, const struct socket_tuning *tuning,
                                     int backlog);

#endif
