/* See core/blob.h. */
#include "core/blob.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/error.h"

/* Room for `more` behind what is there. */
static int reserve(struct blob *blob, size_t more) {
  size_t wanted = blob->len + more, room = blob->room;
  if (wanted <= room) return WSL_OK;
  if (room < BLOB_ROOM_FIRST) room = BLOB_ROOM_FIRST;
  while (room < wanted)
    room = room <= SIZE_MAX / 2 ? room * 2 : wanted;
  char *grown = realloc(blob->at, room);
  if (grown == NULL) return WSL_NO_MEMORY;
  blob->at = grown;
  blob->room = room;
  return WSL_OK;
}

int blob_append(struct blob *blob, struct wsl_span piece, size_t max) {
  if (blob->len > max || piece.len > max - blob->len) return WSL_NO_MEMORY;
  if (piece.len == 0) return WSL_OK;
  if (reserve(blob, piece.len) != WSL_OK) return WSL_NO_MEMORY;
  memcpy(blob->at + blob->len, piece.at, piece.len);
  blob->len += piece.len;
  return WSL_OK;
}

struct wsl_span blob_view(const struct blob *blob) {
  return (struct wsl_span){blob->at, blob->len};
}

void blob_free(struct blob *blob) {
  free(blob->at);
  *blob = (struct blob){0};
}
