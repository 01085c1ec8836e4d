/* Sending the pattern by its pages (pattern_file.h). */
#include "loadgen/pattern_file.h"

#include "core/error.h"

#if defined(__linux__)

#include <errno.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "net/stream.h"

int pattern_file_open(const struct pattern *pattern) {
  int file = memfd_create("wsluice-bench pattern", MFD_CLOEXEC);
  if (file < 0) return PATTERN_FILE_NONE;
  if (write(file, pattern->bytes, PATTERN_TABLE_LEN) == PATTERN_TABLE_LEN) return file;
  close(file); /* a file in memory takes all at once, or there is none left */
  return PATTERN_FILE_NONE;
}

void pattern_file_close(int file) {
  if (file != PATTERN_FILE_NONE) close(file);
}

int64_t pattern_file_send(int file, struct transport *stream, uint64_t offset, uint64_t len) {
  off_t at = (off_t)(offset % PATTERN_TABLE_LEN);
  uint64_t to_end = PATTERN_TABLE_LEN - (uint64_t)at;
  ssize_t sent;
  do {
    sent = sendfile(stream_fd(stream), file, &at, (size_t)(len < to_end ? len : to_end));
  } while (sent < 0 && errno == EINTR);
  if (sent > 0) return sent;
  int error = sent < 0 ? error_from_errno(errno) : WSL_IO;
  if (error == WSL_AGAIN) stream->ready &= ~(unsigned)TRANSPORT_WRITABLE;
  return error;
}

#else

int pattern_file_open(const struct pattern *pattern) {
  (void)pattern;
  return PATTERN_FILE_NONE;
}

void pattern_file_close(int file) {
  (void)file;
}

int64_t pattern_file_send(int file, struct transport *stream, uint64_t offset, uint64_t len) {
  (void)file;
  (void)stream;
  (void)offset;
  (void)len;
  return WSL_UNSUPPORTED;
}

#endif
