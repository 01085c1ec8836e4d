/* Bytes gathered in memory of their own, which doubles as they come and never passes a limit.
 *
 * Zeroed it is empty and holds no memory. It may move when it grows: keep no pointer into it. One
 * thread at a time.
 */
#ifndef CORE_BLOB_H
#define CORE_BLOB_H

#include <stddef.h>

#include <wsluice/span.h>

/* What the first piece is given room for at least. */
#define BLOB_ROOM_FIRST 512u

struct blob {
  char *at; /* NULL as long as nothing was ever put in */
  size_t len;
  size_t room;
};

/* Puts the piece behind what is there. WSL_NO_MEMORY where that would be more than `max` bytes in all, or
 * memory is out: then nothing has changed. */
WSL_MUST_CHECK int blob_append(struct blob *blob, struct wsl_span piece, size_t max);

/* What is there, valid until the next change. */
struct wsl_span blob_view(const struct blob *blob);

/* Empty and without memory. Harmless twice. Wipes nothing. */
void blob_free(struct blob *blob);

#endif
