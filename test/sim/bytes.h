/* Bytes that grow, and keep their memory from one life to the next. */
#ifndef SIM_BYTES_H
#define SIM_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
  uint8_t *data;
  size_t len, cap;
};

void bytes_add(struct bytes *bytes, const void *data, size_t len);
void bytes_free(struct bytes *bytes);

/* One byte, quickly. */
static inline void bytes_push(struct bytes *bytes, uint8_t byte) {
  if (bytes->len < bytes->cap) {
    bytes->data[bytes->len++] = byte;
  } else {
    bytes_add(bytes, &byte, 1);
  }
}

/* `len` random bytes more. */
struct random_source;
void bytes_add_random(struct bytes *bytes, struct random_source *random, size_t len);

static inline void bytes_clear(struct bytes *bytes) {
  bytes->len = 0;
}

#endif
