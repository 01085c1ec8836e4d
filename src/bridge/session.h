/* The session: one WebSocket client spliced to one backend, from the upgrade to the last byte.
 *
 * Two pumps move bytes (up: client to backend, bridge/up.c; down: backend to client, bridge/down.c);
 * the endings of docs/ARCHITECTURE.md are decided in bridge/ending.c. All of it runs over the
 * interfaces of net (transport, dialer, buffer pool) and core/timers only, so that a simulator can
 * stand in for sockets and clock; no libuv here.
 *
 *   DIALLING --> OPEN --> CLOSING --> CLOSED
 *       \___________________^
 *
 * A session frees itself in exactly one place (bury() in session.c), when both transports are closed,
 * the client's lingering is over and no dial is in flight. One worker, one thread.
 */
#ifndef BRIDGE_SESSION_H
#define BRIDGE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <wsluice/messages.h>

#include "bridge/shortage.h"
#include "bridge/tap.h"
#include "core/list.h"
#include "core/random.h"
#include "core/slab.h"
#include "core/timers.h"
#include "net/buffer_pool.h"
#include "net/dialer.h"
#include "net/splice_pool.h"
#include "net/transport.h"

enum text_policy { TEXT_FORWARD, TEXT_REFUSE };

/* What a client is sent. What it sends is taken as it comes, text or binary; but with lines each message
 * becomes one, and with base64 text is decoded. */
enum frames_mode {
  FRAMES_BINARY,       /* the bytes of a read, in binary frames */
  FRAMES_TEXT,         /* in text frames, cut between characters */
  FRAMES_LINES,        /* a text message a line */
  FRAMES_BINARY_LINES, /* a binary message a line */
  FRAMES_BASE64,       /* the bytes of a read, in text frames that hold their base64 */
  FRAMES_AUTO          /* binary, until the client's first message is text: then text */
};

struct session_frames {
  enum frames_mode mode;
  enum wsl_line_end line_end; /* behind a message of the client's that becomes a line */
};

/* What a target sends that is not UTF-8, to a client that gets text. */
enum invalid_text {
  INVALID_TEXT_REPLACED, /* U+FFFD in its place */
  INVALID_TEXT_CLOSES    /* Close 1007 behind all that came before it */
};

/* Bytes that a session reads in one wake-up, both ways together, before it yields to its neighbours; the
 * read that gets there is not cut short but where small frames come (--buffer-size may be more). A 64-byte
 * echo beside bulk waits that much longer. */
#define SESSION_BYTES_A_TURN ((size_t)256 * 1024)

/* What the operator chose; immutable while any session lives. Times in milliseconds, 0 = off where
 * that makes sense (heartbeat, pong, idle). */
struct session_settings {
  uint64_t dial_timeout_ms;
  uint64_t close_timeout_ms;     /* closing: nothing moved or was acknowledged for so long            */
  uint64_t close_timeout_max_ms; /* bounds the wait for the client's Close, from our Close's ACK      */
  uint64_t heartbeat_ms;         /* longest silence towards the client before a ping                  */
  uint64_t pong_timeout_ms;      /* no byte from the client for so long after a ping                  */
  uint64_t idle_timeout_ms;      /* no payload either way                                             */
  uint32_t max_frame_size;       /* payload bytes of a frame that we send                             */
  uint32_t max_line;             /* payload bytes of a message that is a line, or a piece of one      */
  enum text_policy text;
  enum invalid_text invalid_text;
};

struct session;

/* What a worker lends to its sessions; outlives them all. */
struct session_domain {
  const struct session_settings *settings;
  struct timers *timers;
  struct buffer_pool *buffers;
  struct splice_pool *pipes; /* NULL: frames are too small for splicing to pay */
  struct dialer *dialer;
  struct session_watch *watch; /* or NULL */
  struct random_source random; /* jitter */
  struct slab slab, messages;
  struct list sessions; /* all that live */
  size_t count;
  struct shortage shortage;
  /* A session is being ended because its peer takes nothing while others wait for memory; may be NULL. */
  void (*on_stalled)(struct session_domain *domain, void *owner);
  /* The first byte of a session's target that is no text has been replaced; may be NULL. */
  void (*on_replaced)(struct session_domain *domain, void *owner);
  /* After a session has ended and is about to be freed. */
  void (*on_ended)(struct session_domain *domain, void *owner);
  void *owner;
};

void session_domain_init(struct session_domain *domain);

/* No session may live (asserted). */
void session_domain_destroy(struct session_domain *domain);

/* Somebody has got in line for a buffer, a session or whoever else borrows from its pool: from now on it is
 * looked whether the line moves. */
void session_domain_wants_buffer(struct session_domain *domain);

/* Whether buffers are waited for too long for another session to be let in. */
static inline bool session_domain_is_short(const struct session_domain *domain) {
  return domain->shortage.is_short;
}

/* How a session begins. */
struct session_birth {
  uint64_t id;                  /* ties log lines together */
  uint64_t started_ms;          /* when the client was accepted, for the duration in the log */
  struct transport *client;     /* upgraded: the 101 has left. The session's from now on */
  struct transport *backend;    /* connected already, or NULL: dial `target`. Likewise */
  const struct target *target;  /* outlives the session, or lies in: */
  void *own_target;             /* malloc'ed, freed with the session; may be NULL. Likewise */
  struct dial_context *context; /* of the dial, malloc'ed, freed when that is over; may be NULL. Likewise */
  struct buffer *early;         /* bytes that came with the request head, or NULL. Likewise */
  uint8_t *early_at;            /* where in early they lie */
  size_t early_len;
  struct session_frames frames;
};

/* Opens a session and starts it at once. 0, or WSL_NO_MEMORY with nothing taken over. The session
 * may have ended before this returns. */
WSL_MUST_CHECK int session_open(struct session_domain *domain, const struct session_birth *birth);

/* The drain is over: Close 1001 behind the frame on its way. Harmless when closing already. */
void session_go_away(struct session *session);

/* Ends every session (go_away), or every session at once with a reset (cut). */
void session_domain_go_away(struct session_domain *domain);
void session_domain_cut(struct session_domain *domain);

#endif
