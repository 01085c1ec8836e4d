/* What the server is told at its start; immutable while it runs. Strings and tables belong to the
 * caller and outlive the server.
 */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include <stdint.h>

#include <wsluice/head.h>
#include <wsluice/request.h>

#include "bridge/session.h"
#include "net/dialer.h"
#include "route/origin.h"
#include "server/asset.h"

/* Whether the upgrade is answered before the backend is dialled (as websockify does: a page can read
 * close codes, not HTTP errors) or after (502, 503, 504 instead). */
enum dial_order { DIAL_AFTER_UPGRADE, DIAL_BEFORE_UPGRADE };

struct server_settings {
  const char *listen_host; /* name or literal without brackets; "" = all addresses, dual stack */
  uint16_t listen_port;    /* 0: any free one, named in the log */
  struct target target;
  enum dial_order dial_order;

  unsigned workers;     /* 0: one a processor that we may use */
  size_t max_sessions;  /* accepted connections at once; 0: as many as descriptors allow */
  size_t buffer_size;   /* bytes, see net/buffer_pool */
  size_t buffer_memory; /* ceiling for all buffers of a worker, bytes */
  size_t head_memory;   /* ceiling for all incomplete request heads of a worker, bytes */
  int backlog;

  const char *web_dir;        /* or NULL */
  const struct asset *assets; /* built-in files, or NULL; not together with web_dir */

  struct wsl_head_limits head;
  uint64_t handshake_timeout_ms; /* accept to the end of the head; a kept connection's next head */
  uint64_t transfer_timeout_ms;  /* a file transfer in which nothing moves */
  uint64_t drain_timeout_ms;     /* how long sessions may go on after SIGTERM */

  struct wsl_subprotocols subprotocols;
  struct origin_rules origins;
  struct session_settings session;
};

#endif
