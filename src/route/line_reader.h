/* A text file line by line, in chunks: what is held is bounded whatever the file's size, and a line that is
 * longer than anybody writes is passed over and said. Blocks as read() does: for the thread pool.
 */
#ifndef ROUTE_LINE_READER_H
#define ROUTE_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

/* Bytes of a line without its end: a token of the longest request line that we take (16 KB). */
#define LINE_READER_LINE_MAX 16384u

#define LINE_READER_BUFFER_SIZE ((size_t)4 * LINE_READER_LINE_MAX)

enum line_read {
  LINE_READ,
  LINE_TOO_LONG, /* passed over, and counted */
  LINE_END,      /* of the file */
  LINE_FAILED    /* read() failed: errno */
};

struct line_reader {
  int fd;
  uint64_t number; /* of the line returned last, from 1 */
  size_t at, end;  /* unread bytes of the buffer */
  bool passing;    /* the line at `at` began before the buffer, and is too long */
  bool ended;
  char buffer[LINE_READER_BUFFER_SIZE];
};

/* `fd` stays the caller's. */
void line_reader_init(struct line_reader *reader, int fd);

/* The next line without "\n"; a byte order mark at the file's start (RFC 3629 6) is left out. The span is
 * good until the next call. The last line needs no end. */
WSL_MUST_CHECK enum line_read line_reader_next(struct line_reader *reader, struct wsl_span *line);

#endif
