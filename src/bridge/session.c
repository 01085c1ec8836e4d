/* Session: birth, the run loop, and the one place of death.
 *
 * Whatever happens (readiness, a dial's answer, a timer, a buffer that came free) sets what it knows
 * and calls session_run(), which moves bytes and draws conclusions until nothing changes or its
 * budget is used up.
 */
#include "bridge/session.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "bridge/messages.h"
#include "bridge/session_internal.h"
#include "core/log.h"

/* Rounds of the pumps in one wake-up, each at most one read a direction: many small reads cost their
 * neighbours time too, though they never come to SESSION_BYTES_A_TURN. */
#define SESSION_ROUNDS_A_TURN 4

/* After so many reads in a row that a small buffer would have held a large one is not asked for any more. */
#define MODEST_READS_MAX 8u

static const char *const state_names[] = {"dialling", "open", "closing", "closed"};

void session_enter(struct session *s, enum session_state state) {
  if (s->state == state) return;
  assert(state > s->state); /* states only ever move on */
  log_event(LOG_DEBUG, s->id, "session %s -> %s", state_names[s->state], state_names[state]);
  s->state = state;
  if (state == SESSION_CLOSING) closing_moved(s);
}

void held_drop(struct session *s, struct held *held) {
  buffer_return(s->domain->buffers, held->buffer);
  *held = (struct held){NULL, NULL, 0};
}

struct buffer *session_borrow(struct session *s, enum buffer_way way) {
  bool bulk = s->appetites[way].class == BUFFER_LARGE;
  struct buffer_pool *pool = s->domain->buffers;
  struct buffer *buffer = bulk ? buffer_borrow_large(pool, way) : buffer_borrow(pool, way);
  if (buffer != NULL) return buffer;
  if (!buffer_waits(&s->waiters[way])) s->try_interval_ms = 0;
  s->wants_buffer |= (uint8_t)(1u << way);
  s->in_line = true;
  buffer_wait(pool, &s->waiters[way], way);
  session_domain_wants_buffer(s->domain);
  /* Who gets by keeps its place in line: for bulk a spare one is too little. */
  return shortage_borrow(s, way);
}

/* Bytes to read into it. Small frames cost their neighbours time whatever the buffer's size: of a worker with
 * --buffer-size 16M, a client's 2.8 million empty pings in one read. */
static size_t read_len(const struct appetite *appetite, const struct buffer *buffer) {
  if (!appetite->dense || buffer->size < SESSION_BYTES_A_TURN) return buffer->size;
  return SESSION_BYTES_A_TURN;
}

/* A read that filled its buffer wants more room; some in a row that would have fitted into a small one want
 * less. */
static void note_read(struct appetite *appetite, size_t len, size_t n, size_t small_size) {
  /* Behind a full read already: without large buffers (--buffer-size) this is as much as one holds. */
  appetite->overflows = n == len && appetite->class == BUFFER_LARGE;
  if (n == len) {
    appetite->class = BUFFER_LARGE;
    appetite->modest_reads = 0;
  } else if (n > small_size) {
    appetite->modest_reads = 0;
  } else if (++appetite->modest_reads >= MODEST_READS_MAX) {
    appetite->class = BUFFER_SMALL;
    appetite->modest_reads = 0;
  }
}

static inline int64_t read_to(struct session *s, enum buffer_way way, struct transport *t, uint8_t *at,
                              size_t len, size_t small_len) {
  int64_t n = transport_read(t, at, len);
  if (n <= 0) return n;
  s->turn_bytes += (size_t)n;
  note_read(&s->appetites[way], len, (size_t)n, small_len);
  return n;
}

int64_t session_read_to(struct session *s, enum buffer_way way, struct transport *t, uint8_t *at, size_t len,
                        size_t small_len) {
  return read_to(s, way, t, at, len, small_len);
}

int64_t session_read(struct session *s, enum buffer_way way, struct transport *t, struct buffer *buffer) {
  size_t len = read_len(&s->appetites[way], buffer);
  return read_to(s, way, t, buffer->data, len, buffer_pool_small_size(s->domain->buffers));
}

/* Asks for another turn through whichever transport is still there. */
static void ask_again(struct session *s) {
  struct transport *t = s->client != NULL ? s->client : s->backend;
  if (t != NULL) transport_again(t);
}

static void on_buffer_up(struct buffer_waiter *waiter) {
  ask_again(LIST_ENTRY(waiter, struct session, waiters[BUFFER_UP]));
}

static void on_buffer_down(struct buffer_waiter *waiter) {
  ask_again(LIST_ENTRY(waiter, struct session, waiters[BUFFER_DOWN]));
}

/* In line is only who wants a buffer and can be woken (not where a client lingers and nothing else is left):
 * of whoever else was woken the turn is the next one's. */
static void leave_lines(struct session *s) {
  bool can_be_woken = s->client != NULL || s->backend != NULL;
  for (unsigned way = 0; way < BUFFER_WAYS; way++)
    if (!can_be_woken || (s->wants_buffer & 1u << way) == 0) buffer_wait_cancel(&s->waiters[way]);
  s->in_line = can_be_woken && s->wants_buffer != 0;
}

static void note_holding(struct session *s) {
  bool holds = session_holds(s, BUFFER_UP) || session_holds(s, BUFFER_DOWN);
  if (holds == list_empty(&s->holding)) shortage_note_holding(s);
}

static void log_end(const struct session *s) {
  const char *note = s->backend_was_reset && s->target->unix_path != NULL
                         ? " note=\"Unix sockets have no reset: the target saw an end of file\""
                         : "";
  log_event(LOG_INFO, s->id,
            "session ended side=%s cause=\"%s\" code=%u duration=%" PRIu64 ".%03us up=%" PRIu64
            " down=%" PRIu64 "%s",
            s->ending.side, s->ending.cause, (unsigned)s->ending.code,
            (session_now(s) - s->started_ms) / 1000, (unsigned)((session_now(s) - s->started_ms) % 1000),
            s->bytes_up, s->bytes_down, note);
}

/* The one place of death. */
static void bury(struct session *s) {
  struct session_domain *domain = s->domain;
  session_enter(s, SESSION_CLOSED);
  held_drop(s, &s->up);
  held_drop(s, &s->writer.data);
  splice_drop(s);
  messages_close(s);
  if (s->tap != NULL) s->tap->ops->close(s->tap);
  note_holding(s);
  leave_lines(s); /* both peers have gone */
  liveness_stop(s);
  log_end(s);
  free(s->own_target);
  free(s->context); /* of a dial that was cancelled */
  list_remove(&s->node);
  if (--domain->count == 0) shortage_end(domain);
  slab_give(&domain->slab, s);
  if (domain->on_ended != NULL) domain->on_ended(domain, domain->owner);
}

/* A reset is seen even where reading is stopped: whatever still waits to be written is in vain,
 * whatever can still be read is worth reading. */
static void notice_failures(struct session *s) {
  if (s->client != NULL && (s->client->ready & TRANSPORT_FAILED) != 0) client_break(s);
  if (s->backend != NULL && (s->backend->ready & TRANSPORT_FAILED) != 0) {
    backend_break(s);
    session_enter(s, SESSION_CLOSING); /* a stalled client is waited for, but not for ever */
  }
}

static bool session_round(struct session *s) {
  s->wants_buffer = 0;
  bool moved = client_flush(s);
  if (s->messages != NULL) moved |= down_settle(s);
  moved |= up_pump(s);
  moved |= down_pump(s);
  moved |= closing_step(s);
  return moved;
}

static bool may_go_on(const struct session *s, int rounds) {
  return rounds < SESSION_ROUNDS_A_TURN && s->turn_bytes < SESSION_BYTES_A_TURN;
}

/* Both directions are open and nothing waits or can be read: another round would only find that out, at a
 * tenth of the instructions of a small message. */
static bool at_rest(const struct session *s) {
  const struct client_writer *w = &s->writer;
  bool open =
      s->state == SESSION_OPEN && s->client_in == CLIENT_IN_FRAMES && s->backend_out == BACKEND_OUT_OPEN;
  if (!open || s->messages != NULL) return false; /* of messages an end may wait that was read already */
  if (transport_readable(s->client) || transport_readable(s->backend)) return false;
  return s->up.buffer == NULL && !client_owes(w) && w->control_sent == w->control_len && !w->pong_waiting &&
         !w->ping_waiting;
}

/* May free the session: callers return right after it. */
void session_run(struct session *s) {
  if (s->running) return;
  s->running = true;
  notice_failures(s);
  s->turn_bytes = 0;
  bool moved = true;
  for (int round = 0; moved && may_go_on(s, round); round++)
    moved = session_round(s) && !at_rest(s);
  s->running = false;
  if (s->client == NULL && !s->lingers && s->backend == NULL && !s->dialling) {
    bury(s);
    return;
  }
  note_holding(s);
  if (s->in_line) leave_lines(s);
  if (moved) ask_again(s);
  liveness_rearm(s);
}

void session_on_ready(struct transport *transport, void *owner) {
  (void)transport;
  session_run(owner);
}

/* Nobody asks whom the dial was for any more. */
static void drop_context(struct session *s) {
  free(s->context);
  s->context = NULL;
  s->dial.context = NULL;
}

static void on_dialled(struct dial *dial, int error, struct transport *transport) {
  struct session *s = LIST_ENTRY(dial, struct session, dial);
  s->dialling = false;
  drop_context(s);
  closing_moved(s);
  if (error != 0) {
    ending_dial_failed(s, error);
  } else {
    s->backend = transport;
    transport_own(transport, session_on_ready, s);
    if (s->backend_in == BACKEND_IN_DROP) transport_forsake(transport);
    if (s->state == SESSION_DIALLING) session_enter(s, SESSION_OPEN);
  }
  session_run(s);
}

static void start_backend(struct session *s, struct transport *connected) {
  if (connected != NULL) {
    drop_context(s);
    s->backend = connected;
    transport_own(connected, session_on_ready, s);
    session_enter(s, SESSION_OPEN);
    return;
  }
  s->dialling = true;
  s->dial.context = s->context;
  dialer_start(s->domain->dialer, &s->dial, s->target, s->domain->settings->dial_timeout_ms, on_dialled);
}

/* Its decoder, and what a client with messages needs besides. */
static bool start_frames(struct session *s, const struct session_frames *frames) {
  wsl_decoder_init(&s->decoder, s->domain->settings->text == TEXT_REFUSE);
  return frames->mode == FRAMES_BINARY || messages_open(s, frames);
}

int session_open(struct session_domain *domain, const struct session_birth *birth) {
  struct session *s = slab_take(&domain->slab);
  if (s == NULL) return WSL_NO_MEMORY;
  s->domain = domain;
  if (!start_frames(s, &birth->frames)) {
    slab_give(&domain->slab, s);
    return WSL_NO_MEMORY;
  }
  s->id = birth->id;
  s->target = birth->target;
  s->own_target = birth->own_target;
  s->context = birth->context;
  s->started_ms = birth->started_ms;
  if (domain->watch != NULL) s->tap = domain->watch->open(domain->watch, birth->id);
  s->client = birth->client;
  transport_own(s->client, session_on_ready, s);
  buffer_waiter_init(&s->waiters[BUFFER_UP], on_buffer_up);
  buffer_waiter_init(&s->waiters[BUFFER_DOWN], on_buffer_down);
  list_init(&s->holding);
  list_append(&domain->sessions, &s->node);
  domain->count++;
  liveness_start(s);

  s->running = true; /* the dial may answer at once */
  start_backend(s, birth->backend);
  if (birth->early != NULL) up_early(s, birth->early, birth->early_at, birth->early_len);
  s->running = false;
  session_run(s);
  return WSL_OK;
}

void session_go_away(struct session *s) {
  ending_go_away(s);
  session_run(s);
}

void session_domain_init(struct session_domain *domain) {
  slab_init(&domain->slab, sizeof(struct session));
  slab_init(&domain->messages, sizeof(struct messages));
  list_init(&domain->sessions);
  domain->count = 0;
  domain->on_stalled = domain->on_replaced = NULL;
  domain->watch = NULL;
  shortage_init(domain);
}

void session_domain_destroy(struct session_domain *domain) {
  assert(domain->count == 0);
  shortage_end(domain);
  slab_destroy(&domain->slab);
  slab_destroy(&domain->messages);
}

/* Applies `end` to every session; each may free itself (and only itself) on the way. */
static void end_all(struct session_domain *domain, void (*end)(struct session *s)) {
  for (struct list *node = domain->sessions.next, *next; node != &domain->sessions; node = next) {
    next = node->next;
    struct session *s = LIST_ENTRY(node, struct session, node);
    end(s);
    session_run(s);
  }
}

void session_domain_go_away(struct session_domain *domain) {
  end_all(domain, ending_go_away);
}

void session_domain_cut(struct session_domain *domain) {
  end_all(domain, ending_cut);
}
