/* See server/mailbox.h. */
#include "server/mailbox.h"

#include <assert.h>

#include "core/error.h"

int mailbox_init(struct mailbox *mailbox) {
  mailbox->closed = false;
  mailbox->first = mailbox->count = 0;
  return uv_mutex_init(&mailbox->mutex) == 0 ? WSL_OK : WSL_NO_MEMORY;
}

void mailbox_destroy(struct mailbox *mailbox) {
  assert(mailbox->count == 0);
  uv_mutex_destroy(&mailbox->mutex);
}

bool mailbox_put(struct mailbox *mailbox, const struct mail *mail) {
  uv_mutex_lock(&mailbox->mutex);
  bool has_room = !mailbox->closed && mailbox->count < MAILBOX_SLOTS;
  if (has_room) {
    mailbox->slots[(mailbox->first + mailbox->count) % MAILBOX_SLOTS] = *mail;
    mailbox->count++;
  }
  uv_mutex_unlock(&mailbox->mutex);
  return has_room;
}

bool mailbox_take(struct mailbox *mailbox, struct mail *mail) {
  uv_mutex_lock(&mailbox->mutex);
  bool has_mail = mailbox->count > 0;
  if (has_mail) {
    *mail = mailbox->slots[mailbox->first];
    mailbox->first = (mailbox->first + 1) % MAILBOX_SLOTS;
    if (--mailbox->count == 0) mailbox->first = 0; /* a few slots are used again and again, not all in turn */
  }
  uv_mutex_unlock(&mailbox->mutex);
  return has_mail;
}

bool mailbox_close(struct mailbox *mailbox) {
  uv_mutex_lock(&mailbox->mutex);
  if (mailbox->count == 0) mailbox->closed = true;
  bool closed = mailbox->closed;
  uv_mutex_unlock(&mailbox->mutex);
  return closed;
}
