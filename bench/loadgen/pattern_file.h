/* The pattern as a file in memory, of which the kernel sends the pages: a source does not pay for copying
 * into the kernel what never changes, which is a third of what its bulk costs (TCP; net/stream.h).
 *
 * It is as short as the table in pattern.h, so that it stays in the caches: pages out of a longer one reach
 * the proxy cold, and then the bench measures the memory of the machine (8 MB: 1.7 times the CPU a gigabyte).
 * Clients don't send so: what they save in copies, the call for each frame's header costs.
 */
#ifndef LOADGEN_PATTERN_FILE_H
#define LOADGEN_PATTERN_FILE_H

#include "loadgen/pattern.h"
#include "net/transport.h"

#define PATTERN_FILE_NONE (-1)

/* A descriptor, or PATTERN_FILE_NONE where the system has no such thing. */
int pattern_file_open(const struct pattern *pattern);
void pattern_file_close(int file); /* PATTERN_FILE_NONE is ignored */

/* Sends the stream from `offset` on, at most `len` (> 0) bytes, over a TCP stream; as transport_writev(). */
WSL_MUST_CHECK int64_t pattern_file_send(int file, struct transport *stream, uint64_t offset, uint64_t len);

#endif
