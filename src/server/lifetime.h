/* Ends that a server comes to by itself: its time to listen is over (--timeout), nobody has been connected
 * for long enough (--idle-timeout), its one session has ended (--run-once). Says so; what follows is the
 * server's.
 *
 * On the main thread's loop, but for single_session, which workers share.
 */
#ifndef SERVER_LIFETIME_H
#define SERVER_LIFETIME_H

#include <uv.h>

#include "server/admission.h"
#include "server/settings.h"
#include "server/single_session.h"

enum lifetime_end { LIFETIME_LISTENED, LIFETIME_IDLE, LIFETIME_ONCE };

/* Handles that lifetime_close() closes. */
#define LIFETIME_HANDLES 3

struct lifetime {
  uv_timer_t listening;
  uv_timer_t idle;
  uv_async_t once;
  struct single_session single;
  const struct server_settings *settings;
  struct admission *admission;
  void (*on_over)(struct lifetime *lifetime, enum lifetime_end end);
};

/* Starts counting. `data` is what the handles' `data` is set to, for lifetime_close(). 0 or
 * WSL_NO_DESCRIPTOR. */
WSL_MUST_CHECK int lifetime_open(struct lifetime *lifetime, uv_loop_t *loop,
                                 const struct server_settings *settings, struct admission *admission,
                                 void (*on_over)(struct lifetime *lifetime, enum lifetime_end end),
                                 void *data);

/* on_over comes no more. Closes LIFETIME_HANDLES handles, each with `on_closed`. */
void lifetime_close(struct lifetime *lifetime, uv_close_cb on_closed);

#endif
