/* See route/line_reader.h.
 *
 *   buffer:  | lines returned | begun line ...... | room |
 *                             at                  end
 */
#include "route/line_reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char byte_order_mark[] = "\xEF\xBB\xBF";
#define MARK_LEN (sizeof(byte_order_mark) - 1)

void line_reader_init(struct line_reader *reader, int fd) {
  reader->fd = fd;
  reader->number = 0;
  reader->at = reader->end = 0;
  reader->passing = reader->ended = false;
}

static size_t waiting(const struct line_reader *reader) {
  return reader->end - reader->at;
}

/* Makes room behind the begun line and reads once. False: read() failed. */
static bool fill(struct line_reader *reader) {
  size_t begun = waiting(reader);
  if (begun > LINE_READER_LINE_MAX) { /* more of it need not be held */
    reader->passing = true;
    begun = 0;
  }
  memmove(reader->buffer, reader->buffer + reader->at, begun);
  reader->at = 0;
  reader->end = begun;
  ssize_t n;
  do {
    n = read(reader->fd, reader->buffer + begun, sizeof(reader->buffer) - begun);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return false;
  if (n == 0) reader->ended = true;
  reader->end += (size_t)n;
  return true;
}

/* Takes `len` bytes for a line, and `taken` with its end. */
static enum line_read take(struct line_reader *reader, size_t len, size_t taken, struct wsl_span *line) {
  *line = (struct wsl_span){reader->buffer + reader->at, len};
  reader->at += taken;
  reader->number++;
  bool too_long = reader->passing || len > LINE_READER_LINE_MAX;
  reader->passing = false;
  if (too_long) return LINE_TOO_LONG;
  if (reader->number == 1 && len >= MARK_LEN && memcmp(line->at, byte_order_mark, MARK_LEN) == 0)
    *line = (struct wsl_span){line->at + MARK_LEN, len - MARK_LEN};
  return LINE_READ;
}

enum line_read line_reader_next(struct line_reader *reader, struct wsl_span *line) {
  for (;;) {
    const char *start = reader->buffer + reader->at;
    const char *newline = memchr(start, '\n', waiting(reader));
    if (newline != NULL) return take(reader, (size_t)(newline - start), (size_t)(newline - start) + 1, line);
    if (reader->ended) break;
    if (!fill(reader)) return LINE_FAILED;
  }
  if (waiting(reader) == 0 && !reader->passing) return LINE_END;
  return take(reader, waiting(reader), waiting(reader), line);
}
