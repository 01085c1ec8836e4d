/* What the tools of the differential tests read and write: records of bytes on standard input, lines of
 * JSON on standard output.
 *
 * A record is its length, four bytes with the lowest first, and that many bytes. A tool that can't read or
 * write ends with a message: its caller sees the status.
 */
#ifndef DIFFERENTIAL_PIPE_H
#define DIFFERENTIAL_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

/* A record's bytes, in memory of exactly that size, so that a sanitizer sees each read behind them. */
struct record {
  uint8_t *bytes; /* NULL when len is 0 */
  size_t len;
};

/* The next record, which record_free() ends; false at the end of the input. */
bool record_read(struct record *record);
void record_free(struct record *record);

/* Memory that is there, or the end of the program. `size` 0 gives one byte's. */
void *pipe_memory(size_t size);

/* A JSON string of `text`: each byte is the character of that number (Latin-1). */
void json_string(struct wsl_span text);

/* A JSON string of `len` bytes in hexadecimal. */
void json_hex(const uint8_t *bytes, size_t len);

/* `"name":`, with a comma in front unless it is the first of its object. */
void json_key(const char *name, bool *first);

#endif
