/* Mailbox: accepted descriptors on their way to the worker that will serve them.
 *
 * Any worker puts, one takes. Bounded: whoever finds it full keeps the client. It closes only while it is
 * empty, so that no descriptor is lost with a worker that ends: what was put will be taken, and what comes
 * later is refused.
 *
 * Thread-safe. The lock is held for the copy of one entry, at accept; nothing of the data path takes it.
 */
#ifndef SERVER_MAILBOX_H
#define SERVER_MAILBOX_H

#include <stdbool.h>
#include <uv.h>

#include "net/address.h"

/* A burst's worth: a worker accepts 64 clients a turn (listener.c), and takes all of its mail in one. */
#define MAILBOX_SLOTS 256u

struct mail {
  int fd; /* connected; the taker's own, with its place of the admission */
  unsigned from;
  struct address peer;
};

struct mailbox {
  uv_mutex_t mutex;
  bool closed;
  unsigned first, count;
  struct mail slots[MAILBOX_SLOTS];
};

/* 0 or WSL_NO_MEMORY. */
WSL_MUST_CHECK int mailbox_init(struct mailbox *mailbox);

/* It is empty (asserted), and nobody puts any more. */
void mailbox_destroy(struct mailbox *mailbox);

/* False: full or closed; the descriptor stays the caller's. */
WSL_MUST_CHECK bool mailbox_put(struct mailbox *mailbox, const struct mail *mail);

/* The oldest; false when there is none. */
bool mailbox_take(struct mailbox *mailbox, struct mail *mail);

/* Refuses from now on. False, and nothing changed, while it holds mail. */
WSL_MUST_CHECK bool mailbox_close(struct mailbox *mailbox);

#endif
