/* What the files of the connection share (connection.c and connection_*.c; each has its part below); nobody
 * else includes it.
 */
#ifndef SERVER_CONNECTION_INTERNAL_H
#define SERVER_CONNECTION_INTERNAL_H

#include <wsluice/head.h>
#include <wsluice/request.h>

#include "codec/http/forwarded.h"
#include "core/log.h"
#include "core/text.h"
#include "net/linger.h"
#include "server/connection/connection.h"
#include "server/connection/outgoing.h"

/* Bytes read in one go while a head is awaited. What comes behind an upgrade's head is the session's to read,
 * so there is no point in more. */
#define CONNECTION_HEAD_READ_MAX ((size_t)16 * 1024)

enum connection_state {
  CONNECTION_HEAD,
  CONNECTION_AUTHORIZING,
  CONNECTION_ANSWERING,
  CONNECTION_FILE,
  CONNECTION_ROUTING,
  CONNECTION_DIALLING,
  CONNECTION_UPGRADING,
  CONNECTION_LINGERING
};

/* What carries the connection. */
enum connection_security { CONNECTION_PLAIN, CONNECTION_HANDSHAKING, CONNECTION_SECURE };

/* What follows when the answer has left. */
enum connection_next { NEXT_REQUEST, NEXT_LINGER };

/* How a step of the state machine ended. */
enum step {
  STEP_ON,   /* there is more to do at once */
  STEP_WAIT, /* an event will come */
  STEP_GONE  /* the connection is freed, or the transport is not its own any more */
};

/* What the 101 takes beside its subprotocol (wsluice/request.h), and subprotocols as they are in life. */
#define UPGRADE_ANSWER_ROOM 256u
#define USUAL_SUBPROTOCOL   128u

/* The words of an upgrade while it is under way, from a slab: upgrades ask for no other memory. */
struct upgrade_words {
  char answer[UPGRADE_ANSWER_ROOM + USUAL_SUBPROTOCOL]; /* the 101, where it fits */
  char opening[LOG_TEXT_MAX]; /* the rest of the log line for the session's opening */
  size_t opening_path_len;    /* how much of it is the path; then comes the target, which is not in it */
};

/* Of who has passed the gate: "" where there is none. */
struct gate_pass {
  const char *user;
  const char *cookie; /* to be set by the answer */
};

/* Who stands between the client and us; malloc'ed when somebody does whom the operator has listed. Those
 * without a length are not there. */
struct connection_chain {
  struct address balancer;      /* the socket's peer, where its PROXY header has named another */
  struct address local;         /* and the address that this one has reached */
  struct address forwarded;     /* the client of the current request, as its header fields have it */
  enum forwarded_scheme scheme; /* by which it came there */
  bool contradicted;            /* a request's header fields have named two clients, and that was said */
};

struct connection {
  struct list node;
  struct connection_domain *domain;
  struct transport *client;
  uint64_t id;
  uint64_t accepted_ms;
  struct address peer;
  enum connection_state state;
  enum connection_security security;
  enum connection_next next;
  struct timer timer;          /* of the head, of an answer, see arm_* */
  size_t pending;              /* bytes that TLS still held when the answer's timer was set */
  struct buffer_waiter waiter; /* for a buffer of the early bytes, or to read a file into */
  bool ended;                  /* the client's FIN was read */
  bool awaits_proxy;           /* a PROXY header comes first (proxy.c) */
  struct connection_chain *chain;

  /* HEAD */
  struct wsl_head head;
  struct wsl_head_field *fields; /* own ones, for a head that did not arrive whole; counted */
  struct stash stash;
  uint32_t requests; /* complete heads so far */
  bool begun;        /* a byte of the current request was seen */
  bool unparsed;     /* the stash holds bytes that the parser has not seen */

  /* AUTHORIZING; but for the check, until the request is dealt with */
  struct gate_check check;
  bool judged; /* once per request, whose head is read twice then */
  enum gate_purpose purpose;
  struct gate_answer judgement; /* without its words that live for the callback: */
  struct gate_pass *pass;       /* malloc'ed; NULL: nothing is known of who it is */

  /* ANSWERING, FILE, UPGRADING */
  struct outgoing out;
  struct file_job *file;
  bool file_answered; /* the head for `file` is made */

  /* ROUTING, DIALLING, UPGRADING */
  struct route_lookup route;
  bool route_over;
  enum route_outcome route_outcome;
  const struct target *target; /* once ROUTE_FOUND; shared, or in: */
  void *own_target;            /* to be freed; NULL: nothing, or it is the session's */
  struct dial_context
      *context; /* of the dial, malloc'ed; NULL: the settings ask for none, or the session's */
  struct dial dial;
  bool dial_started, dial_over;
  int dial_error;
  struct transport *backend;
  struct session_frames frames; /* what the client will be sent */
  struct buffer *early;         /* bytes behind the upgrade's head, if any; or they are in the stash */
  uint8_t *early_at;
  size_t early_len;
  bool has_turn;               /* of single_session, until the session has it */
  struct upgrade_words *words; /* from ROUTING on */

  struct lingering linger;
};

/* ---- client.c ---- */

/* Who the client is, of the current request where there is one. */
const struct address *connection_client(const struct connection *c);

/* The same for the log, with the proxies between: "203.0.113.5 via=10.0.0.2:40000". Returns `out`. */
#define CLIENT_TEXT_MAX (3 * ADDRESS_TEXT_MAX + 8)
const char *connection_show_client(const struct connection *c, char out[CLIENT_TEXT_MAX]);

/* Whether the client's own connection is TLS, ours or a trusted proxy's. */
bool connection_is_secure(const struct connection *c);

/* A complete head at c->head: takes note of the client that a trusted proxy has named in it. False without
 * memory: the request must not pass for the proxy's own. */
WSL_MUST_CHECK bool connection_note_forwarded(struct connection *c);

/* c->chain, made when it is not there. NULL without memory. */
struct connection_chain *connection_make_chain(struct connection *c);

/* ---- proxy.c ---- */

/* Whether the peer is a balancer, from which a PROXY header is to come. */
bool connection_awaits_proxy(const struct connection *c);

/* Reads until the header is whole; then c->peer is whom it names. */
enum step connection_step_proxy(struct connection *c);

/* It takes too long: the connection ends. */
void connection_proxy_late(struct connection *c);

/* Whether a request's head that can't be read is a PROXY header. */
bool connection_begins_with_proxy(struct wsl_span bytes);

/* ---- connection.c ---- */

/* The only way from state to state; asserts that the picture in connection.h has the arrow. */
void connection_set_state(struct connection *c, enum connection_state state);

/* Runs steps until one waits; called on events only, never from inside a step. */
void connection_run(struct connection *c);

/* Waits for the next request's head: its timer, its parser. */
void connection_begin_head(struct connection *c);

/* Writes some of c->out. STEP_ON: something has left, all when outgoing_left() says so. */
enum step connection_write(struct connection *c);

/* The timer of an answer: ends the connection when nothing moves for the transfer time. Progress
 * moves it on while it is armed. */
void connection_expect_progress(struct connection *c);
void connection_moved(struct connection *c);

/* The answer has left: on to the next request, or to the end. */
enum step connection_answered(struct connection *c);

enum connection_close { CLOSE_IN_ORDER, CLOSE_BY_RESET };

/* Closes the client without lingering and frees the connection. */
enum step connection_close(struct connection *c, enum connection_close how);

/* The client has gone, or is to be gone: a debug line with `why`, then CLOSE_BY_RESET. */
enum step connection_abandon(struct connection *c, const char *why);

/* Between requests, with nothing of the next one here. */
bool connection_idle(const struct connection *c);

/* The server is stopping, and nothing is to come on it any more. */
bool connection_may_go(const struct connection *c);

/* Everything has left: hands the client to a lingering close. */
enum step connection_linger(struct connection *c);

/* Frees the connection without touching its transports (they are somebody else's by now). */
void connection_free(struct connection *c);

/* A buffer, or NULL with the connection put in line for one: connection_run() comes when there is. */
struct buffer *connection_borrow(struct connection *c, enum buffer_way way);

/* For transport_own(). */
void connection_on_ready(struct transport *transport, void *owner);

/* Everything is written: true when it is the kernel's too, else the timer of an answer runs. */
bool connection_has_left(struct connection *c);

/* ---- tls.c ---- */

/* The first bytes are TLS's: from now on the client's transport is a secured one, or the connection ends. */
enum step connection_begin_tls(struct connection *c, const uint8_t *bytes, size_t len);

/* Takes note of a handshake that is over. */
void connection_note_tls(struct connection *c);

/* Whether it was TLS that broke the connection; then: logs why, and lets the alert leave. */
bool connection_failed_in_tls(const struct connection *c);
enum step connection_tls_failed(struct connection *c);

/* The handshake takes too long: the connection ends. */
void connection_tls_late(struct connection *c);

/* ---- head.c ---- */

/* Bytes that one read takes at most. */
size_t connection_head_read_size(const struct connection *c);

/* Reads and parses until a head is complete. */
enum step connection_step_head(struct connection *c);

/* Gives the stash and the own fields back. */
void connection_free_head(struct connection *c);

/* The head in the stash, complete and known to be good, is parsed from its first byte again. */
void connection_read_head_again(struct connection *c);

/* ---- gate.c ---- */

/* Whether the request may come in now. If not, the connection has gone to ANSWERING, or to AUTHORIZING, and
 * whoever has the head's bytes keeps them. */
bool connection_passes_gate(struct connection *c, const struct wsl_request *request,
                            enum gate_purpose purpose);

enum step connection_step_authorizing(struct connection *c);

/* The gate's time is over. */
void connection_gate_late(struct connection *c);

/* Gives up a check and forgets what the last one said; harmless when there is nothing. */
void connection_free_gate(struct connection *c);

/* ---- request.c ---- */

/* A complete head at c->head: decides, and goes to ANSWERING, FILE, ROUTING, or to AUTHORIZING, where the
 * bytes must be kept. Writes and frees nothing; afterwards nothing points into the head's bytes. */
void connection_begin_request(struct connection *c);

/* An error answer: composed, counted and logged; goes to ANSWERING and lingers behind it.
 * `reason` is a static text, the answer's body and the log's. */
void connection_refuse(struct connection *c, uint16_t status, const char *reason);

/* A head that can't be read, at c->head, with all of its bytes so far: likewise with what is wrong with it,
 * or, where it is a PROXY header or TLS is missing, with that: whoever speaks something else is helped more
 * by this than by a lesson in HTTP. */
void connection_refuse_head(struct connection *c, struct wsl_span bytes);

/* Likewise with fields of `response` set (status, allow, upgrade, retry_after_s), whether a body is
 * sent, and what follows. */
enum answer_body { ANSWER_BODY, ANSWER_HEAD_ONLY };
void connection_answer_text(struct connection *c, struct response *response, const char *text,
                            enum answer_body body, enum connection_next next);

/* Fills in what all answers share and makes the head; goes to ANSWERING with the body left to set.
 * Without memory the answer is empty and the connection closes. */
void connection_answer_head(struct connection *c, struct response *response, enum connection_next next);

/* Writes the head to out[0..cap) with the Connection that c->next and the draining ask for. */
size_t connection_write_head(struct connection *c, struct response *response, char *out, size_t cap);

enum step connection_step_answering(struct connection *c);

/* Room for what a client has sent and a line of the log shows, NUL included. */
#define SHOWN_MAX 256u

/* ' origin="..."', where there is one (at != NULL) and it is no secret: with --host-token the Host is, and so
 * is the Origin of a page from there. SHOWN_MAX and some more. */
void connection_put_origin(const struct connection *c, struct wsl_span origin, struct text *text);

/* One line and one count for an answer. */
void connection_count_answer(struct connection *c, uint16_t status, const char *what);

/* ---- file.c ---- */

/* A GET or HEAD, at c->head, with --web or assets. */
void connection_begin_file(struct connection *c, const struct wsl_request *request);

enum step connection_step_file(struct connection *c);

/* ---- routing.c ---- */

/* Asks for the target; the 101 is made. */
void connection_begin_routing(struct connection *c, const struct wsl_request *request);

enum step connection_step_routing(struct connection *c);

/* " token=#1a2b3c", to stand in lines of the log in the token's place; "" where there is none. */
#define TOKEN_MARK_MAX 24u
const char *connection_token_mark(const struct connection *c, char out[TOKEN_MARK_MAX]);

/* The route's time is over. */
void connection_routing_late(struct connection *c);

/* ---- context.c ---- */

/* Whom the dial will be for, into c->context, where the settings ask for it. False without memory. */
WSL_MUST_CHECK bool connection_make_context(struct connection *c, const struct wsl_request *request);

/* ---- upgrade.c ---- */

void connection_begin_upgrade(struct connection *c, const struct wsl_request *request);

/* An upgrade waits for a gate, a route or a dial: reads on where the client's end may be near, and drops a
 * client that left.
 */
enum step connection_look_for_client(struct connection *c);

/* Gives the upgrade up and refuses it: 503. */
enum step connection_stop_upgrade(struct connection *c, const char *reason);

enum step connection_step_dialling(struct connection *c);
enum step connection_step_upgrading(struct connection *c);

/* The upgrade comes to nothing: with --run-once another may have its turn. Harmless without one. */
void connection_give_turn_back(struct connection *c);

/* Gives up whatever the upgrade holds: route, dial, backend, early bytes. Harmless when nothing. */
void connection_free_upgrade(struct connection *c);

#endif
