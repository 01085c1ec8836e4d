/* How an ending comes to its end: conclusions from the four half-streams, the waits for
 * acknowledgements, and the deadlines.
 *
 * An orderly close of a descriptor is never used to cut: as long as bytes move, or are acknowledged,
 * nothing here ends a session; where bytes would be lost, the side that loses them sees a reset.
 */
#include <assert.h>

#include "bridge/session_internal.h"

#define PROBE_FIRST_MS   20u /* nothing reports that all is acknowledged: looked at by timer */
#define PROBE_LONGEST_MS 500u

void backend_finish(struct session *s) {
  if (s->backend_out == BACKEND_OUT_OPEN) s->backend_out = BACKEND_OUT_FINISHING;
}

void backend_abort(struct session *s) {
  if (s->backend_out < BACKEND_OUT_ABORTING) s->backend_out = BACKEND_OUT_ABORTING;
}

void backend_break(struct session *s) {
  if (s->backend_out == BACKEND_OUT_BROKEN) return;
  s->backend_out = BACKEND_OUT_BROKEN;
  held_drop(s, &s->up);
}

void backend_drop_input(struct session *s) {
  if (s->backend_in != BACKEND_IN_BYTES) return;
  s->backend_in = BACKEND_IN_DROP;
  if (s->backend != NULL) transport_forsake(s->backend);
}

static void close_backend(struct session *s) {
  transport_close(s->backend);
  s->backend = NULL;
  s->backend_in = BACKEND_IN_ENDED;
}

static void reset_backend(struct session *s) {
  transport_reset(s->backend);
  s->backend = NULL;
  s->backend_in = BACKEND_IN_ENDED;
  s->backend_was_reset = true;
  backend_break(s);
}

static void stop_dialling(struct session *s) {
  if (s->backend_out == BACKEND_OUT_FINISHING) {
    dial_cancel(&s->dial);
  } else { /* on loopback it has mostly been accepted: no end where the client's stream was broken */
    dial_abort(&s->dial);
  }
  s->dialling = false;
  s->backend_in = BACKEND_IN_ENDED;
  backend_break(s);
}

static void close_client(struct session *s) {
  transport_close(s->client);
  s->client = NULL;
  s->client_in = CLIENT_IN_ENDED;
}

static void reset_client(struct session *s) {
  client_break(s);
  transport_reset(s->client);
  s->client = NULL;
  s->client_in = CLIENT_IN_ENDED;
}

/* ---- conclusions ---- */

static bool all_acknowledged(struct transport *t) {
  size_t bytes;
  return transport_unacked(t, &bytes) != WSL_OK || bytes == 0;
}

/* Nothing is left to deliver, and nothing of the target's is wanted: then why dial? */
static bool dial_is_pointless(const struct session *s) {
  return s->dialling && s->up.buffer == NULL && s->backend_in == BACKEND_IN_DROP &&
         s->backend_out != BACKEND_OUT_OPEN;
}

/* All of the client's stream has been delivered, and its end. */
static bool finish_backend(struct session *s) {
  int result = transport_finish(s->backend);
  if (result == WSL_AGAIN) return false;
  s->backend_out = result == WSL_OK ? BACKEND_OUT_FINISHED : BACKEND_OUT_BROKEN;
  if (result != WSL_OK) session_enter(s, SESSION_CLOSING); /* if reading does not tell why */
  liveness_backend_written(s); /* a FIN wants its ACK too: whoever has vanished never sends one */
  if (transport_heeds_forsaking(s->backend) && !s->client_sent_close) liveness_doubt_client(s);
  return true;
}

static bool step_backend(struct session *s) {
  if (dial_is_pointless(s)) {
    stop_dialling(s);
    return true;
  }
  if (s->backend == NULL) return false;
  if (s->backend_out == BACKEND_OUT_FINISHING && s->up.buffer == NULL) return finish_backend(s);
  if (s->backend_out == BACKEND_OUT_ABORTING && s->up.buffer == NULL && all_acknowledged(s->backend)) {
    reset_backend(s);
    return true;
  }
  if (s->backend_in != BACKEND_IN_ENDED) return false;
  if (s->backend_out == BACKEND_OUT_FINISHED) {
    close_backend(s);
    return true;
  }
  if (s->backend_out == BACKEND_OUT_BROKEN) {
    reset_backend(s); /* what was dropped must not look like all there was */
    return true;
  }
  return false;
}

static void on_lingered(struct lingering *linger) {
  struct session *s = LIST_ENTRY(linger, struct session, linger);
  s->lingers = false;
  session_run(s);
}

/* Our Close has left and nothing of the client's is wanted any more: FIN, and what still comes from
 * it is dropped for a while, since a close() with input unread would destroy the Close on its way. */
static void let_client_linger(struct session *s) {
  struct transport *client = s->client;
  s->client = NULL;
  s->client_in = CLIENT_IN_ENDED;
  s->client_out = CLIENT_OUT_FINISHED;
  s->lingers = true;
  linger_start(&s->linger, client, s->domain->timers, on_lingered);
}

static bool step_client(struct session *s) {
  if (s->client == NULL) return false;
  if (s->client_out == CLIENT_OUT_CLOSED && s->client_in == CLIENT_IN_DROP) {
    let_client_linger(s);
    return true;
  }
  if (s->client_in != CLIENT_IN_ENDED || s->client_out < CLIENT_OUT_CLOSED) return false;
  if (s->client_out == CLIENT_OUT_BROKEN && s->client_alerted) {
    let_client_linger(s); /* a reset would overtake the alert */
    return true;
  }
  if (s->client_out == CLIENT_OUT_BROKEN) {
    reset_client(s); /* an orderly close would leave the kernel with what can't be delivered */
    return true;
  }
  if (transport_finish(s->client) == WSL_AGAIN) return false;
  close_client(s); /* its end was read: no input can spoil the close */
  return true;
}

bool closing_step(struct session *s) {
  bool changed = step_client(s);
  changed |= step_backend(s);
  /* Whatever ends the client's stream has decided on the backend's. */
  assert(s->client != NULL || s->backend_out != BACKEND_OUT_OPEN);
  return changed;
}

/* ---- movement and time ---- */

static void restart_close_time(struct session *s) {
  s->moved_ms = session_now(s);
  if (s->probe_interval_ms == 0) {
    s->probe_interval_ms = PROBE_FIRST_MS;
    s->probe_due_ms = s->moved_ms + PROBE_FIRST_MS;
  }
}

void closing_moved(struct session *s) {
  if (s->state != SESSION_CLOSING) return;
  s->drop_only_since_ms = 0;
  restart_close_time(s);
}

/* A peer that goes on sending to nobody is drained, but not for ever. */
void closing_dropped(struct session *s) {
  if (s->state != SESSION_CLOSING) return;
  uint64_t now = session_now(s);
  if (s->drop_only_since_ms == 0) s->drop_only_since_ms = now;
  if (now - s->drop_only_since_ms < s->domain->settings->close_timeout_max_ms) restart_close_time(s);
}

static bool awaiting_client_close(const struct session *s) {
  return s->client != NULL && s->client_out == CLIENT_OUT_CLOSED && s->client_in == CLIENT_IN_FRAMES;
}

/* While dialling the dial's own time-out bounds the wait. */
static uint64_t stall_due(const struct session *s) {
  return s->dialling ? NEVER : s->moved_ms + s->domain->settings->close_timeout_ms;
}

static uint64_t await_due(const struct session *s) {
  if (!awaiting_client_close(s) || s->close_acked_ms == 0) return NEVER;
  return s->close_acked_ms + s->domain->settings->close_timeout_max_ms;
}

/* Neither peer is ours any more: at most the client lingers, which has a timer of its own. */
static bool is_left_alone(const struct session *s) {
  return s->client == NULL && s->backend == NULL && !s->dialling;
}

uint64_t closing_due(const struct session *s) {
  if (s->state != SESSION_CLOSING || is_left_alone(s)) return NEVER;
  return earlier(earlier(stall_due(s), await_due(s)), s->probe_due_ms);
}

/* Looks what a peer has acknowledged since the last look: that is movement too. */
static void probe(struct session *s, struct transport *t, size_t *outstanding) {
  size_t bytes;
  if (t == NULL || transport_unacked(t, &bytes) != WSL_OK) return;
  if (bytes < *outstanding) closing_moved(s);
  *outstanding = bytes;
}

static void probe_both(struct session *s) {
  probe(s, s->client, &s->client_outstanding);
  probe(s, s->backend, &s->backend_outstanding);
  if (awaiting_client_close(s) && s->close_acked_ms == 0 && s->client_outstanding == 0) {
    s->close_acked_ms = session_now(s);
  }
  s->probe_interval_ms = earlier(s->probe_interval_ms * 2, PROBE_LONGEST_MS);
  s->probe_due_ms = session_now(s) + s->probe_interval_ms;
}

/* The client did not answer our Close: its stream is not known to be whole. */
static void stop_awaiting(struct session *s) {
  ending_set(s, "client", "no answer to our Close");
  s->client_in = CLIENT_IN_DROP;
  backend_drop_input(s);
  backend_abort(s);
}

/* Writing to the backend failed and nothing has told why: the client, which takes what we send, must
 * hear of it in words. */
static bool backend_is_deaf(const struct session *s) {
  return s->backend_out == BACKEND_OUT_BROKEN && s->backend_in == BACKEND_IN_BYTES &&
         s->client_out == CLIENT_OUT_OPEN && !client_owes(&s->writer);
}

static bool has_failed(const struct transport *t) {
  return t != NULL && (t->ready & TRANSPORT_FAILED) != 0;
}

/* A side's error that was seen but could not be read, because the bytes before it had nowhere to go,
 * is still what ended the session. */
static void name_cause(struct session *s) {
  if (has_failed(s->client)) {
    ending_set(s, "client", "connection to the client failed");
  } else if (has_failed(s->backend)) {
    ending_set(s, "backend", "connection to the target failed");
  } else {
    ending_set(s, "wsluice", "nothing moved while closing");
  }
}

/* Nothing has moved for the close time: whoever still has bytes coming sees a reset. */
static void give_up(struct session *s) {
  if (backend_is_deaf(s)) {
    ending_backend_deaf(s);
    closing_moved(s);
    return;
  }
  name_cause(s);
  closing_moved(s); /* what is left has a deadline of its own: do not come back at once */
  if (awaiting_client_close(s)) {
    stop_awaiting(s);
  } else if (s->client != NULL) {
    reset_client(s);
  }
  if (s->backend == NULL) return;
  if (s->backend_out == BACKEND_OUT_FINISHED) {
    close_backend(s); /* all is the kernel's, which goes on delivering */
  } else {
    reset_backend(s);
  }
}

void closing_on_time(struct session *s) {
  if (s->state != SESSION_CLOSING) return;
  uint64_t now = session_now(s);
  /* Before giving up, too: what was acknowledged since the last look has moved. */
  if (now >= s->probe_due_ms || now >= stall_due(s)) probe_both(s);
  if (now >= await_due(s)) {
    stop_awaiting(s);
    restart_close_time(s); /* it may be over as well, where the timer is late: what is left has its own */
  }
  if (now >= stall_due(s)) give_up(s);
}

void closing_cut(struct session *s) {
  session_enter(s, SESSION_CLOSING);
  if (s->client != NULL) reset_client(s);
  if (s->lingers) linger_cut(&s->linger);
  s->lingers = false;
  if (s->dialling) stop_dialling(s);
  if (s->backend != NULL) reset_backend(s);
}
