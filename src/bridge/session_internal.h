/* The inside of a session, shared by the files of this room and by nobody else.
 *
 *                 client_in                                  backend_out
 *   client ==>  FRAMES -> DROP -> ENDED   ==> up ==>   OPEN -> FINISHING -> FINISHED ==> backend
 *                                                        \--> ABORTING, BROKEN
 *                 client_out                                  backend_in
 *   client <==  OPEN -> CLOSING -> CLOSED <== down <==  BYTES -> DROP -> ENDED       <== backend
 *                  \-> BROKEN      -> FINISHED
 *
 * Each of the four half-streams only ever moves to the right. Every event sets what it knows;
 * session_run() then moves bytes and lets closing_step() draw the conclusions, so no event has to know in
 * which order things happen.
 *
 *   session.c     birth, the run loop, the one place of death
 *   up.c          client to backend: read, decode, forward
 *   down.c        backend to client: read, hand to the client's side
 *   splice.c      the same through a pipe, for large frames
 *   messages.c    down for clients that want text, lines, base64: what is sent is made there
 *   messages_up.c the same up
 *   client_out.c  everything that is written to the client: frames, pongs, pings, Close, in order
 *   ending.c      the table of endings (docs/ARCHITECTURE.md): what each event starts
 *   closing.c     how a started ending comes to its end: acknowledgements, deadlines, FIN and RST
 *   shortage.c    when memory is short: spare buffers, and the end of those that hold theirs for nothing
 *   liveness.c    heartbeat, pong, idle, vanished peers; the session's one timer
 */
#ifndef BRIDGE_SESSION_INTERNAL_H
#define BRIDGE_SESSION_INTERNAL_H

#include <stdbool.h>

#include <wsluice/frame.h>

#include "bridge/session.h"
#include "net/linger.h"

struct messages; /* bridge/messages.h */

enum session_state { SESSION_DIALLING, SESSION_OPEN, SESSION_CLOSING, SESSION_CLOSED };

enum client_in {
  CLIENT_IN_FRAMES, /* decoded and forwarded */
  CLIENT_IN_DROP,   /* behind its Close or a violation, or nobody wants it any more: read, dropped */
  CLIENT_IN_ENDED   /* its FIN or its reset was read */
};

enum client_out {
  CLIENT_OUT_OPEN,
  CLIENT_OUT_CLOSING,  /* our Close is queued or leaving */
  CLIENT_OUT_CLOSED,   /* our Close is the kernel's */
  CLIENT_OUT_FINISHED, /* and our FIN */
  CLIENT_OUT_BROKEN    /* nothing can be written any more */
};

enum backend_in {
  BACKEND_IN_BYTES,
  BACKEND_IN_DROP, /* the client wants no more: read and dropped, so that the backend can't block */
  BACKEND_IN_ENDED
};

enum backend_out {
  BACKEND_OUT_OPEN,
  BACKEND_OUT_FINISHING, /* FIN when everything that is held has left */
  BACKEND_OUT_FINISHED,
  BACKEND_OUT_ABORTING, /* RST when everything that is held has left and was acknowledged */
  BACKEND_OUT_BROKEN    /* nothing can be written any more; what is held is dropped */
};

/* How much a direction reads at once: small buffers while it trickles, large ones in bulk. */
struct appetite {
  enum buffer_class class;
  uint8_t modest_reads; /* in a row that would have fitted into a small one */
  bool overflows;       /* two reads in a row filled theirs: there may be enough to splice */
  bool dense;           /* the last read was of small frames */
};

/* Bytes on their way that the kernel has not taken yet; the buffer is ours until then. */
struct held {
  struct buffer *buffer; /* NULL: nothing is held */
  uint8_t *at;
  size_t len;
};

/* Whether the peer to whom bytes are held makes progress, as far as it was looked (shortage.c). */
struct stall {
  uint64_t since_ms;  /* nothing was acknowledged or written since; 0: not looked */
  size_t outstanding; /* unacknowledged at the last look */
};

struct client_writer {
  struct held data;         /* payload from the backend, framed as it leaves; or with messages whole frames,
                               in the buffer or beside it; or else: */
  struct splice_pipe *pipe; /* payload of one frame, which is all that it holds; NULL: none */
  size_t header_left; /* unsent header bytes of the frame begun: right before data.at; a pipe's are remade */
  size_t frame_left;  /* unsent payload of the frame begun; data[0..frame_left), or all of the pipe */
  enum wsl_opcode control_opcode;
  uint8_t control[2 + WSL_CONTROL_PAYLOAD_MAX]; /* a whole control frame that is leaving */
  uint8_t control_len, control_sent;
  uint8_t pong[WSL_CONTROL_PAYLOAD_MAX]; /* answer to the newest ping, when pong_waiting */
  uint8_t pong_len;
  bool pong_waiting;
  bool ping_waiting;
  bool close_begun; /* the Close stands in control[] or has left */
};

/* Why the session ended: the first cause stays. */
struct ending {
  const char *side;  /* "client", "backend", "wsluice"; NULL: not ended */
  const char *cause; /* static, in words */
  uint16_t code;     /* of the Close that we sent or echoed; 0: none */
  char reason[WSL_CONTROL_PAYLOAD_MAX - 2 + 1];
};

struct session {
  struct session_domain *domain;
  struct list node; /* in domain->sessions */
  uint64_t id;
  const struct target *target;
  void *own_target;             /* freed with the session; may be NULL */
  struct dial_context *context; /* freed when the dial is over; may be NULL */

  struct transport *client;  /* NULL once closed, or lingering */
  struct transport *backend; /* NULL while dialling and once closed */
  struct dial dial;

  struct session_tap *tap; /* NULL: nobody watches */

  enum session_state state;
  enum client_in client_in;
  enum client_out client_out;
  enum backend_in backend_in;
  enum backend_out backend_out;
  bool dialling;
  bool lingers;
  bool running;           /* inside session_run: callbacks only take note */
  bool in_line;           /* for a buffer, perhaps */
  uint8_t wants_buffer;   /* the ways that found none in this round, as bits */
  bool client_sent_close; /* its Close was read */
  bool client_alerted;    /* TLS broke: an alert is on its way to it */
  bool backend_was_reset; /* we ended it by RST; for the log */

  struct messages *messages; /* NULL: the client is sent binary frames of whatever comes */
  struct wsl_decoder decoder;
  struct held up; /* payload for the backend */
  struct client_writer writer;
  struct buffer_waiter waiters[BUFFER_WAYS];
  struct lingering linger; /* has the client's transport, while `lingers` */
  struct ending ending;

  struct appetite appetites[BUFFER_WAYS];
  size_t turn_bytes;             /* read since this wake-up began */
  uint64_t bytes_up, bytes_down; /* payload taken by the kernels */
  uint64_t started_ms;

  /* shortage.c */
  struct list holding; /* in domain->shortage.holders, while it holds a buffer */
  struct stall stalls[BUFFER_WAYS];
  uint64_t try_due_ms, try_interval_ms; /* the next try for a spare buffer; 0: waits for none */

  /* liveness.c */
  struct timer timer;
  uint64_t client_written_ms;  /* last byte to the client */
  uint64_t backend_written_ms; /* last byte to the backend */
  uint64_t heartbeat_due_ms;   /* ping then if nothing was written meanwhile */
  uint64_t payload_moved_ms;   /* last payload either way, for the idle limit */
  uint64_t pong_left_ms;       /* how long we go on waiting, while awaiting_pong */
  uint64_t pong_ticked_ms;
  uint64_t vanish_check_ms; /* next look at peers with unacknowledged data */
  uint32_t doubt_ms;        /* longest silence towards a client that may have gone; 0: no doubt of it */
  bool awaiting_pong;
  bool client_reading_stopped;          /* as of the end of the last run */
  bool client_unacked, backend_unacked; /* something was written since the last look found 0 */

  /* closing.c */
  uint64_t moved_ms;           /* last byte that moved or was acknowledged */
  uint64_t close_acked_ms;     /* when our Close was acknowledged; 0: not yet */
  uint64_t drop_only_since_ms; /* since when only dropped bytes moved; 0: never */
  uint64_t probe_due_ms;
  uint64_t probe_interval_ms;
  size_t client_outstanding, backend_outstanding; /* unacknowledged at the last probe */
};

static inline uint64_t session_now(const struct session *s) {
  return s->domain->timers->now_ms;
}

/* Of times at which something is due. */
#define NEVER UINT64_MAX

static inline uint64_t earlier(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* Whether bytes of that way wait in a buffer for a peer to take them. */
static inline bool session_holds(const struct session *s, enum buffer_way way) {
  return (way == BUFFER_UP ? s->up.buffer : s->writer.data.buffer) != NULL;
}

/* Whether bytes of the backend's wait for the client. */
static inline bool client_owes(const struct client_writer *w) {
  return w->data.buffer != NULL || w->pipe != NULL;
}

/* Tells whoever watches: what has come, */
static inline void session_tell(struct session *s, enum tap_event event, const uint8_t *data, size_t len) {
  if (s->tap != NULL) s->tap->ops->moved(s->tap, event, TAP_ALL, data, len);
}

/* and what was taken, of which something may be left. */
static inline void session_tell_taken(struct session *s, enum tap_event event, size_t len) {
  if (s->tap == NULL) return;
  bool left = event == TAP_TO_TARGET ? s->up.len > 0 : client_owes(&s->writer);
  s->tap->ops->moved(s->tap, event, left ? TAP_PART : TAP_ALL, NULL, len);
}

/* session.c */
void session_run(struct session *s);
void session_enter(struct session *s, enum session_state state);
void session_on_ready(struct transport *transport, void *owner);
/* A buffer of the size that this way has come to want, or a small one; or NULL with the session put in line.
 */
struct buffer *session_borrow(struct session *s, enum buffer_way way);
/* Reads into a buffer that was borrowed for that way, as transport_read() does, and learns from how much
 * came. */
int64_t session_read(struct session *s, enum buffer_way way, struct transport *t, struct buffer *buffer);
/* The same to a part of the buffer, where a small buffer would have had room for small_len. */
int64_t session_read_to(struct session *s, enum buffer_way way, struct transport *t, uint8_t *at, size_t len,
                        size_t small_len);

/* Held bytes. */
void held_drop(struct session *s, struct held *held);

/* up.c: one step each; true when anything moved or changed. */
bool up_pump(struct session *s);
/* Bytes that came with the request head; takes the buffer over. */
void up_early(struct session *s, struct buffer *early, uint8_t *at, size_t len);
/* Whether the client's bytes may be read now; false stops its pong clock. */
bool up_may_read(const struct session *s);

/* down.c */
bool down_pump(struct session *s);
/* With messages only: what had to wait until all of them had left (an end that was read before; what is no
 * text) takes its effect, before anything more is read. True when it does. */
bool down_settle(struct session *s);

/* splice.c: down through a pipe instead of a buffer, where both sockets can and frames are large enough. */
/* False when nothing was moved: then the backend is to be read. */
bool splice_read(struct session *s);
/* Gives the pipe back; what it holds is gone. */
void splice_drop(struct session *s);

/* client_out.c */
/* Writes as much as the client takes, in the order that the protocol demands. */
bool client_flush(struct session *s);
/* Takes the backend's bytes over for sending; the writer must hold none (asserted). */
void client_send(struct session *s, struct buffer *buffer, uint8_t *at, size_t len);
/* Likewise a pipe with the payload of one frame. */
void client_send_piped(struct session *s, struct splice_pipe *pipe);
/* Answers to the pings of one read, gathered so that they leave in few writes: a buffer holds some ten
 * thousand empty pings. On the stack of whoever decodes; `len` is 0 at first. */
struct pong_batch {
  uint8_t frames[4096];
  size_t len;
};
/* Adds the answer to a ping. While the client takes nothing only the newest is kept (RFC 6455 5.5.3). */
void client_pong(struct session *s, struct pong_batch *batch, const uint8_t *payload, size_t len);
/* Behind the last ping: sends what was gathered. */
void client_send_pongs(struct session *s, struct pong_batch *batch);
void client_ping(struct session *s);
/* Queues a Close behind the frame that was begun, unless one was begun already. Other data that is
 * held is dropped: a backend's end is only ever read when none is. */
void client_close(struct session *s, uint16_t code, const char *reason);
/* Nothing may be written any more. */
void client_break(struct session *s);

/* ending.c: the events of the table. */
void ending_set(struct session *s, const char *side, const char *cause);
void ending_dial_failed(struct session *s, int error);
void ending_backend_fin(struct session *s);
void ending_backend_lost(struct session *s, int error);
void ending_backend_deaf(struct session *s);
void ending_backend_not_text(struct session *s);
void ending_client_close(struct session *s, uint16_t code);
void ending_client_fin(struct session *s);
void ending_client_truncated(struct session *s);
void ending_client_lost(struct session *s, int error);
void ending_violation(struct session *s, uint16_t code, const char *reason);
void ending_by_us(struct session *s, uint16_t code, const char *cause, const char *reason);
void ending_go_away(struct session *s);
void ending_cut(struct session *s);

/* closing.c */
void backend_finish(struct session *s);
void backend_abort(struct session *s);
void backend_break(struct session *s);
void backend_drop_input(struct session *s);
/* Draws conclusions until nothing changes; true when anything did. */
bool closing_step(struct session *s);
void closing_moved(struct session *s);
/* Bytes came that nobody wants any more. */
void closing_dropped(struct session *s);
/* Resets both sides now. */
void closing_cut(struct session *s);
/* Next time at which closing wants to look again, or NEVER. Runs what is due. */
uint64_t closing_due(const struct session *s);
void closing_on_time(struct session *s);

/* shortage.c */
void shortage_init(struct session_domain *domain);
/* Nobody waits any more; also where none has. */
void shortage_end(struct session_domain *domain);
/* A spare buffer, where the others are lent and this one will come back at once; or NULL. */
struct buffer *shortage_borrow(struct session *s, enum buffer_way way);
/* When a session that waits tries again for a spare one; NEVER: there are none. */
uint64_t shortage_try_due(struct session *s);
/* It holds a buffer now, or none any more. */
void shortage_note_holding(struct session *s);

/* liveness.c */
void liveness_start(struct session *s);
void liveness_client_read(struct session *s);
/* The client's stream has ended without a Close, and the backend, which knows, lives on for it alone: from
 * now on pings look whether there still is a client, with any heartbeat or none. */
void liveness_doubt_client(struct session *s);
void liveness_client_written(struct session *s);
/* A ping is the kernel's: the pong's clock starts. */
void liveness_ping_sent(struct session *s);
void liveness_backend_written(struct session *s);
void liveness_payload_moved(struct session *s);
/* At the end of every run: notes whether reading is stopped, arms the timer. */
void liveness_rearm(struct session *s);
void liveness_stop(struct session *s);

#endif
