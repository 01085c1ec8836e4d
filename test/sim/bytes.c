/* See bytes.h. */
#include "bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"

#define CAP_FIRST 512u

void bytes_add(struct bytes *bytes, const void *data, size_t len) {
  if (len == 0) return;
  if (bytes->len + len > bytes->cap) {
    bytes->cap = 2 * (bytes->len + len) + CAP_FIRST;
    bytes->data = realloc(bytes->data, bytes->cap);
    assert(bytes->data != NULL);
  }
  memcpy(bytes->data + bytes->len, data, len);
  bytes->len += len;
}

void bytes_add_random(struct bytes *bytes, struct random_source *random, size_t len) {
  while (len > 0) {
    uint64_t word = random_next(random);
    size_t n = len < sizeof word ? len : sizeof word;
    bytes_add(bytes, &word, n);
    len -= n;
  }
}

void bytes_free(struct bytes *bytes) {
  free(bytes->data);
  *bytes = (struct bytes){NULL, 0, 0};
}
