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
#include "net/network.h"
#include "net/socket_tuning.h"
#include "net/source_address.h"
#include "net/target_rules.h"
#include "net/tls/context.h"
#include "route/auth/settings.h"
#include "route/origin.h"
#include "route/token/kind.h"
#include "route/token/place.h"
#include "server/files/static_files.h"

/* Whether the upgrade is answered before the backend is dialled (as websockify does: a page can read
 * close codes, not HTTP errors) or after (502, 503, 504 instead). */
enum dial_order { DIAL_AFTER_UPGRADE, DIAL_BEFORE_UPGRADE };

/* Which of a name's addresses to listen on, when it has both kinds. */
enum listen_family { LISTEN_PREFER_IPV4, LISTEN_PREFER_IPV6 };

/* What a client may speak on the port. */
enum tls_service {
  TLS_SERVICE_NONE,  /* no certificate: ws:// and http:// only */
  TLS_SERVICE_MIXED, /* the first byte tells */
  TLS_SERVICE_ONLY   /* plain requests get 400 */
};

/* Whether clients may take up an earlier session: not where the name in their certificate is looked at, which
 * a ticket does not carry. */
enum tls_resumption { TLS_RESUMPTION_ALLOWED, TLS_RESUMPTION_NONE };

/* TLS toward clients. Paths and password belong to the caller; files are read at start and again when they
 * change or server_reload() asks. `server.tickets` is the server's to fill in. */
struct tls_settings {
  enum tls_service service;
  enum tls_resumption resumption;
  struct tls_server_options server;
};

/* The PROXY header that targets are sent first: none, or that version. */
enum send_proxy { SEND_PROXY_NONE, SEND_PROXY_V1, SEND_PROXY_V2 };

enum target_tls { TARGET_PLAIN, TARGET_TLS };

/* A stream socket that whoever started us has opened. */
struct inherited_socket {
  int fd;           /* non-blocking, close-on-exec */
  const char *name; /* printable, for the log */
};

struct server_settings {
  /* Where to listen: on all that are given. */
  const char *listen_host; /* name or literal without brackets; "" = all addresses, dual stack; NULL: none */
  uint16_t listen_port;    /* 0: any free one, named in the log */
  enum listen_family listen_family;
  const char *unix_listen;                  /* path of a Unix socket, or NULL */
  unsigned unix_listen_mode;                /* of the socket file, such as 0600 */
  const struct inherited_socket *inherited; /* listening; the server's own from its start on */
  size_t inherited_count;
  /* Or NULL. One that is connected, likewise: nothing is listened on then (and none of the above given); its
   * client is served, and the server stops when it has gone. */
  const struct inherited_socket *client;
  struct tls_settings tls;

  struct target target; /* of all requests, without tokens */
  /* Targets by token */
  const struct token_kind *token_kind; /* NULL: `target` */
  struct token_source_options token_source;
  struct token_place token_place;
  uint64_t token_timeout_ms; /* a lookup, from the request to the answer */

  enum target_tls target_tls;
  struct tls_client_options target_tls_options;
  struct target_rules target_rules;       /* for all targets but that of all requests */
  const struct token_place *target_place; /* where requests name their target themselves; NULL: they don't */
  enum dial_order dial_order;
  enum send_proxy send_proxy;
  struct networks accept_proxy;    /* balancers, whose connections begin with a PROXY header */
  struct networks trust_forwarded; /* proxies, whose Forwarded and X-Forwarded-For are believed */
  bool dial_contexts; /* dials are told whom they are for (struct dial_context): PROXY headers, programs */

  unsigned workers;     /* 0: one a processor that we may use */
  size_t max_sessions;  /* accepted connections at once; 0: as many as descriptors allow */
  size_t buffer_size;   /* bytes, see net/buffer_pool */
  size_t buffer_memory; /* ceiling for all buffers of a worker, bytes */
  size_t head_memory;   /* ceiling for all incomplete request heads of a worker, bytes */
  int backlog;
  struct socket_tuning sockets;
  struct source_addresses sources; /* of dials, in turns */

  const char *web_dir; /* or NULL */
  enum static_listing web_listing;
  const struct asset *assets; /* built-in files, or NULL; not together with web_dir */

  struct wsl_head_limits head;
  uint64_t handshake_timeout_ms; /* accept to the end of the head; a kept connection's next head */
  uint64_t transfer_timeout_ms;  /* a file transfer in which nothing moves */
  uint64_t drain_timeout_ms;     /* how long sessions may go on after SIGTERM */

  /* Ends that come by themselves: server_start()'s on_stopped, exit status 0. 0: never. */
  uint64_t listen_time_ms; /* --timeout: listening ends so long after the start, sessions go on */
  uint64_t idle_exit_ms;   /* --idle-timeout: stops when nobody has been connected for so long */
  bool run_once;           /* one session, then stop; upgrades meanwhile get 503 */

  struct wsl_subprotocols subprotocols;
  struct origin_rules origins;
  struct auth_settings auth;
  struct session_frames frames; /* what clients are sent whose subprotocol does not say it */
  struct session_settings session;
  struct session_watch *watch; /* of all sessions, or NULL */
};

#endif
