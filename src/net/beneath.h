/* Opening a path beneath a directory without ever leaving it, in two ways: by the kernel's own
 * confinement (Linux's openat2) and by a walk that any POSIX system can do. privileged.c chooses.
 * Private to net.
 *
 * Both return a descriptor for reading, of a regular file or a directory, or a negative errno. Neither
 * opens anything else: opening a device can act on it, and a FIFO can wait.
 */
#ifndef NET_BENEATH_H
#define NET_BENEATH_H

#include <sys/stat.h>

#include <wsluice/span.h>

/* -ENOSYS where the kernel does not have it, -EPERM where a filter forbids it, -EXDEV for a path that
 * leaves the directory or meets an absolute link: the walk knows more about all of these. */
WSL_MUST_CHECK int beneath_open_kernel(int dir_fd, const char *path);

/* Component by component, following symbolic links itself. `dir_path` is dir_fd's absolute, resolved
 * path, to tell absolute links that point inside. -EXDEV for what points out. */
WSL_MUST_CHECK int beneath_open_walk(int dir_fd, const char *dir_path, const char *path);

/* Whether a file of that mode may be opened at all. */
static inline bool beneath_openable(mode_t mode) {
  return S_ISREG(mode) || S_ISDIR(mode);
}

/* fd when it is openable by its mode, else closes it and returns a negative errno. */
WSL_MUST_CHECK int beneath_checked(int fd);

#endif
