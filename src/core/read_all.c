/* See core/read_all.h. */
#include "core/read_all.h"

#include <errno.h>
#include <unistd.h>

ssize_t read_all(int fd, void *bytes, size_t cap) {
  size_t len = 0;
  while (len < cap) {
    ssize_t got = read(fd, (char *)bytes + len, cap - len);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    len += (size_t)got;
  }
  return (ssize_t)len;
}
