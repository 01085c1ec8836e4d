/* One connection of the load, from dialling to its end.
 *
 *   CONNECTING --> SECURING (wss) --> UPGRADING (ws, wss) --> OPEN --> CLOSING --> GONE
 *
 * It sends the messages it is allowed to (connection_allow(); outgoing.h knows the bytes), reads and checks
 * what comes, answers pings between two frames, and says each step to the run (struct client_events). The
 * first thing that is wrong ends it, with a sentence in client->failure.
 *
 * Connections live in the run's array and may be started again when they are GONE. One thread.
 */
#ifndef LOADGEN_CONNECTION_H
#define LOADGEN_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadgen/endpoint.h"
#include "loadgen/frame_reader.h"
#include "loadgen/handshake.h"
#include "loadgen/lane.h"
#include "loadgen/outgoing.h"
#include "loadgen/pattern.h"
#include "net/tls/tls.h"
#include "net/transport.h"

enum connection_state {
  CONNECTION_GONE,
  CONNECTION_CONNECTING,
  CONNECTION_SECURING,
  CONNECTION_UPGRADING,
  CONNECTION_OPEN,
  CONNECTION_CLOSING
};

enum failure_kind {
  FAILURE_CONNECT,    /* no connection, no TLS, no upgrade                                    */
  FAILURE_CONTENT,    /* wrong bytes, or more than were sent; frames that break the RFC       */
  FAILURE_CLOSED,     /* it ended before it should, or with a Close that says something else  */
  FAILURE_UNANSWERED, /* what should have come never did: an echo, the rest of a stream       */
  FAILURE_OTHER,      /* no connection's: a run that moved nothing, a process that has ended  */
  FAILURE_KINDS
};

#define CLIENT_FAILURE_MAX 768u
#define MESSAGES_UNLIMITED UINT64_MAX

struct connection;

struct client_events {
  void (*on_open)(struct connection *connection);
  void (*on_payload)(struct connection *connection); /* payload_received has grown */
  /* GONE: in order after connection_close(), or because of client->failure. May start it again. */
  void (*on_end)(struct connection *connection, bool in_order);
};

/* What all connections of a run share; filled in by the run, and outlives them. */
struct client {
  struct lane *lane;
  const struct endpoint *endpoint;
  const struct address *sources; /* where to connect from, in turns; */
  size_t sources_count;          /* 0: the system chooses */
  size_t dials;                  /* so far: whose turn it is */
  size_t preferred;              /* of the endpoint's addresses: the one that answered */
  struct tls_domain *tls;        /* wss, else NULL */
  struct tls_context *context;   /* likewise */
  const char *host;              /* that was asked for, for TLS */
  struct handshake *handshake;   /* NULL with tcp:// */
  const struct outgoing *outgoing;
  const struct pattern *pattern;
  bool verify;
  uint64_t connections; /* of the run: messages say which where there are several */
  const struct client_events *events;
  void *run;
  bool quiet;      /* failures are of no interest any more */
  uint64_t now_ns; /* when the last read returned */
  uint64_t failures[FAILURE_KINDS];
  char failure[CLIENT_FAILURE_MAX]; /* the first one, "" while all is well */
};

struct connection {
  struct client *client;
  struct transport *transport; /* NULL when GONE */
  enum connection_state state;
  size_t number;       /* counted from 1, for messages */
  size_t address;      /* of the endpoint's, that is being tried */
  uint64_t started_ns; /* when it was dialled */
  uint64_t closing_ns; /* when connection_close() was called */
  uint64_t wire_sent;  /* bytes of the outgoing stream */
  uint64_t allowed;    /* messages that may be sent */
  uint64_t answered;   /* messages whose echo has come; the run's */
  uint64_t *stamps;    /* when those under way were due; the run's */
  uint64_t payload_received;
  size_t request_sent;
  char *head; /* an answer that came in pieces, else NULL */
  size_t head_len;
  struct frame_reader reader;
  uint8_t control[CLIENT_CONTROL_MAX]; /* a pong or Close on its way */
  uint8_t control_len, control_sent;
  bool close_sent, close_received;
  bool was_reset;      /* it ended by an error, not by the server's end */
  uint16_t close_code; /* of the Close received, WSL_CLOSE_NO_STATUS where it had none */
};

/* Dials. Its end may come before this returns. */
void connection_start(struct connection *connection, struct client *client, size_t number);

/* Allows `messages` in all and sends what is new. MESSAGES_UNLIMITED: no end. False: it is GONE now. */
bool connection_allow(struct connection *connection, uint64_t messages);

/* Whether RFC 6455 7.4 has such a code in a Close. */
static inline bool close_code_exists(uint16_t code) {
  return code >= 1000 && code < 5000;
}

/* Ends it in order: the frame begun, Close 1000, until the server has closed too. A Close with another code
 * is no answer to that but a failure. */
void connection_close(struct connection *connection);

/* Ends it at once; no event comes. Harmless when GONE. */
void connection_drop(struct connection *connection);

/* Payload bytes that have left, and whether the last message has left whole. */
uint64_t connection_payload_sent(const struct connection *connection);
bool connection_between_messages(const struct connection *connection);

/* Notes a failure of the run itself, where there is none yet. */
void client_fail(struct client *client, enum failure_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
