/* See server/connection/outgoing.h. */
#include "server/connection/outgoing.h"

#include <assert.h>
#include <stdlib.h>

void outgoing_lend_head(struct outgoing *out, const char *head, size_t len) {
  assert(out->head == NULL);
  out->head = head;
  out->head_at = 0;
  out->head_len = len;
}

void outgoing_take_head(struct outgoing *out, char *head, size_t len) {
  outgoing_lend_head(out, head, len);
  out->own_head = head;
}

size_t outgoing_left(const struct outgoing *out) {
  return out->head_len - out->head_at + out->body_len;
}

static void drop_head(struct outgoing *out) {
  free(out->own_head);
  out->own_head = NULL;
  out->head = NULL;
  out->head_at = 0;
  out->head_len = 0;
}

/* `taken` bytes have left. */
static void advance(struct outgoing *out, size_t taken) {
  size_t of_head = out->head_len - out->head_at;
  if (of_head > taken) of_head = taken;
  out->head_at += of_head;
  if (out->head_at == out->head_len) drop_head(out);
  size_t of_body = taken - of_head;
  if (of_body == 0) return;
  out->body += of_body;
  out->body_len -= of_body;
}

/* An iovec has no const, though a write only reads. */
static struct iovec part_of(const void *data, size_t len) {
  return (struct iovec){(void *)(uintptr_t)data, len};
}

int64_t outgoing_write(struct outgoing *out, struct transport *transport) {
  assert(outgoing_left(out) > 0);
  struct iovec parts[2];
  int count = 0;
  if (out->head_at < out->head_len)
    parts[count++] = part_of(out->head + out->head_at, out->head_len - out->head_at);
  if (out->body_len > 0) parts[count++] = part_of(out->body, out->body_len);
  int64_t taken = transport_writev(transport, parts, count);
  if (taken > 0) advance(out, (size_t)taken);
  return taken;
}

void outgoing_clear(struct outgoing *out) {
  drop_head(out);
  out->body = NULL;
  out->body_len = 0;
}
