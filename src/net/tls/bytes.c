/* See net/tls/bytes.h. */
#include "net/tls/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void move_to_front(struct tls_bytes *bytes) {
  if (bytes->at > 0 && bytes->len > 0) memmove(bytes->data, bytes->data + bytes->at, bytes->len);
  bytes->at = 0;
}

static size_t grown(size_t cap, size_t needed, size_t max) {
  size_t doubled = cap > max / 2 ? max : 2 * cap;
  return doubled > needed ? doubled : needed;
}

uint8_t *tls_bytes_room(struct tls_bytes *bytes, size_t room, size_t max) {
  if (room > max || bytes->len > max - room) return NULL;
  size_t needed = bytes->len + room;
  if (bytes->at + needed > bytes->cap) move_to_front(bytes);
  if (needed > bytes->cap) {
    size_t cap = grown(bytes->cap, needed, max);
    uint8_t *data = realloc(bytes->data, cap);
    if (data == NULL) return NULL;
    bytes->data = data;
    bytes->cap = cap;
  }
  return bytes->data + bytes->at + bytes->len;
}

int tls_bytes_append(struct tls_bytes *bytes, const uint8_t *from, size_t len, size_t max) {
  if (len == 0) return WSL_OK;
  uint8_t *to = tls_bytes_room(bytes, len, max);
  if (to == NULL) return WSL_NO_MEMORY;
  memcpy(to, from, len);
  bytes->len += len;
  return WSL_OK;
}

void tls_bytes_drop(struct tls_bytes *bytes, size_t len) {
  assert(len <= bytes->len);
  bytes->at += len;
  bytes->len -= len;
  if (bytes->len == 0) tls_bytes_free(bytes);
}

void tls_bytes_free(struct tls_bytes *bytes) {
  free(bytes->data);
  *bytes = (struct tls_bytes){0};
}
