/* When the worker's memory for streams is short (bridge/shortage.h).
 *
 *   waits in the pool's line --> looked every second --> short: the peer that has stalled for the longest
 *                                                        time is told 1013, as many as wait
 *
 * Before anybody waits: who is sure to give a buffer back at once gets by with a spare one, so that small
 * messages go on beside any number of stalled peers.
 */
#include "bridge/messages.h"
#include "bridge/session_internal.h"
#include "core/log.h"

/* Nothing reports that a peer has acknowledged enough for a spare buffer to do: looked at by timer. */
#define TRY_FIRST_MS   20u
#define TRY_LONGEST_MS 500u

/* ---- who gets by with a spare buffer ---- */

/* So little is on its way that a socket takes a spare buffer's bytes on top. */
static bool takes_at_once(const struct session *s, struct transport *t) {
  size_t bytes;
  if (t == NULL || !transport_writable(t)) return false;
  return transport_unacked(t, &bytes) == WSL_OK && bytes <= buffer_pool_spare_size(s->domain->buffers);
}

static bool gets_by(const struct session *s, enum buffer_way way) {
  if (way == BUFFER_UP) {
    bool dropped = s->client_in == CLIENT_IN_DROP || s->backend_out == BACKEND_OUT_BROKEN;
    return dropped || takes_at_once(s, s->backend);
  }
  if (s->backend_in == BACKEND_IN_DROP) return true;
  /* A line that is kept leaves as well, and may be of any length. */
  return !messages_keep_line(s) && takes_at_once(s, s->client);
}

struct buffer *shortage_borrow(struct session *s, enum buffer_way way) {
  struct buffer *buffer = gets_by(s, way) ? buffer_borrow_spare(s->domain->buffers, way) : NULL;
  if (buffer != NULL) s->try_interval_ms = 0; /* it moves: the next may do so as soon */
  return buffer;
}

uint64_t shortage_try_due(struct session *s) {
  uint64_t now = session_now(s);
  if (buffer_pool_spare_size(s->domain->buffers) == 0) return NEVER;
  if (s->try_interval_ms == 0) {
    s->try_interval_ms = TRY_FIRST_MS;
  } else if (now < s->try_due_ms) {
    return s->try_due_ms;
  } else {
    s->try_interval_ms *= 2;
    if (s->try_interval_ms > TRY_LONGEST_MS) s->try_interval_ms = TRY_LONGEST_MS;
  }
  s->try_due_ms = now + s->try_interval_ms;
  return s->try_due_ms;
}

/* ---- who holds one ---- */

void shortage_note_holding(struct session *s) {
  list_remove(&s->holding);
  if (session_holds(s, BUFFER_UP) || session_holds(s, BUFFER_DOWN)) {
    list_append(&s->domain->shortage.holders, &s->holding);
  } else {
    s->stalls[BUFFER_UP].since_ms = s->stalls[BUFFER_DOWN].since_ms = 0;
  }
}

/* Takes note of what was acknowledged or written since the last look; true when anything was. */
static bool look_at_way(struct session *s, enum buffer_way way) {
  struct stall *stall = &s->stalls[way];
  struct transport *t = way == BUFFER_UP ? s->backend : s->client;
  uint64_t written_ms = way == BUFFER_UP ? s->backend_written_ms : s->client_written_ms;
  size_t bytes = 0;
  bool can_tell = t != NULL && transport_unacked(t, &bytes) == WSL_OK;
  bool moved = stall->since_ms == 0 || t == NULL || !session_holds(s, way) || written_ms > stall->since_ms ||
               (can_tell && bytes < stall->outstanding);
  stall->outstanding = bytes;
  if (moved) stall->since_ms = session_now(s);
  return moved;
}

/* Who makes progress goes to the end of the list, so that whoever has made none for the longest time is
 * in front. */
static void look_at_holders(struct session_domain *domain) {
  struct list *holders = &domain->shortage.holders, seen;
  list_init(&seen);
  list_move_all(&seen, holders);
  struct list moving;
  list_init(&moving);
  struct list *node;
  while ((node = list_take_first(&seen)) != NULL) {
    struct session *s = LIST_ENTRY(node, struct session, holding);
    bool moved = look_at_way(s, BUFFER_UP);
    moved |= look_at_way(s, BUFFER_DOWN);
    list_append(moved ? &moving : holders, node);
  }
  list_move_all(holders, &moving);
}

static bool stalls(const struct session *s, enum buffer_way way) {
  return session_holds(s, way) && session_now(s) - s->stalls[way].since_ms >= SHORTAGE_STALLED_MS;
}

static void end_stalled(struct session *s) {
  struct session_domain *domain = s->domain;
  if (stalls(s, BUFFER_DOWN)) {
    ending_by_us(s, WSL_CLOSE_TRY_AGAIN_LATER, "client does not read while memory is short",
                 "Client does not read while memory is short");
  } else {
    ending_by_us(s, WSL_CLOSE_TRY_AGAIN_LATER, "target does not read while memory is short",
                 "Target does not read while memory is short");
  }
  session_run(s);
  if (domain->on_stalled != NULL) domain->on_stalled(domain, domain->owner);
}

/* As many as wait; those that are closing already will give theirs back in the close time, but where they
 * wait for a dial first. */
static void end_stalled_ones(struct session_domain *domain, size_t waiting) {
  struct list *holders = &domain->shortage.holders;
  for (struct list *node = holders->next, *next; node != holders && waiting > 0; node = next) {
    next = node->next;
    struct session *s = LIST_ENTRY(node, struct session, holding);
    if (s->state == SESSION_CLOSING) {
      if (!s->dialling) waiting--;
    } else if (stalls(s, BUFFER_UP) || stalls(s, BUFFER_DOWN)) {
      waiting--;
      end_stalled(s); /* may free this one, and only this one */
    }
  }
}

/* ---- the look ---- */

static void arm(struct session_domain *domain) {
  domain->shortage.tickets = domain->buffers->tickets;
  timer_arm(domain->timers, &domain->shortage.timer, domain->timers->now_ms + SHORTAGE_LOOK_MS);
}

static void tell(struct shortage *shortage, bool is_short) {
  if (shortage->is_short == is_short) return;
  shortage->is_short = is_short;
  if (is_short) {
    log_event(LOG_WARN, 0, "memory for streams is short: new sessions get 503, stalled ones are ended");
  } else {
    log_event(LOG_INFO, 0, "memory for streams is sufficient again");
  }
}

static void on_look(struct timer *timer) {
  struct session_domain *domain = LIST_ENTRY(timer, struct session_domain, shortage.timer);
  struct shortage *shortage = &domain->shortage;
  size_t waiting = buffer_pool_waiting(domain->buffers, shortage->tickets);
  shortage->calm_looks = waiting > 0 ? 0 : shortage->calm_looks + 1;
  if (waiting > 0) tell(shortage, true);
  if (shortage->calm_looks >= SHORTAGE_CALM_LOOKS) {
    tell(shortage, false);
    return;
  }
  look_at_holders(domain);
  arm(domain);
  end_stalled_ones(domain, waiting);
}

void session_domain_wants_buffer(struct session_domain *domain) {
  if (domain->shortage.timer.armed) return;
  domain->shortage.calm_looks = 0;
  arm(domain);
}

void shortage_init(struct session_domain *domain) {
  domain->shortage = (struct shortage){.is_short = false};
  list_init(&domain->shortage.holders);
  timer_init(&domain->shortage.timer, on_look);
}

void shortage_end(struct session_domain *domain) {
  if (!domain->shortage.timer.armed) return;
  timer_disarm(domain->timers, &domain->shortage.timer);
  tell(&domain->shortage, false);
}
