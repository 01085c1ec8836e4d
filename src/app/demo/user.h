/* One connection to the demo service: lines in, answers out, in bounded memory.
 *
 *   OPEN ----------> LEAVING ------------> LINGERING ----------> CLOSED
 *     | bye              | answers are out,    | its FIN was read,    ^
 *     |                  | our FIN sent        | or DEMO_LEAVE_MS     |
 *     +------------------+---------------------+----------------------+
 *        its FIN was read and all answers are out; reset; service stops
 *
 * A user costs one fixed block: a line of input, two buffers of output (one fills while the other
 * is being written). Where no answer would fit, reading from that user stops until the kernel took
 * some: a stuck client stops itself and nobody else. A flood is written from a pattern that all
 * users share.
 *
 * Everything here belongs to the service's thread.
 */
#ifndef APP_DEMO_USER_H
#define APP_DEMO_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "core/list.h"

#define DEMO_LINE_MAX   4096u /* bytes of one line without its end */
#define DEMO_ANSWER_MAX 4608u /* bytes that one command may print; an echo is a line and its end */
#define DEMO_OUT_SIZE   8192u
#define DEMO_LEAVE_MS   10000u /* from `bye` to the cut, for a client that does not end its side */
#define DEMO_COUNT_MS   100u   /* between two numbers of `count` */

/* The flood's pattern is that of chargen (RFC 864): printable ASCII, each line shifted by one. It
 * repeats after as many lines as there are characters, so that chunks can follow each other. */
#define DEMO_FLOOD_LINE     64u
#define DEMO_FLOOD_ALPHABET 95u
#define DEMO_FLOOD_CHUNK    (10u * DEMO_FLOOD_ALPHABET * DEMO_FLOOD_LINE) /* 60,800 bytes a write */

/* Everybody who is connected, and what they share. */
struct demo_crowd {
  uv_loop_t *loop;
  struct list users;
  uint32_t user_count;
  uint64_t last_id;
  char flood_pattern[DEMO_FLOOD_CHUNK];
};

enum demo_stage { DEMO_OPEN, DEMO_LEAVING, DEMO_LINGERING, DEMO_CLOSED };

/* A command that goes on after its first answer; a user runs at most one. */
enum demo_job { DEMO_IDLE, DEMO_COUNTING, DEMO_FLOODING };

struct demo_user {
  struct list node; /* in crowd->users until CLOSED */
  struct demo_crowd *crowd;
  uint64_t id;
  enum demo_stage stage;

  uv_tcp_t tcp;
  uv_timer_t timer; /* ticks of a count while OPEN; the end of patience afterwards */
  uv_write_t write; /* at most one in flight */
  uv_shutdown_t shutdown;
  uint8_t open_handles; /* freed when both are closed */
  bool write_in_flight;
  bool reading;
  bool input_ended;   /* its FIN was read */
  bool skipping_line; /* the rest of a line that was too long */

  enum demo_job job;
  uint64_t job_left; /* numbers or bytes still to come */
  uint64_t job_total;
  uint64_t job_started_ns;

  size_t in_len;
  char in[DEMO_LINE_MAX + 2]; /* a line, CR and LF */

  size_t out_len; /* bytes in out[out_side] */
  uint8_t out_side;
  char out[2][DEMO_OUT_SIZE];
};

void demo_crowd_init(struct demo_crowd *crowd, uv_loop_t *loop);

/* Takes the next waiting connection of `listener`, greets it and starts reading. */
void demo_user_accept(struct demo_crowd *crowd, uv_stream_t *listener);

/* Cuts the connection; `user` frees itself when the loop has closed its handles. */
void demo_user_close(struct demo_user *user);

/* Whether one more answer of up to DEMO_ANSWER_MAX bytes fits. */
bool demo_user_has_room(const struct demo_user *user);

/* Appends to the answer. The caller has seen to it that there is room (asserted). */
void demo_user_write(struct demo_user *user, const char *data, size_t len);
void demo_user_print(struct demo_user *user, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Starts writing what was printed, or the job's next piece, if nothing is in flight. May close the
 * user. Whoever prints outside a command of that user's own calls this. */
void demo_user_flush(struct demo_user *user);

/* Starts a job of `total` numbers or bytes (the user has none), or ends the one there is. */
void demo_user_start_job(struct demo_user *user, enum demo_job job, uint64_t total);
void demo_user_end_job(struct demo_user *user);

/* No more commands; the connection ends in order when the answers are out. */
void demo_user_leave(struct demo_user *user);

#endif
