/* An answer on its way out: its head and a body, written as one run with as few calls as the peer's window
 * allows.
 */
#ifndef SERVER_CONNECTION_OUTGOING_H
#define SERVER_CONNECTION_OUTGOING_H

#include <stddef.h>
#include <stdint.h>

#include "net/transport.h"

/* All zero: nothing to write. */
struct outgoing {
  const char *head; /* NULL: only a body */
  char *own_head;   /* the same, malloc'ed: freed as soon as it has left; NULL: lent */
  size_t head_at, head_len;
  const uint8_t *body; /* static, or alive until it has left */
  size_t body_len;     /* still to write */
};

/* Takes over head[0..len), malloc'ed. No head may be waiting (asserted). */
void outgoing_take_head(struct outgoing *out, char *head, size_t len);

/* The same for a head that stays the caller's, alive until it has left. */
void outgoing_lend_head(struct outgoing *out, const char *head, size_t len);

/* Bytes that have not left. */
size_t outgoing_left(const struct outgoing *out);

/* Writes what can be written now: bytes taken, WSL_AGAIN when none could be, or the transport's
 * error. Call while outgoing_left() is not 0 (asserted). */
int64_t outgoing_write(struct outgoing *out, struct transport *transport);

/* Forgets what has not left; harmless when empty. */
void outgoing_clear(struct outgoing *out);

#endif
