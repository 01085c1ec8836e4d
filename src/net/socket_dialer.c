/* Dials real sockets (socket_dialer.h): Happy Eyeballs (RFC 8305) over the resolver's addresses, each from
 * the source addresses in turns, and Unix sockets.
 *
 *   resolving -> trying: connects in flight, the next address after a pause or at once when one fails
 *                  -> done: connected, or the last has failed, or the time is over
 *
 * A connect in flight is a stream already: the one that gets through is handed out as it stands, and its
 * descriptor keeps its place in the poller. An attempt is alive from start() until it settles or is
 * cancelled; both go through dismantle(), behind which nothing refers to it.
 */
#include "net/socket_dialer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core/log.h"

/* RFC 8305 section 5: the recommended Connection Attempt Delay. */
#define NEXT_ADDRESS_MS 250u

/* A Unix listener whose backlog is full answers EAGAIN and never tells when there is room. */
#define UNIX_RETRY_FIRST_MS 10u
#define UNIX_RETRY_MAX_MS   200u

/* A program that has just been started listens in some milliseconds, or in seconds. */
#define START_RETRY_FIRST_MS 5u
#define START_RETRY_MAX_MS   100u

struct attempt;

/* One connect; its transport is NULL when it is not in flight. */
struct candidate {
  struct transport *transport;
  struct attempt *attempt;
};

struct attempt {
  struct socket_dialer *dialer;
  struct dial *dial;
  enum stream_kind kind;
  struct target target; /* its strings are whoever dials' */
  struct resolver_query query;
  struct timer deadline;
  struct timer next;          /* the next address, or the same ones once more */
  struct target_start *start; /* NULL: a refusal is the answer */
  uint64_t retry_ms;
  struct address addresses[RESOLVER_ADDRESSES_MAX];
  struct candidate candidates[RESOLVER_ADDRESSES_MAX]; /* by the address's index */
  size_t count;
  size_t tried;
  size_t connecting;
  int error; /* the most telling one so far */
};

static void note_failure(struct attempt *attempt, int error) {
  attempt->error = connect_worse(attempt->error, error);
}

static struct transport *take_transport(struct candidate *candidate) {
  struct transport *transport = candidate->transport;
  if (transport == NULL) return NULL;
  candidate->transport = NULL;
  candidate->attempt->connecting--;
  return transport;
}

static void drop_candidate(struct candidate *candidate, enum dial_goodbye goodbye) {
  struct transport *transport = take_transport(candidate);
  if (transport != NULL) dial_take_leave(transport, goodbye);
}

/* Takes everything back that the attempt holds, and frees it. Its dial is free again. */
static void dismantle(struct attempt *attempt, enum dial_goodbye goodbye) {
  struct timers *timers = attempt->dialer->timers;
  timer_disarm(timers, &attempt->deadline);
  timer_disarm(timers, &attempt->next);
  resolver_cancel(&attempt->query);
  for (size_t i = 0; i < attempt->tried; i++)
    drop_candidate(&attempt->candidates[i], goodbye);
  assert(attempt->connecting == 0);
  attempt->dial->attempt = NULL;
  slab_give(&attempt->dialer->attempts, attempt);
}

static void settle(struct attempt *attempt, int error, struct transport *transport) {
  struct dial *dial = attempt->dial;
  dismantle(attempt, DIAL_GOODBYE_END);
  dial->done(dial, error, transport);
}

static void try_next(struct attempt *attempt);

static void candidate_failed(struct candidate *candidate, int error) {
  struct attempt *attempt = candidate->attempt;
  drop_candidate(candidate, DIAL_GOODBYE_END);
  note_failure(attempt, error);
  try_next(attempt);
}

/* Peeking tells the state without SO_ERROR, which would take away the error that belongs to the
 * stream: a backend that sent a line and then reset was connected, and its line must arrive. 0 when
 * connected, WSL_AGAIN when not yet. */
static int connected_state(int fd, unsigned events) {
  if ((events & TRANSPORT_FAILED) != 0) {
    char byte;
    ssize_t got;
    do {
      got = recv(fd, &byte, sizeof byte, MSG_PEEK);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return error_from_errno(errno);
  }
  return (events & TRANSPORT_WRITABLE) != 0 ? WSL_OK : WSL_AGAIN;
}

/* Written where it changes only: it is every session's. */
static void note_reached(struct target_start *start) {
  if (!atomic_load(&start->reached)) atomic_store(&start->reached, true);
  if (!start->comes_back && atomic_load(&start->awaited)) atomic_store(&start->awaited, false);
}

/* Connected: all but this one is dropped. Its bits stand for the next owner. */
static void succeed(struct candidate *candidate) {
  struct attempt *attempt = candidate->attempt;
  struct transport *transport = take_transport(candidate);
  transport_own(transport, NULL, NULL);
  if (attempt->start != NULL) note_reached(attempt->start);
  settle(attempt, WSL_OK, transport);
}

static void on_candidate(struct transport *transport, void *owner) {
  struct candidate *candidate = owner;
  struct attempt *attempt = candidate->attempt;
  int fd = stream_fd(transport);
  int state = connected_state(fd, transport->ready);
  if (state == WSL_AGAIN) return;
  const struct address *address = &attempt->addresses[candidate - attempt->candidates];
  struct socket_dialer *dialer = attempt->dialer;
  if (state == WSL_OK && connect_met_itself(&dialer->connector, fd, address, dialer->timers->now_ms))
    state = WSL_REFUSED;
  if (state == WSL_OK)
    succeed(candidate);
  else
    candidate_failed(candidate, state);
}

/* Begins the connect to the next address. */
static enum connect_state start_candidate(struct attempt *attempt) {
  struct socket_dialer *dialer = attempt->dialer;
  size_t index = attempt->tried++;
  struct candidate *candidate = &attempt->candidates[index];
  candidate->attempt = attempt;
  struct connect_result result =
      connect_begin(&dialer->connector, &attempt->addresses[index], dialer->timers->now_ms);
  if (result.state == CONNECT_BUSY) return CONNECT_BUSY;
  if (result.state == CONNECT_FAILED) {
    note_failure(attempt, result.error);
    return CONNECT_FAILED;
  }
  candidate->transport = stream_open(dialer->streams, result.fd, attempt->kind, on_candidate, candidate);
  if (candidate->transport == NULL) {
    note_failure(attempt, WSL_NO_MEMORY);
    return CONNECT_FAILED;
  }
  attempt->connecting++;
  return result.state;
}

static void arm_next(struct attempt *attempt, uint64_t after_ms) {
  struct timers *timers = attempt->dialer->timers;
  timer_arm(timers, &attempt->next, timers->now_ms + after_ms);
}

static void retry_after_pause(struct attempt *attempt, uint64_t longest_ms) {
  arm_next(attempt, attempt->retry_ms);
  attempt->retry_ms *= 2;
  if (attempt->retry_ms > longest_ms) attempt->retry_ms = longest_ms;
}

static void retry_same(struct attempt *attempt) {
  attempt->tried--;
  retry_after_pause(attempt, UNIX_RETRY_MAX_MS);
}

/* Whether it is worth while to ask again: a program that we have started may not listen yet. */
static bool is_awaited(const struct attempt *attempt) {
  bool nobody_there = attempt->error == WSL_REFUSED || attempt->error == WSL_NOT_FOUND;
  return attempt->start != NULL && nobody_there && atomic_load(&attempt->start->awaited);
}

/* No address is left, and none in flight. */
static void give_up(struct attempt *attempt) {
  if (!is_awaited(attempt)) {
    settle(attempt, attempt->error, NULL);
    return;
  }
  attempt->tried = 0;
  retry_after_pause(attempt, START_RETRY_MAX_MS);
}

/* Goes on with the next address that does not fail at once. May settle the attempt. */
static void try_next(struct attempt *attempt) {
  timer_disarm(attempt->dialer->timers, &attempt->next);
  while (attempt->tried < attempt->count) {
    switch (start_candidate(attempt)) {
      case CONNECT_DONE:
        succeed(&attempt->candidates[attempt->tried - 1]);
        return;
      case CONNECT_BEGUN:
        if (attempt->tried < attempt->count) arm_next(attempt, NEXT_ADDRESS_MS);
        return;
      case CONNECT_BUSY:
        retry_same(attempt);
        return;
      case CONNECT_FAILED:
        break;
    }
  }
  if (attempt->connecting == 0) give_up(attempt);
}

static void on_next(struct timer *timer) {
  try_next(LIST_ENTRY(timer, struct attempt, next));
}

/* That an awaited one has refused us to the end says more than that it took so long. */
static void on_deadline(struct timer *timer) {
  struct attempt *attempt = LIST_ENTRY(timer, struct attempt, deadline);
  settle(attempt, is_awaited(attempt) ? attempt->error : WSL_TIMED_OUT, NULL);
}

/* ---- what may be dialled ---- */

static bool allowed(const struct attempt *attempt, const struct address *address) {
  char why[TARGET_REASON_MAX], shown[ADDRESS_TEXT_MAX];
  enum target_verdict verdict = target_judge_address(attempt->dialer->rules, &attempt->target, address, why);
  if (verdict == TARGET_ALLOWED) return true;
  const struct dial_context *context = attempt->dial->context;
  log_event(LOG_WARN, context == NULL ? 0 : context->id, "target refused target=%s address=%s reason=\"%s\"",
            attempt->target.text, address_format(address, shown), why);
  return false;
}

/* Takes over those of addresses[0..count) that may be dialled. */
static void take_addresses(struct attempt *attempt, const struct address *addresses, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (attempt->dialer->rules == NULL || allowed(attempt, &addresses[i]))
      attempt->addresses[attempt->count++] = addresses[i];
  }
}

static void on_resolved(struct resolver_query *query, int error, const struct address *addresses,
                        size_t count) {
  struct attempt *attempt = LIST_ENTRY(query, struct attempt, query);
  poller_woke(
      attempt->dialer->streams->poller); /* the resolver wakes the loop by itself: timers need the time */
  if (error != WSL_OK) {
    settle(attempt, error, NULL);
    return;
  }
  take_addresses(attempt, addresses, count);
  if (attempt->count == 0) {
    struct socket_dialer *dialer = attempt->dialer;
    dialer->on_refused(dialer);
    settle(attempt, WSL_FORBIDDEN, NULL);
    return;
  }
  try_next(attempt);
}

static void dial_unix(struct attempt *attempt, const char *path) {
  attempt->kind = STREAM_UNIX;
  int error = address_unix(path, &attempt->addresses[0]);
  if (error != WSL_OK) {
    settle(attempt, error, NULL);
    return;
  }
  attempt->count = 1;
  try_next(attempt);
}

static void dial_places(struct attempt *attempt, const struct target_start *start) {
  memcpy(attempt->addresses, start->places, start->places_count * sizeof *start->places);
  attempt->count = start->places_count;
  try_next(attempt);
}

static void start(struct dialer *base, struct dial *dial, const struct target *target, uint64_t timeout_ms) {
  struct socket_dialer *dialer = (struct socket_dialer *)(void *)base;
  struct attempt *attempt = slab_take(&dialer->attempts);
  if (attempt == NULL) {
    dial->done(dial, WSL_NO_MEMORY, NULL);
    return;
  }
  attempt->dialer = dialer;
  attempt->dial = dial;
  attempt->target = *target;
  attempt->kind = STREAM_TCP;
  attempt->start = target->start;
  attempt->retry_ms = target->start != NULL ? START_RETRY_FIRST_MS : UNIX_RETRY_FIRST_MS;
  timer_init(&attempt->next, on_next);
  timer_init(&attempt->deadline, on_deadline);
  timer_arm(dialer->timers, &attempt->deadline, dialer->timers->now_ms + timeout_ms);
  dial->attempt = attempt;
  if (target->unix_path != NULL)
    dial_unix(attempt, target->unix_path);
  else if (target->start != NULL && target->start->places_count > 0)
    dial_places(attempt, target->start);
  else
    resolver_ask(dialer->resolver, &attempt->query, target->host, target->port, on_resolved);
}

static void cancel(struct dialer *dialer, struct dial *dial, enum dial_goodbye goodbye) {
  (void)dialer;
  struct attempt *attempt = dial->attempt;
  dismantle(attempt, goodbye);
}

static const struct dialer_ops socket_dialer_ops = {.start = start, .cancel = cancel};

void socket_dialer_init(struct socket_dialer *dialer, struct stream_domain *streams,
                        struct resolver *resolver, struct timers *timers) {
  dialer->dialer.ops = &socket_dialer_ops;
  dialer->streams = streams;
  dialer->resolver = resolver;
  dialer->timers = timers;
  dialer->rules = NULL;
  dialer->on_refused = NULL;
  connector_init(&dialer->connector, &socket_tuning_default, NULL, 0);
  slab_init(&dialer->attempts, sizeof(struct attempt));
}

void socket_dialer_configure(struct socket_dialer *dialer, const struct socket_tuning *tuning,
                             const struct source_addresses *sources, size_t turn) {
  connector_init(&dialer->connector, tuning, sources, turn);
}

void socket_dialer_judge(struct socket_dialer *dialer, const struct target_rules *rules,
                         void (*on_refused)(struct socket_dialer *)) {
  dialer->rules = rules;
  dialer->on_refused = on_refused;
}

void socket_dialer_destroy(struct socket_dialer *dialer) {
  slab_destroy(&dialer->attempts);
}
