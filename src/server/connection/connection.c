/* A connection's life: birth, the state machine's loop, its timer, its ends (server/connection/connection.h
 * has the picture).
 */
#include "server/connection/connection.h"

#include <assert.h>
#include <stdlib.h>

#include "core/log.h"
#include "server/connection/internal.h"

/* Steps in a row before others have their turn; a pipelined request takes about three. */
#define STEPS_A_TURN 24

static const char *const state_names[] = {"head",    "authorizing", "answering", "file",
                                          "routing", "dialling",    "upgrading", "lingering"};

/* Which states may follow which, as bits (connection.h). */
#define BIT(state) (1u << (state))
static const unsigned arrows[] = {
    [CONNECTION_HEAD] = BIT(CONNECTION_LINGERING) | BIT(CONNECTION_ANSWERING) | BIT(CONNECTION_FILE) |
                        BIT(CONNECTION_ROUTING) | BIT(CONNECTION_AUTHORIZING),
    [CONNECTION_AUTHORIZING] = BIT(CONNECTION_HEAD) | BIT(CONNECTION_ANSWERING),
    [CONNECTION_ANSWERING] = BIT(CONNECTION_HEAD) | BIT(CONNECTION_LINGERING),
    [CONNECTION_FILE] = BIT(CONNECTION_HEAD) | BIT(CONNECTION_ANSWERING) | BIT(CONNECTION_LINGERING),
    [CONNECTION_ROUTING] = BIT(CONNECTION_DIALLING) | BIT(CONNECTION_UPGRADING) | BIT(CONNECTION_ANSWERING),
    [CONNECTION_DIALLING] = BIT(CONNECTION_UPGRADING) | BIT(CONNECTION_ANSWERING),
    [CONNECTION_UPGRADING] = 0, /* a session, or gone */
    [CONNECTION_LINGERING] = 0,
};

void connection_set_state(struct connection *c, enum connection_state state) {
  assert((arrows[c->state] & BIT(state)) != 0);
  log_event(LOG_DEBUG, c->id, "connection %s -> %s", state_names[c->state], state_names[state]);
  c->state = state;
  buffer_wait_cancel(&c->waiter); /* whatever it waited for is past */
}

/* ---- the loop ---- */

static enum step step(struct connection *c) {
  /* A reset makes every answer pointless; in HEAD the read tells it, behind what is still readable. */
  if (c->state != CONNECTION_HEAD && (c->client->ready & TRANSPORT_FAILED) != 0)
    return connection_abandon(c, "the client has reset the connection");
  switch (c->state) {
    case CONNECTION_HEAD:
      return connection_step_head(c);
    case CONNECTION_AUTHORIZING:
      return connection_step_authorizing(c);
    case CONNECTION_ANSWERING:
      return connection_step_answering(c);
    case CONNECTION_FILE:
      return connection_step_file(c);
    case CONNECTION_ROUTING:
      return connection_step_routing(c);
    case CONNECTION_DIALLING:
      return connection_step_dialling(c);
    case CONNECTION_UPGRADING:
      return connection_step_upgrading(c);
    case CONNECTION_LINGERING:
      break;
  }
  assert(c->state == CONNECTION_LINGERING); /* its transport is the linger's */
  return STEP_GONE;
}

void connection_run(struct connection *c) {
  for (int i = 0; i < STEPS_A_TURN; i++) {
    if (step(c) != STEP_ON) return;
  }
  transport_again(c->client);
}

void connection_on_ready(struct transport *transport, void *owner) {
  (void)transport;
  connection_run(owner);
}

static void on_buffer_free(struct buffer_waiter *waiter) {
  transport_again(LIST_ENTRY(waiter, struct connection, waiter)->client);
}

/* Who got a buffer leaves the line, where it may still stand: a turn given to it would be lost. */
struct buffer *connection_borrow(struct connection *c, enum buffer_way way) {
  struct buffer_pool *pool = c->domain->buffers;
  /* What goes down here is a file: as much at once as a session's bulk. */
  struct buffer *buffer = way == BUFFER_DOWN ? buffer_borrow_large(pool, way) : buffer_borrow(pool, way);
  if (buffer != NULL) {
    buffer_wait_cancel(&c->waiter);
  } else {
    buffer_wait(pool, &c->waiter, way);
    session_domain_wants_buffer(c->domain->sessions);
  }
  return buffer;
}

enum step connection_write(struct connection *c) {
  if (transport_writable(c->client)) {
    int64_t taken = outgoing_write(&c->out, c->client);
    if (taken >= 0) {
      connection_moved(c);
      return STEP_ON;
    }
    if (taken != WSL_AGAIN) return connection_abandon(c, error_text((int)taken));
  }
  connection_expect_progress(c);
  return STEP_WAIT;
}

bool connection_has_left(struct connection *c) {
  if (transport_pending(c->client) == 0) return true;
  connection_expect_progress(c);
  return false;
}

enum step connection_answered(struct connection *c) {
  if (c->next == NEXT_LINGER || c->domain->serving != SERVING) return connection_linger(c);
  connection_set_state(c, CONNECTION_HEAD);
  connection_begin_head(c);
  return STEP_ON;
}

/* ---- the timer ---- */

/* RFC 9110 15.5.9: 408 only where a request was begun; before that a browser's idle connection ends. */
static void on_head_late(struct connection *c) {
  if (c->security == CONNECTION_HANDSHAKING) {
    connection_tls_late(c);
    return;
  }
  if (c->awaits_proxy) {
    connection_proxy_late(c);
    return;
  }
  if (!c->begun) {
    log_event(LOG_DEBUG, c->id, "connection closed: no request in time");
    (void)connection_close(c, CLOSE_IN_ORDER);
    return;
  }
  connection_refuse(c, 408, "the request's head did not arrive in time");
  connection_run(c);
}

static void on_timer(struct timer *timer) {
  struct connection *c = LIST_ENTRY(timer, struct connection, timer);
  if (c->state == CONNECTION_HEAD) {
    on_head_late(c);
  } else if (c->state == CONNECTION_AUTHORIZING) {
    connection_gate_late(c);
  } else if (c->state == CONNECTION_ROUTING) {
    connection_routing_late(c);
  } else if (transport_pending(c->client) < c->pending) {
    connection_expect_progress(c); /* TLS says nothing until all that it holds has left */
  } else {
    (void)connection_abandon(c, "the client does not take the answer");
  }
}

static void arm(struct connection *c, uint64_t delay_ms) {
  timer_arm(c->domain->timers, &c->timer, c->domain->timers->now_ms + delay_ms);
}

void connection_expect_progress(struct connection *c) {
  if (c->timer.armed) return;
  c->pending = transport_pending(c->client);
  arm(c, c->domain->settings->transfer_timeout_ms);
}

void connection_moved(struct connection *c) {
  if (!c->timer.armed) return;
  c->pending = transport_pending(c->client);
  arm(c, c->domain->settings->transfer_timeout_ms);
}

void connection_begin_head(struct connection *c) {
  connection_free_gate(c);
  c->begun = false;
  c->unparsed = stash_waiting(&c->stash) > 0;
  wsl_head_init(&c->head, &c->domain->settings->head, c->domain->scratch_fields);
  arm(c, c->domain->settings->handshake_timeout_ms);
}

/* ---- birth and ends ---- */

void connection_not_ready(struct transport *transport, void *owner) {
  (void)transport;
  (void)owner; /* events come at the next turn of the loop; until then bits stand */
}

int connection_open(struct connection_domain *domain, struct transport *client, const struct address *peer,
                    uint64_t id) {
  struct connection *c = slab_take(&domain->slab);
  if (c == NULL) return WSL_NO_MEMORY;
  c->domain = domain;
  c->client = client;
  c->id = id;
  c->accepted_ms = domain->timers->now_ms;
  c->peer = *peer;
  c->awaits_proxy = connection_awaits_proxy(c);
  c->state = CONNECTION_HEAD;
  timer_init(&c->timer, on_timer);
  buffer_waiter_init(&c->waiter, on_buffer_free);
  list_append(&domain->connections, &c->node);
  domain->count++;
  connection_begin_head(c);
  transport_own(client, connection_on_ready, c);
  if (client->ready != 0) transport_again(client);
  return 0;
}

/* Everything that a request held; harmless twice. */
static void free_request(struct connection *c) {
  timer_disarm(c->domain->timers, &c->timer);
  buffer_wait_cancel(&c->waiter);
  connection_free_head(c);
  outgoing_clear(&c->out);
  if (c->file != NULL) file_job_drop(c->file);
  c->file = NULL;
  connection_free_gate(c);
  connection_free_upgrade(c);
}

void connection_free(struct connection *c) {
  struct connection_domain *domain = c->domain;
  free_request(c);
  free(c->chain);
  list_remove(&c->node);
  domain->count--;
  slab_give(&domain->slab, c);
}

static void closed(struct connection *c) {
  struct connection_domain *domain = c->domain;
  connection_free(c);
  domain->on_closed(domain, domain->owner);
}

enum step connection_close(struct connection *c, enum connection_close how) {
  if (how == CLOSE_IN_ORDER) {
    transport_close(c->client);
  } else {
    transport_reset(c->client);
  }
  c->client = NULL;
  closed(c);
  return STEP_GONE;
}

enum step connection_abandon(struct connection *c, const char *why) {
  log_event(LOG_DEBUG, c->id, "connection dropped while %s: %s", state_names[c->state], why);
  return connection_close(c, CLOSE_BY_RESET);
}

static void on_lingered(struct lingering *linger) {
  closed(LIST_ENTRY(linger, struct connection, linger));
}

enum step connection_linger(struct connection *c) {
  /* Its end was read already: nothing can be unread, so a plain close loses nothing. */
  if (c->ended) return connection_close(c, CLOSE_IN_ORDER);
  connection_set_state(c, CONNECTION_LINGERING);
  free_request(c);
  struct transport *client = c->client;
  c->client = NULL;
  linger_start(&c->linger, client, c->domain->timers, on_lingered);
  return STEP_GONE;
}

static void cut(struct connection *c) {
  if (c->state != CONNECTION_LINGERING) {
    (void)connection_close(c, CLOSE_BY_RESET);
    return;
  }
  linger_cut(&c->linger);
  closed(c);
}

/* ---- the domain ---- */

int connection_domain_init(struct connection_domain *domain) {
  domain->serving = SERVING;
  domain->stashes = (struct stash_budget){.used = 0, .limit = domain->settings->head_memory};
  domain->clock = (struct response_clock){0};
  slab_init(&domain->slab, sizeof(struct connection));
  slab_init(&domain->words, sizeof(struct upgrade_words));
  list_init(&domain->connections);
  domain->count = 0;
  domain->scratch_fields = calloc(domain->settings->head.fields_max, sizeof(struct wsl_head_field));
  domain->scratch_head = malloc(CONNECTION_HEAD_READ_MAX);
  return domain->scratch_fields == NULL || domain->scratch_head == NULL ? WSL_NO_MEMORY : 0;
}

void connection_domain_destroy(struct connection_domain *domain) {
  assert(domain->count == 0 && domain->stashes.used == 0);
  slab_destroy(&domain->slab);
  slab_destroy(&domain->words);
  free(domain->scratch_fields);
  domain->scratch_fields = NULL;
  free(domain->scratch_head);
  domain->scratch_head = NULL;
}

/* What is unread counts as a request; and no bit at all means that the first event has not come: it
 * may bring one. */
bool connection_idle(const struct connection *c) {
  return c->state == CONNECTION_HEAD && !c->begun && !c->unparsed && c->client->ready != 0 &&
         !transport_readable(c->client);
}

bool connection_may_go(const struct connection *c) {
  if (!connection_idle(c)) return false;
  /* One that has never sent a byte may have a request on its way: it was accepted in good faith. */
  return c->domain->serving == SERVING_OVER || (c->domain->serving == SERVING_LAST && c->requests > 0);
}

/* A request may lie in the kernel whose event has not come yet, and a close would be a reset then: so it is
 * closed (head.c) when a read has found nothing. */
static void look_once_more(struct connection *c) {
  c->client->ready |= TRANSPORT_READABLE;
  transport_again(c->client);
}

void connection_domain_drain(struct connection_domain *domain) {
  domain->serving = SERVING_LAST;
  for (struct list *node = domain->connections.next; node != &domain->connections; node = node->next) {
    struct connection *c = LIST_ENTRY(node, struct connection, node);
    if (connection_may_go(c)) look_once_more(c);
  }
}

void connection_domain_go_away(struct connection_domain *domain) {
  domain->serving = SERVING_OVER;
  for (struct list *node = domain->connections.next; node != &domain->connections; node = node->next) {
    struct connection *c = LIST_ENTRY(node, struct connection, node);
    if (connection_may_go(c)) {
      look_once_more(c);
    } else if (c->state == CONNECTION_AUTHORIZING || c->state == CONNECTION_ROUTING ||
               c->state == CONNECTION_DIALLING) {
      transport_again(c->client);
    }
  }
}

void connection_domain_cut(struct connection_domain *domain) {
  while (!list_empty(&domain->connections))
    cut(LIST_ENTRY(domain->connections.next, struct connection, node));
}
