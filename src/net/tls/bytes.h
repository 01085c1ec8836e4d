/* Ciphertext that waits: a few bytes of heap, only while there are any. Private to net/tls. */
#ifndef NET_TLS_BYTES_H
#define NET_TLS_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

/* Empty when zeroed. What waits is data[at .. at + len). */
struct tls_bytes {
  uint8_t *data; /* NULL while empty */
  size_t at, len, cap;
};

static inline const uint8_t *tls_bytes_begin(const struct tls_bytes *bytes) {
  return bytes->len == 0 ? NULL : bytes->data + bytes->at;
}

/* Where `room` more bytes may be written (then add them to len), or NULL: no memory, or more than
 * `max` in all. The first room is exact; growth doubles. */
uint8_t *tls_bytes_room(struct tls_bytes *bytes, size_t room, size_t max);

/* Copies from[0..len) behind what waits. WSL_NO_MEMORY leaves all as it was. */
WSL_MUST_CHECK int tls_bytes_append(struct tls_bytes *bytes, const uint8_t *from, size_t len, size_t max);

/* The first `len` bytes have gone. Frees the memory with the last. */
void tls_bytes_drop(struct tls_bytes *bytes, size_t len);

void tls_bytes_free(struct tls_bytes *bytes);

#endif
