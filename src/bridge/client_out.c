/* Everything that is written to the client, in the order that RFC 6455 demands: the frame that was
 * begun, then the answer to the newest ping, then our ping, then data or the Close.
 *
 *   buffer:  | sent ... | header | frame ............ | bytes without a header yet |
 *                       ^ data.at - header_left       ^ data.at + frame_left       ^ data.at + data.len
 *
 * The header of the frame begun stands right before its payload: at the start that is the buffer's
 * headroom, later it is payload that has left. Headers of further frames of the same writev stand on
 * the stack; when a short write ends among them, the frame that was reached is begun again from the
 * same numbers.
 *
 * In place of a buffer a pipe may hold the payload of one frame (splice.c); its header is made anew for each
 * write, from the same number. This file is the only one that writes to the client.
 */
#include <assert.h>
#include <string.h>

#include "bridge/messages.h"
#include "bridge/session_internal.h"

/* Frames that leave in one writev: each takes two parts. */
#define FRAMES_A_WRITE (TRANSPORT_PARTS_MAX / 2)

/* Writes in a row before others of the worker have their turn: 256 KB in frames of a byte would be a
 * thousand. */
#define WRITES_IN_A_ROW 8

static bool in_frame(const struct client_writer *w) {
  return w->header_left + w->frame_left > 0;
}

static size_t next_frame_len(const struct session *s, size_t len) {
  return len < s->domain->settings->max_frame_size ? len : s->domain->settings->max_frame_size;
}

/* Begins the next of the frames that messages.c has made: behind its header data.at is at the payload, as
 * with other data. */
static void begin_made_frame(struct client_writer *w) {
  uint64_t payload_len;
  w->header_left = wsl_frame_header_read(w->data.at, &payload_len);
  w->frame_left = (size_t)payload_len;
  w->data.at += w->header_left;
  w->data.len -= w->header_left;
}

/* Begins the next frame of other data: its header goes right before data.at. */
static void begin_frame(struct session *s) {
  struct client_writer *w = &s->writer;
  uint8_t header[WSL_FRAME_HEADER_MAX];
  w->frame_left = next_frame_len(s, w->data.len);
  w->header_left = wsl_frame_header(header, WSL_OP_BINARY, w->frame_left);
  memcpy(w->data.at - w->header_left, header, w->header_left);
}

/* The client took nothing of the frame that was just begun: a pong or a Close may still go before it. */
static void unbegin_frame(struct client_writer *w) {
  w->header_left = 0;
  w->frame_left = 0;
}

static void unbegin_made_frame(struct client_writer *w) {
  w->data.at -= w->header_left;
  w->data.len += w->header_left;
  unbegin_frame(w);
}

/* Takes note of `written` bytes of the frames that were offered. */
static inline void consume(struct session *s, size_t written) {
  struct client_writer *w = &s->writer;
  for (;;) {
    size_t header = written < w->header_left ? written : w->header_left;
    w->header_left -= header;
    written -= header;
    size_t payload = written < w->frame_left ? written : w->frame_left;
    w->frame_left -= payload;
    w->data.at += payload;
    w->data.len -= payload;
    s->bytes_down += payload;
    written -= payload;
    if (written == 0) return;
    if (s->messages == NULL) {
      begin_frame(s);
    } else {
      begin_made_frame(w);
    }
  }
}

/* Takes note of what a write to the client came to, and returns that. */
static int64_t client_took(struct session *s, int64_t written) {
  if (written > 0) {
    liveness_client_written(s);
    closing_moved(s);
  } else if (written != WSL_AGAIN) {
    client_break(s);
    /* A reset or a FIN is found by reading, behind what is worth reading. Of want of memory nothing
     * else will tell, and a client that goes on sending would never learn that it is cut off. */
    bool told = written == WSL_BROKEN || (s->client->ready & TRANSPORT_FAILED) != 0;
    if (!told) ending_client_lost(s, (int)written);
  }
  return written;
}

/* Our Close, and nothing of the client is awaited any more: closing_step() ends the stream in this turn. */
static bool is_last(const struct session *s) {
  return s->writer.control_opcode == WSL_OP_CLOSE && s->client_in != CLIENT_IN_FRAMES;
}

static int64_t to_client(struct session *s, const struct iovec *parts, int count) {
  return client_took(s, transport_writev(s->client, parts, count));
}

/* A control frame or a Close that must leave before more data. */
static bool control_wanted(const struct session *s) {
  const struct client_writer *w = &s->writer;
  return w->pong_waiting || w->ping_waiting || s->client_out == CLIENT_OUT_CLOSING;
}

/* Offers the frame begun and, when no control frame waits, those behind it, in one writev. */
static bool write_frames(struct session *s) {
  struct client_writer *w = &s->writer;
  struct iovec parts[TRANSPORT_PARTS_MAX];
  uint8_t headers[FRAMES_A_WRITE][WSL_FRAME_HEADER_MAX];
  bool fresh = !in_frame(w);
  if (fresh) begin_frame(s);

  parts[0] = (struct iovec){w->data.at - w->header_left, w->header_left + w->frame_left};
  int count = 1;
  size_t offered = w->frame_left;
  for (int f = 0; !control_wanted(s) && offered < w->data.len && count + 2 <= TRANSPORT_PARTS_MAX; f++) {
    size_t len = next_frame_len(s, w->data.len - offered);
    parts[count++] = (struct iovec){headers[f], wsl_frame_header(headers[f], WSL_OP_BINARY, len)};
    parts[count++] = (struct iovec){w->data.at + offered, len};
    offered += len;
  }
  int64_t written = to_client(s, parts, count);
  if (written == WSL_AGAIN) {
    if (fresh) unbegin_frame(w);
    return false;
  }
  if (written < 0) return true;
  consume(s, (size_t)written);
  liveness_payload_moved(s);
  if (w->data.len == 0) held_drop(s, &w->data);
  return true;
}

/* Offers frames that are made already: the one begun and, when no control frame waits, all the others. */
static bool write_made_frames(struct session *s) {
  struct client_writer *w = &s->writer;
  bool fresh = !in_frame(w);
  if (fresh) begin_made_frame(w);
  size_t payload = control_wanted(s) ? w->frame_left : w->data.len;
  struct iovec part = {w->data.at - w->header_left, w->header_left + payload};
  int64_t written = to_client(s, &part, 1);
  if (written == WSL_AGAIN) {
    if (fresh) unbegin_made_frame(w);
    return false;
  }
  if (written < 0) return true;
  consume(s, (size_t)written);
  liveness_payload_moved(s);
  if (w->data.len > 0 || in_frame(w)) return true;
  struct messages_run run = messages_next(s);
  if (run.len == 0) {
    held_drop(s, &w->data);
  } else {
    w->data.at = run.at;
    w->data.len = run.len;
  }
  return true;
}

/* Takes note of `written` bytes of the frame that the pipe holds. */
static void consume_piped(struct session *s, size_t written) {
  struct client_writer *w = &s->writer;
  size_t header = written < w->header_left ? written : w->header_left;
  w->header_left -= header;
  w->frame_left -= written - header;
  s->bytes_down += written - header;
  if (!in_frame(w)) splice_drop(s); /* empty: the pool keeps it */
}

/* Offers the frame that the pipe holds. */
static bool write_piped(struct session *s) {
  struct client_writer *w = &s->writer;
  uint8_t header[WSL_FRAME_HEADER_MAX];
  bool fresh = !in_frame(w);
  if (fresh) w->frame_left = w->pipe->held;
  size_t header_len = wsl_frame_header(header, WSL_OP_BINARY, w->frame_left); /* unless it has left already */
  if (fresh) w->header_left = header_len;
  struct wsl_span head = {(const char *)header + header_len - w->header_left, w->header_left};
  int64_t written = client_took(s, transport_splice_out(s->client, head, w->pipe));
  if (written == WSL_AGAIN) {
    if (fresh) unbegin_frame(w);
    return false;
  }
  if (written < 0) return true;
  liveness_payload_moved(s);
  consume_piped(s, (size_t)written);
  return true;
}

static bool write_control(struct session *s) {
  struct client_writer *w = &s->writer;
  const uint8_t *at = w->control + w->control_sent;
  size_t len = (size_t)(w->control_len - w->control_sent);
  int64_t written =
      is_last(s) ? transport_write_last(s->client, at, len) : transport_write(s->client, at, len);
  if (client_took(s, written) == WSL_AGAIN) return false;
  if (written < 0) return true;
  w->control_sent = (uint8_t)(w->control_sent + written);
  if (w->control_sent < w->control_len) return true;
  if (w->control_opcode == WSL_OP_PING) liveness_ping_sent(s);
  return true;
}

static void stage(struct client_writer *w, enum wsl_opcode opcode, const uint8_t *payload, size_t len) {
  size_t header = wsl_frame_header(w->control, opcode, len);
  if (len > 0) memcpy(w->control + header, payload, len);
  w->control_len = (uint8_t)(header + len);
  w->control_sent = 0;
  w->control_opcode = opcode;
}

/* Between two frames: makes the control frame that is due stand in control[]; false when none is. */
static bool stage_next(struct session *s) {
  struct client_writer *w = &s->writer;
  if (w->pong_waiting) {
    w->pong_waiting = false;
    stage(w, WSL_OP_PONG, w->pong, w->pong_len);
  } else if (w->ping_waiting) {
    w->ping_waiting = false;
    stage(w, WSL_OP_PING, NULL, 0);
  } else if (s->client_out == CLIENT_OUT_CLOSING && !client_owes(w) && !w->close_begun) {
    w->close_begun = true;
    w->control_len = (uint8_t)wsl_close_frame(w->control, s->ending.code, wsl_span_of(s->ending.reason));
    w->control_sent = 0;
    w->control_opcode = WSL_OP_CLOSE;
  } else {
    return false;
  }
  return true;
}

/* Our Close is the kernel's: what a TLS transport has taken may still wait for room there. */
static bool close_has_left(const struct session *s) {
  const struct client_writer *w = &s->writer;
  return s->client_out == CLIENT_OUT_CLOSING && w->close_begun && w->control_sent == w->control_len &&
         transport_pending(s->client) == 0;
}

bool client_flush(struct session *s) {
  struct client_writer *w = &s->writer;
  int writes = 0;
  while (s->client != NULL && s->client_out <= CLIENT_OUT_CLOSING && transport_writable(s->client)) {
    bool wrote;
    if (w->control_sent < w->control_len) {
      wrote = write_control(s);
    } else if (!in_frame(w) && stage_next(s)) {
      continue;
    } else if (w->pipe != NULL) {
      wrote = write_piped(s);
    } else if (w->data.buffer != NULL) {
      wrote = s->messages == NULL ? write_frames(s) : write_made_frames(s);
      session_tell_taken(s, TAP_TO_CLIENT, 0);
    } else {
      break;
    }
    if (!wrote || ++writes == WRITES_IN_A_ROW) break;
  }
  if (s->client == NULL || !close_has_left(s)) return writes > 0;
  s->client_out = CLIENT_OUT_CLOSED;
  return true;
}

void client_send(struct session *s, struct buffer *buffer, uint8_t *at, size_t len) {
  struct client_writer *w = &s->writer;
  assert(!client_owes(w) && len > 0);
  assert(s->client_out == CLIENT_OUT_OPEN); /* whatever ends that has the backend's bytes dropped */
  w->data = (struct held){buffer, at, len};
  unbegin_frame(w);
}

void client_send_piped(struct session *s, struct splice_pipe *pipe) {
  struct client_writer *w = &s->writer;
  assert(!client_owes(w) && !in_frame(w) && pipe->held > 0);
  assert(s->client_out == CLIENT_OUT_OPEN); /* as above */
  w->pipe = pipe;
}

/* A control frame may begin now: nothing else is on its way, and the client takes bytes. */
static bool pongs_may_leave(const struct session *s) {
  const struct client_writer *w = &s->writer;
  return transport_writable(s->client) && !w->pong_waiting && !in_frame(w) &&
         w->control_sent == w->control_len;
}

void client_pong(struct session *s, struct pong_batch *batch, const uint8_t *payload, size_t len) {
  struct client_writer *w = &s->writer;
  if (s->client_out > CLIENT_OUT_CLOSING || w->close_begun) return;
  if (len > 0) memcpy(w->pong, payload, len);
  w->pong_len = (uint8_t)len;
  if (batch->len + 2 + len > sizeof batch->frames) client_send_pongs(s, batch);
  if (s->client_out > CLIENT_OUT_CLOSING) return;
  if (!pongs_may_leave(s)) {
    w->pong_waiting = true;
    return;
  }
  batch->len += wsl_frame_header(batch->frames + batch->len, WSL_OP_PONG, len);
  if (len > 0) memcpy(batch->frames + batch->len, payload, len);
  batch->len += len;
}

/* The client took batch->frames[0..taken): a pong that was cut is completed from control[], of those
 * behind it the newest is sent later. */
static void keep_cut_pong(struct session *s, const struct pong_batch *batch, size_t taken) {
  struct client_writer *w = &s->writer;
  size_t at = 0, len = 0;
  for (; at < batch->len; at += len) {
    len = 2u + batch->frames[at + 1];
    if (at + len > taken) break;
  }
  if (at < taken) {
    memcpy(w->control, batch->frames + at, len);
    w->control_len = (uint8_t)len;
    w->control_sent = (uint8_t)(taken - at);
    w->control_opcode = WSL_OP_PONG;
    at += len;
  }
  if (at < batch->len) w->pong_waiting = true;
}

void client_send_pongs(struct session *s, struct pong_batch *batch) {
  if (batch->len == 0) return;
  struct iovec part = {batch->frames, batch->len};
  int64_t written = to_client(s, &part, 1);
  if (written >= 0 || written == WSL_AGAIN) keep_cut_pong(s, batch, written < 0 ? 0 : (size_t)written);
  batch->len = 0;
}

void client_ping(struct session *s) {
  assert(s->client_out == CLIENT_OUT_OPEN); /* heartbeat_due() */
  s->writer.ping_waiting = true;
  client_flush(s);
}

/* Drops the data that no frame was begun for. */
static void drop_unframed(struct session *s) {
  struct client_writer *w = &s->writer;
  if (in_frame(w)) {
    if (w->data.buffer != NULL) w->data.len = w->frame_left; /* a pipe holds nothing else */
  } else {
    held_drop(s, &w->data);
    splice_drop(s);
  }
}

void client_close(struct session *s, uint16_t code, const char *reason) {
  struct client_writer *w = &s->writer;
  if (s->client_out > CLIENT_OUT_CLOSING || w->close_begun) return;
  /* An orderly Close of ours that still waits gives way to a later cause; an abnormal one tells more. */
  bool orderly = s->ending.code == WSL_CLOSE_NORMAL && !s->client_sent_close;
  if (s->client_out == CLIENT_OUT_OPEN || orderly) {
    s->ending.code = code;
    size_t len = strnlen(reason, sizeof s->ending.reason - 1);
    memcpy(s->ending.reason, reason, len);
    s->ending.reason[len] = '\0';
  }
  drop_unframed(s);
  s->client_out = CLIENT_OUT_CLOSING;
  w->ping_waiting = false;
}

void client_break(struct session *s) {
  struct client_writer *w = &s->writer;
  if (s->client_out == CLIENT_OUT_BROKEN) return;
  s->client_out = CLIENT_OUT_BROKEN;
  held_drop(s, &w->data);
  splice_drop(s);
  w->header_left = 0;
  w->frame_left = 0;
  w->control_len = 0;
  w->control_sent = 0;
  w->pong_waiting = false;
  w->ping_waiting = false;
  backend_drop_input(s);
  session_enter(s, SESSION_CLOSING);
  if (s->client_in != CLIENT_IN_ENDED || s->client_sent_close) return; /* reading will tell the cause */
  /* Its stream was whole, but the backend's can't be delivered: that side must be able to tell. */
  ending_set(s, "client", "client reset the connection");
  backend_abort(s);
}
