/* The plan of a life: everything that chance decides, as data. A seed draws it; who looks for the shortest
 * plan that still fails takes steps out and settings back to the plain ones; a person reads it as a story.
 */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PLAN_STEPS_MAX    64u
#define PLAN_SESSIONS_MAX 3u

enum step_kind {
  STEP_NONE, /* taken out */
  /* the client */
  STEP_CLIENT_FRAME, /* says a frame: a = enum said (speaker.h), b = payload bytes, c = bytes held back till
                        its next */
  STEP_CLIENT_WRONG, /* breaks the protocol: a = row (speaker.h) */
  STEP_CLIENT_CLOSE, /* a = row (speaker.h) */
  STEP_CLIENT_END,   /* a = enum stream_end */
  STEP_CLIENT_TAKES, /* room for b bytes more; 0: takes nothing more; UINT32_MAX: everything */
  STEP_CLIENT_DEAF,  /* every write fails from now on, without another sign */
  STEP_CLIENT_VANISHES, /* no byte, no ACK, no FIN from now on */
  /* the backend */
  STEP_BACKEND_SAYS, /* b bytes */
  STEP_BACKEND_END,  /* a = enum stream_end */
  STEP_BACKEND_TAKES,
  STEP_BACKEND_VANISHES,
  STEP_BACKEND_DEAF, /* every write fails from now on, without another sign */
  STEP_DIAL,         /* a = row of plan_dial_answers */
  /* the worker */
  STEP_TIME,    /* b milliseconds pass */
  STEP_TURNS,   /* b turns of the loop */
  STEP_REST,    /* the loop comes to rest */
  STEP_SLEEP,   /* b milliseconds in which the worker is busy elsewhere: its timers are late */
  STEP_HOARD,   /* b buffers of the pool are lent elsewhere from now on; 0: all come back */
  STEP_GO_AWAY, /* the drain is over */
  STEP_CUT,
  STEP_KINDS
};

struct step {
  uint8_t kind;    /* enum step_kind */
  uint8_t session; /* whose; below plan.sessions */
  uint8_t a;
  uint32_t b;
  uint32_t c;
};

enum stream_end { END_FIN, END_RESET, END_TIMED_OUT, END_TRUNCATED, END_TLS_BROKEN, STREAM_ENDS };

/* How a peer and the way to it behave, all the time. */
struct temper {
  uint32_t arrive_max;   /* most bytes that arrive at once; 0: all that were sent */
  uint32_t read_max;     /* most bytes that one read brings though more is there (TLS records); 0: no limit */
  uint32_t write_max;    /* most bytes that one write takes; 0: no limit */
  uint32_t room;         /* bytes it takes before it stalls; UINT32_MAX: everything */
  uint8_t again_percent; /* of reads and writes that say "not now" though they might */
  bool seals;            /* takes all that is written and keeps what there is no room for, as TLS does */
  bool wont_splice;      /* the kernel refuses */
  bool slow_acks;        /* acknowledges when time passes, not at once */
  bool cant_tell;        /* Unix socket: nobody knows what it has acknowledged */
  bool heeds;            /* being forsaken: it is a program */
  bool leaves;           /* its process goes with its FIN: what is written to it then brings a reset */
  uint8_t finish_again;  /* so many calls of finish say "not now" */
  uint8_t on_our_end;    /* enum reaction */
};

/* What a peer does when it has seen our Close (client) or our FIN (backend). */
enum reaction { REACT_ENDS, REACT_NEVER, REACT_RESETS, REACT_GOES_ON, REACTIONS };

enum dialling { DIALLED_BEFORE, DIAL_AT_ONCE, DIAL_LATER, DIALLINGS };

struct role { /* of one session */
  struct temper client, backend;
  uint8_t dialling; /* enum dialling */
  uint32_t early;   /* bytes of the client's first words that come with the request head */
  uint8_t frames;   /* enum frames_mode */
  uint8_t line_end; /* enum wsl_line_end */
};

struct plan {
  uint64_t seed; /* also decides what the steps leave open: bytes, masks, sizes below the limits */
  uint32_t max_frame_size;
  uint32_t heartbeat_ms, pong_timeout_ms, idle_timeout_ms;
  uint32_t close_timeout_ms, close_timeout_max_ms;
  uint32_t buffers;           /* ceiling of the pool, in small ones */
  uint32_t buffer_size;       /* bytes of each small one */
  uint32_t large_buffer_size; /* bytes of each large one; 0: there are none */
  uint32_t spares;            /* spare buffers beside them */
  uint32_t spare_size;        /* bytes of each */
  uint32_t pipes;             /* ceiling of the pool of pipes; 0: nothing is spliced */
  uint32_t pipe_bytes;        /* that one holds */
  uint8_t pipe_refusals;      /* percent of those asked for */
  uint32_t max_line;
  bool refuse_text;
  bool invalid_closes; /* what is not UTF-8 ends a session */
  bool patient;        /* at the end peers take everything and end what they began; else time just passes */
  uint8_t sessions;
  struct role roles[PLAN_SESSIONS_MAX];
  uint16_t step_count;
  struct step steps[PLAN_STEPS_MAX];
};

#define PLAN_DIAL_ANSWERS 6u
extern const int plan_dial_answers[PLAN_DIAL_ANSWERS]; /* enum wsl_error; the first is WSL_OK */

void plan_draw(struct plan *plan, uint64_t seed);

/* The n-th way to make it simpler, from the boldest (half of the steps out) to the smallest (one number
 * made plain); false when there are no more. Always a plan that can be played. */
bool plan_simpler(const struct plan *plan, size_t n, struct plan *simpler);

/* The story in words, a line a step. */
void plan_tell(const struct plan *plan, FILE *out);

#endif
