/* The model: what must hold after each step of a session, whatever the peers do. It sees only what crosses
 * the transports, the dialer, the clock and the log, and judges by the table of endings
 * (docs/ARCHITECTURE.md).
 *
 *   model.c          what is read and written, as it happens: order, bounds, whether a call is allowed
 *   model_ends.c     whether an end (FIN, RST, Close, the log's line) is the one that fits
 *   model_buffers.c  who is lent a buffer, who waits for one
 *   model_rest.c     what must have happened when the loop has come to rest, and in time
 */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include "world.h"

extern const struct witness model_of_client, model_of_backend;

/* The session is about to be opened. */
void model_begin(struct world *w, struct life *life);

/* Something that a session can't be told of by reading. */
void model_fact(struct world *w, struct life *life, enum fact fact);

/* The drain is over for it. */
void model_sent_away(struct world *w, struct life *life);
bool model_knows(const struct life *life, enum fact fact);

/* The dial was given up by the session. */
void model_dial_cancelled(struct world *w, struct life *life, enum dial_goodbye goodbye);

/* A transport was handed over: it may have failed already. */
void model_connected(struct life *life);

/* A line of the log about the session; whether it ends there. */
void model_log(struct world *w, struct life *life, const char *line);

/* A line of the log about no session. */
void model_worker_log(struct world *w, const char *line);

/* The clock is about to say so: notes which time-outs may strike. */
void model_clock(struct world *w, uint64_t now_ms);

/* The loop is at rest. */
void model_rest(struct world *w);

/* Everybody has gone. */
void model_end(struct world *w);

/* ---- between the model's files ---- */

/* ---- model_buffers.c ---- */

/* A buffer could be had that way. */
bool model_lends(const struct world *w, enum buffer_way way);

/* A read of the client's or the backend's, whose buffer is still lent. */
void model_judge_buffer_up(const struct world *w, struct life *life, int64_t n);
void model_judge_buffer_down(const struct world *w, struct life *life, int64_t n);

/* At rest: no more are lent than are wanted, and nobody waits who need not. */
void model_look_at_buffers(struct world *w);
void model_look_at_waiting(struct world *w, struct life *life);

/* Whether somebody waits; before the clock is moved, too. */
void model_note_waiting(struct world *w);

/* How long a peer has stalled by `now`: while others wait it may be ended from then on. */
void model_note_holding(const struct world *w, struct life *life, uint64_t now);

/* ---- the others ---- */

struct world *world_of(struct life *life);
size_t model_held_up(const struct life *life);
size_t model_held_down(const struct life *life);

/* Whether the client's stream ended in order, as far as it was read. */
bool model_client_ended_well(const struct life *life);

/* Something has happened that ends the session, or will. */
bool model_is_ending(const struct life *life);

/* The backend's bytes are wanted no more: certainly, or perhaps. */
bool model_must_drop_backend(const struct life *life);
bool model_may_drop_backend(const struct life *life);

/* The client's bytes still go to it. */
bool model_backend_takes(const struct life *life);

/* Something has happened for which the client gets a Close. */
bool model_close_is_due(const struct life *life);

/* The newest ping has no answer, and nothing stands in its way but the client. */
bool model_pong_waits(const struct life *life);
bool model_client_end_was_read(const struct life *life);
bool model_backend_end_was_read(const struct life *life);

/* Its program lives on for a client whose stream has ended without a Close. */
bool model_doubts_client(const struct life *life);

/* A time-out may have ended it. */
bool model_timed_out(const struct life *life);

void model_judge_finish_backend(struct life *life);
void model_judge_close_client(struct life *life);
void model_judge_close_backend(struct life *life);
void model_judge_reset_client(struct life *life);
void model_judge_reset_backend(struct life *life);
void model_judge_close_frame(struct life *life);

#endif
