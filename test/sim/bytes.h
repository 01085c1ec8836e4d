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

static inline void bytes_clear(struct bytes *bytes) {
  bytes->len = 0;
}

#endif
