/* The table of endings (docs/ARCHITECTURE.md): what each event starts. How it then comes to its end
 * is closing.c's. Every event may come in any state, so each only ever adds to what was decided.
 */
#include <stdio.h>

#include "bridge/session_internal.h"
#include "core/log.h"

void ending_set(struct session *s, const char *side, const char *cause) {
  if (s->ending.side != NULL) return;
  s->ending.side = side;
  s->ending.cause = cause;
}

/* What the client still sends is not wanted. Its end may have been met already, by a write in the middle
 * of the buffer that is being decoded. */
static void drop_client_input(struct session *s) {
  if (s->client_in == CLIENT_IN_FRAMES) s->client_in = CLIENT_IN_DROP;
}

/* Nobody reads the backend's stream any more, and the client's is not whole: the backend must be
 * able to tell that from an orderly end. */
static void give_up_backend(struct session *s) {
  backend_drop_input(s);
  backend_abort(s);
  session_enter(s, SESSION_CLOSING);
}

/* No descriptor, port or memory now says nothing about the target: the client may try again. */
static uint16_t dial_close_code(int error) {
  if (error == WSL_FORBIDDEN) return WSL_CLOSE_POLICY;
  bool exhausted =
      error == WSL_NO_DESCRIPTOR || error == WSL_NO_PORT || error == WSL_NO_MEMORY || error == WSL_TOO_MANY;
  return exhausted ? WSL_CLOSE_TRY_AGAIN_LATER : WSL_CLOSE_INTERNAL_ERROR;
}

/* There never was a target, so nothing of the client is wanted, not even its Close: ours and our FIN leave
 * together, and it lingers. To wait for an answer would keep --run-once from ending. */
void ending_dial_failed(struct session *s, int error) {
  char reason[sizeof s->ending.reason];
  drop_client_input(s);
  snprintf(reason, sizeof reason, "Failed to connect to target: %s", error_text(error));
  ending_set(s, "backend", error_text_for_log(error));
  s->backend_in = BACKEND_IN_ENDED;
  backend_break(s);
  client_close(s, dial_close_code(error), reason);
  session_enter(s, SESSION_CLOSING);
}

void ending_backend_fin(struct session *s) {
  bool wanted = s->backend_in == BACKEND_IN_BYTES;
  bool client_ended = s->client_in == CLIENT_IN_ENDED;
  s->backend_in = BACKEND_IN_ENDED;
  if (!wanted) return;
  if (client_ended) { /* between messages, and waited for the rest */
    ending_set(s, "client", "client ended its stream");
  } else {
    ending_set(s, "backend", "target closed");
  }
  client_close(s, WSL_CLOSE_NORMAL, "Target closed");
  session_enter(s, SESSION_CLOSING);
}

static void log_tls_failure(const struct session *s, const char *with, const struct transport *t) {
  if (t == NULL) return;
  log_event(LOG_INFO, s->id, "TLS with the %s failed reason=\"%s\"", with, transport_failure(t));
}

/* How the backend's stream broke, for the log and for the client. */
struct loss {
  int error;
  const char *cause, *reason; /* reason NULL: what the transport says (transport_failure) */
};

static const struct loss *backend_loss(int error) {
  static const struct loss losses[] = {
      {WSL_TIMED_OUT, "target timed out", "Connection to target timed out"},
      {WSL_TRUNCATED, "target's TLS stream ended without close_notify", "Target's TLS stream was cut off"},
      {WSL_TLS_FAILED, "TLS toward the target failed", "TLS toward the target failed"},
      {WSL_PROGRAM_FAILED, "program failed", NULL},
      {WSL_RESET, "target reset the connection", "Target reset the connection"}, /* and all else */
  };
  const struct loss *loss = losses;
  while (loss->error != error && loss->error != WSL_RESET)
    loss++;
  return loss;
}

void ending_backend_lost(struct session *s, int error) {
  bool wanted = s->backend_in == BACKEND_IN_BYTES;
  s->backend_in = BACKEND_IN_ENDED;
  backend_break(s);
  if (!wanted) return;
  const struct loss *loss = backend_loss(error);
  if (error_is_of_tls(error)) log_tls_failure(s, "target", s->backend);
  ending_set(s, "backend", loss->cause);
  const char *reason = loss->reason != NULL ? loss->reason : transport_failure(s->backend);
  client_close(s, WSL_CLOSE_INTERNAL_ERROR, reason);
  session_enter(s, SESSION_CLOSING);
}

/* A write failed, and reading brings neither an end nor an error (no memory in the kernel; a Unix
 * socket of which the peer has shut only this direction). */
void ending_backend_deaf(struct session *s) {
  ending_set(s, "backend", "target took no more");
  client_close(s, WSL_CLOSE_INTERNAL_ERROR, "Target took no more data");
  backend_drop_input(s);
}

/* All before it has left. */
void ending_backend_not_text(struct session *s) {
  drop_client_input(s);
  ending_set(s, "backend", "target sent invalid UTF-8");
  client_close(s, WSL_CLOSE_INVALID_PAYLOAD, "Target sent invalid UTF-8");
  give_up_backend(s);
}

void ending_client_close(struct session *s, uint16_t code) {
  drop_client_input(s);
  ending_set(s, "client", "client closed");
  client_close(s, code, "");
  s->client_sent_close = true;
  backend_drop_input(s);
  backend_finish(s);
  session_enter(s, SESSION_CLOSING);
}

void ending_client_fin(struct session *s) {
  bool wanted = s->client_in == CLIENT_IN_FRAMES;
  s->client_in = CLIENT_IN_ENDED;
  if (!wanted) return;
  if (s->client_out == CLIENT_OUT_BROKEN) {
    ending_client_lost(s, WSL_RESET); /* its stream is whole, but ours could not be delivered */
  } else if (wsl_decoder_between_messages(&s->decoder)) {
    backend_finish(s);
  } else {
    ending_set(s, "client", "connection ended inside a message");
    client_close(s, WSL_CLOSE_PROTOCOL_ERROR, "Connection ended inside a message");
    give_up_backend(s);
  }
}

/* FIN without close_notify: anybody on the way may have cut the stream (RFC 8446 6.1), so it is not known to
 * be whole, wherever it ends; but the client may still be reading. */
void ending_client_truncated(struct session *s) {
  bool wanted = s->client_in == CLIENT_IN_FRAMES;
  s->client_in = CLIENT_IN_ENDED;
  if (!wanted) return; /* it had said all, or nothing of it was wanted any more */
  ending_set(s, "client", "TLS stream ended without close_notify");
  client_close(s, WSL_CLOSE_PROTOCOL_ERROR, "TLS stream ended without close_notify");
  give_up_backend(s);
}

static const char *client_loss(int error) {
  if (error == WSL_RESET) return "client reset the connection";
  return error == WSL_TIMED_OUT ? "client timed out" : error_text(error);
}

void ending_client_lost(struct session *s, int error) {
  s->client_in = CLIENT_IN_ENDED;
  s->client_alerted = error_is_of_tls(error);
  if (s->client_alerted) log_tls_failure(s, "client", s->client);
  ending_set(s, "client", client_loss(error));
  client_break(s);
  if (s->client_sent_close) return; /* it had said all and wanted no more */
  give_up_backend(s);
}

void ending_violation(struct session *s, uint16_t code, const char *reason) {
  drop_client_input(s);
  ending_set(s, "client", reason);
  client_close(s, code, reason);
  give_up_backend(s);
}

void ending_by_us(struct session *s, uint16_t code, const char *cause, const char *reason) {
  drop_client_input(s);
  ending_set(s, "wsluice", cause);
  client_close(s, code, reason);
  give_up_backend(s);
  /* The Close has its time, where that of a target that failed was over in the same run of a late timer. */
  closing_moved(s);
}

void ending_go_away(struct session *s) {
  if (s->client_out != CLIENT_OUT_OPEN) return;
  ending_set(s, "wsluice", "going away");
  client_close(s, WSL_CLOSE_GOING_AWAY, "Going away");
  backend_drop_input(s);
  session_enter(s, SESSION_CLOSING);
}

void ending_cut(struct session *s) {
  ending_set(s, "wsluice", "cut at stop");
  closing_cut(s);
}
