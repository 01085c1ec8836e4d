/* One session under the simulation: its two peers, and what the model knows of it. */
#ifndef SIM_LIFE_H
#define SIM_LIFE_H

#include "net/dialer.h"
#include "peer.h"
#include "reference.h"
#include "speaker.h"
#include "translation.h"

/* What may end a session, in the order in which it can be noticed. */
enum fact {
  FACT_CLIENT_CLOSE,     /* its Close was read */
  FACT_CLIENT_WRONG,     /* it broke a rule */
  FACT_CLIENT_FIN,       /* between messages */
  FACT_CLIENT_CUT,       /* FIN inside a message */
  FACT_CLIENT_TRUNCATED, /* FIN without close_notify */
  FACT_CLIENT_LOST,      /* an error was read */
  FACT_CLIENT_FAILED,    /* the kernel said that it was gone; or a write did */
  FACT_BACKEND_FIN,
  FACT_BACKEND_LOST,
  FACT_BACKEND_NOT_TEXT, /* and the client is to get text; all before it has been told */
  FACT_BACKEND_FAILED,
  FACT_DIAL_FAILED,
  FACT_WENT_AWAY,
  FACT_CUT,
  FACTS
};

#define NOT_YET UINT64_MAX
#define NO_EDGE UINT32_MAX

struct life {
  uint64_t id; /* of the session: 1 for the first */
  const struct role *role;
  struct target target;
  struct peer client, backend;
  struct speaker speaker;
  struct dial *dial; /* waits for an answer */
  int dial_answer;
  bool opened, ended;

  /* the model's */
  struct listener heard;          /* what the session has read of the client */
  struct reader told;             /* what it has written to it */
  struct bytes taken;             /* what it has read of the backend, as the client is to get it */
  struct translation translation; /* of the backend's bytes into those */
  bool backend_end_read;          /* an end of the backend's was read; */
  bool backend_end_waits;         /* it counts when all before it has been told: */
  int64_t backend_end;            /* what the read said */
  size_t forwarded;               /* bytes of heard.payload that the backend's kernel has */
  size_t pong_at, pings_answered; /* where in heard.pings the next pong is looked for */
  uint8_t last_pong[1 + REFERENCE_CONTROL_MAX]; /* its length first */
  uint64_t facts[FACTS];                        /* when, in order of happening (a count); NOT_YET */
  unsigned fact_edges[FACTS]; /* how often the client had become writable by then; NO_EDGE: it was writable */
  uint64_t fact_ms[FACTS];    /* when, by the clock */
  int lost_error, backend_error, dial_error;
  bool ping_may;           /* it was silent for long enough since the last */
  bool backend_end_wanted; /* its end came while its bytes still went to the client */
  bool client_clogged;     /* it once took less than it was offered */
  bool backend_finished, backend_gone, backend_was_reset;
  bool client_finished, client_gone, client_was_reset;
  uint64_t client_finished_ms;  /* first attempt */
  size_t read_behind_finish;    /* bytes, of the client */
  uint64_t backend_finished_ms; /* NOT_YET */
  unsigned doubts;              /* pings to a client that may have gone from its program */
  uint64_t born_ms;
  uint64_t undialled_ms; /* when its dial was given up; 0: it was not */
  uint64_t moved_ms;     /* a byte went through, or an end came */
  uint64_t touched_ms;   /* that, or a byte that nobody wants, or an acknowledgement */
  uint64_t to_client_ms; /* last byte to the client */
  uint64_t to_backend_ms;
  uint64_t hold_up_ms, hold_down_ms; /* the last sign of progress of the peer that bytes are held for, or when
                                        none were held */
  uint64_t unread_up_ms, unread_down_ms; /* only a buffer has been missing since; NOT_YET: it is not */
  uint64_t from_client_ms;
  uint64_t payload_ms;            /* either way */
  uint64_t pinged_ms;             /* of the first ping since something came from the client; NOT_YET */
  uint64_t closed_ms;             /* our Close was the kernel's; NOT_YET */
  size_t begun_at_close;          /* data frames begun when its Close was decided on; SIZE_MAX: it was not */
  size_t judged;                  /* of told.payload */
  uint64_t closing_since_ms;      /* first cause; NOT_YET */
  uint64_t pong_clock_ms;         /* like pinged_ms, put forward while the pong may lie unread */
  uint64_t clock_ms, pong_run_ms; /* how long that clock has run by now */
  bool pong_stopped;
  bool pong_over, idle_over, stall_over, await_over, vanish_over,
      starved_over;       /* these time-outs may have struck: whatever they do is allowed */
  uint64_t over_since_ms; /* the first of them that may have struck; NOT_YET */
  bool reacted_client;
};

#endif
