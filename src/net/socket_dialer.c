/* Dials real sockets (socket_dialer.h): Happy Eyeballs (RFC 8305) over the resolver's addresses, and
 * Unix sockets.
 *
 *   resolving -> trying: connects in flight, the next address after a pause or at once when one fails
 *                  -> done: connected, or the last has failed, or the time is over
 *
 * An attempt is alive from start() until it settles or is cancelled; both go through dismantle(), and
 * its memory waits for the end of the poller's batch, since events of it may still be under way.
 */
#include "net/socket_dialer.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "net/socket_system.h"

/* RFC 8305 section 5: the recommended Connection Attempt Delay. */
#define NEXT_ADDRESS_MS 250u

/* A Unix listener whose backlog is full answers EAGAIN and never tells when there is room. */
#define UNIX_RETRY_FIRST_MS 10u
#define UNIX_RETRY_MAX_MS   200u

struct attempt;

/* One connect in flight; watch.fd is -1 when it is none. */
struct candidate {
  struct poller_watch watch;
  struct attempt *attempt;
};

struct attempt {
  struct socket_dialer *dialer;
  struct dial *dial;
  enum stream_kind kind;
  struct resolver_query query;
  struct timer deadline;
  struct timer next; /* the next address, or the same Unix socket once more */
  uint64_t retry_ms;
  struct address addresses[RESOLVER_ADDRESSES_MAX];
  struct candidate candidates[RESOLVER_ADDRESSES_MAX]; /* by the address's index */
  size_t count;
  size_t tried;
  size_t connecting;
  int error; /* the most telling one so far */
  struct poller_garbage garbage;
};

enum outcome { CONNECTING, CONNECTED, BUSY, FAILED };

static struct poller *poller_of(const struct attempt *attempt) {
  return attempt->dialer->streams->poller;
}

/* Which of several failures the operator should read: first what is wrong with this process (it hides
 * whether the backend is well), then the answers of a living host, then silence, then no way there. */
static int telling(int error) {
  static const int order[] = {WSL_NO_DESCRIPTOR, WSL_NO_MEMORY, WSL_NO_PORT,    WSL_REFUSED,
                              WSL_RESET,         WSL_DENIED,    WSL_NOT_FOUND,  WSL_TIMED_OUT,
                              WSL_UNREACHABLE,   WSL_IO,        WSL_UNSUPPORTED};
  const int kinds = (int)(sizeof order / sizeof order[0]);
  for (int i = 0; i < kinds; i++) {
    if (order[i] == error) return kinds - i;
  }
  return error == WSL_OK ? -1 : 0;
}

static void note_failure(struct attempt *attempt, int error) {
  if (telling(error) > telling(attempt->error)) attempt->error = error;
}

static void release_attempt(struct poller_garbage *garbage) {
  struct attempt *attempt = LIST_ENTRY(garbage, struct attempt, garbage);
  slab_give(&attempt->dialer->attempts, attempt);
}

static void drop_candidate(struct candidate *candidate) {
  int fd = candidate->watch.fd;
  if (fd < 0) return;
  poller_remove(&candidate->watch);
  close(fd);
  candidate->attempt->connecting--;
}

/* Lets the close() that follows reset what a kernel has connected already. */
static void close_abruptly(struct attempt *attempt) {
  struct linger abruptly = {.l_onoff = 1, .l_linger = 0};
  for (size_t i = 0; i < attempt->tried; i++) {
    int fd = attempt->candidates[i].watch.fd;
    if (fd >= 0) (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &abruptly, sizeof abruptly);
  }
}

/* Takes everything back that the attempt holds. Its dial is free again. */
static void dismantle(struct attempt *attempt) {
  struct timers *timers = attempt->dialer->timers;
  timer_disarm(timers, &attempt->deadline);
  timer_disarm(timers, &attempt->next);
  resolver_cancel(&attempt->query);
  for (size_t i = 0; i < attempt->tried; i++)
    drop_candidate(&attempt->candidates[i]);
  assert(attempt->connecting == 0);
  attempt->dial->attempt = NULL;
  poller_release(poller_of(attempt), &attempt->garbage, release_attempt);
}

static void settle(struct attempt *attempt, int error, struct transport *transport) {
  struct dial *dial = attempt->dial;
  dismantle(attempt);
  dial->done(dial, error, transport);
}

/* A connect to a free port of this machine's ephemeral range can meet itself (simultaneous open): the
 * socket is then its own peer. Nobody listens there. */
static bool is_own_peer(int fd, const struct address *address) {
  struct address local = {.len = sizeof local.storage};
  if (getsockname(fd, (struct sockaddr *)&local.storage, &local.len) != 0) return false;
  const void *a = &local.storage, *b = &address->storage;
  const struct sockaddr_in *a4 = a, *b4 = b;
  const struct sockaddr_in6 *a6 = a, *b6 = b;
  if (local.storage.ss_family != address->storage.ss_family || address_port(&local) != address_port(address))
    return false;
  if (local.storage.ss_family == AF_INET) return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
  return memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
}

/* Connected: the descriptor goes to a stream, all else is dropped. */
static void succeed(struct attempt *attempt, int fd) {
  struct transport *transport = stream_open(attempt->dialer->streams, fd, attempt->kind, NULL, NULL);
  settle(attempt, transport != NULL ? WSL_OK : WSL_NO_MEMORY, transport);
}

static void try_next(struct attempt *attempt);

static void candidate_failed(struct candidate *candidate, int error) {
  struct attempt *attempt = candidate->attempt;
  drop_candidate(candidate);
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

static void on_candidate(struct poller_watch *watch, unsigned events) {
  struct candidate *candidate = LIST_ENTRY(watch, struct candidate, watch);
  struct attempt *attempt = candidate->attempt;
  int fd = watch->fd;
  int state = connected_state(fd, events);
  if (state == WSL_AGAIN) return;
  const struct address *address = &attempt->addresses[candidate - attempt->candidates];
  if (state == WSL_OK && attempt->kind == STREAM_TCP && is_own_peer(fd, address)) state = WSL_REFUSED;
  if (state != WSL_OK) {
    candidate_failed(candidate, state);
    return;
  }
  poller_remove(watch); /* the stream registers it anew, and what holds is reported again */
  attempt->connecting--;
  succeed(attempt, fd);
}

/* A non-blocking connect that a signal interrupts goes on by itself, like one in progress. */
static enum outcome connect_to(struct attempt *attempt, int fd, const struct address *address) {
  if (connect(fd, (const struct sockaddr *)&address->storage, address->len) == 0) return CONNECTED;
  if (errno == EINPROGRESS || errno == EINTR) return CONNECTING;
  if (errno == EAGAIN && attempt->kind == STREAM_UNIX) return BUSY;
  /* EAGAIN of an Internet socket is the kernel's want of something, not a matter of waiting. */
  note_failure(attempt, errno == EAGAIN ? WSL_IO : error_from_errno(errno));
  return FAILED;
}

/* Starts the connect to the next address. CONNECTED hands the descriptor out in *fd. */
static enum outcome start_candidate(struct attempt *attempt, int *fd) {
  size_t index = attempt->tried++;
  struct candidate *candidate = &attempt->candidates[index];
  const struct address *address = &attempt->addresses[index];
  candidate->attempt = attempt;
  poller_watch_init(&candidate->watch);
  *fd = socket_create(address->storage.ss_family);
  if (*fd < 0) {
    note_failure(attempt, error_from_errno(errno));
    return FAILED;
  }
  enum outcome outcome = connect_to(attempt, *fd, address);
  if (outcome == CONNECTED) return CONNECTED;
  if (outcome == CONNECTING) {
    int error = poller_add(poller_of(attempt), &candidate->watch, *fd, on_candidate);
    if (error == WSL_OK) {
      attempt->connecting++;
      return CONNECTING;
    }
    note_failure(attempt, error);
    outcome = FAILED;
  }
  close(*fd);
  return outcome;
}

static void arm_next(struct attempt *attempt, uint64_t after_ms) {
  struct timers *timers = attempt->dialer->timers;
  timer_arm(timers, &attempt->next, timers->now_ms + after_ms);
}

static void retry_same(struct attempt *attempt) {
  attempt->tried--;
  arm_next(attempt, attempt->retry_ms);
  attempt->retry_ms *= 2;
  if (attempt->retry_ms > UNIX_RETRY_MAX_MS) attempt->retry_ms = UNIX_RETRY_MAX_MS;
}

/* Goes on with the next address that does not fail at once. May settle the attempt. */
static void try_next(struct attempt *attempt) {
  timer_disarm(attempt->dialer->timers, &attempt->next);
  while (attempt->tried < attempt->count) {
    int fd;
    switch (start_candidate(attempt, &fd)) {
      case CONNECTED:
        succeed(attempt, fd);
        return;
      case CONNECTING:
        if (attempt->tried < attempt->count) arm_next(attempt, NEXT_ADDRESS_MS);
        return;
      case BUSY:
        retry_same(attempt);
        return;
      case FAILED:
        break;
    }
  }
  if (attempt->connecting == 0) settle(attempt, attempt->error, NULL);
}

static void on_next(struct timer *timer) {
  try_next(LIST_ENTRY(timer, struct attempt, next));
}

static void on_deadline(struct timer *timer) {
  settle(LIST_ENTRY(timer, struct attempt, deadline), WSL_TIMED_OUT, NULL);
}

static void on_resolved(struct resolver_query *query, int error, const struct address *addresses,
                        size_t count) {
  struct attempt *attempt = LIST_ENTRY(query, struct attempt, query);
  poller_woke(poller_of(attempt)); /* the resolver wakes the loop by itself: timers need the time */
  if (error != WSL_OK) {
    settle(attempt, error, NULL);
    return;
  }
  memcpy(attempt->addresses, addresses, count * sizeof *addresses);
  attempt->count = count;
  try_next(attempt);
}

static void dial_unix(struct attempt *attempt, const char *path) {
  attempt->kind = STREAM_UNIX;
  attempt->retry_ms = UNIX_RETRY_FIRST_MS;
  int error = address_unix(path, &attempt->addresses[0]);
  if (error != WSL_OK) {
    settle(attempt, error, NULL);
    return;
  }
  attempt->count = 1;
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
  attempt->kind = STREAM_TCP;
  list_init(&attempt->garbage.node);
  timer_init(&attempt->next, on_next);
  timer_init(&attempt->deadline, on_deadline);
  timer_arm(dialer->timers, &attempt->deadline, dialer->timers->now_ms + timeout_ms);
  dial->attempt = attempt;
  if (target->unix_path != NULL)
    dial_unix(attempt, target->unix_path);
  else
    resolver_ask(dialer->resolver, &attempt->query, target->host, target->port, on_resolved);
}

static void cancel(struct dialer *dialer, struct dial *dial, enum dial_goodbye goodbye) {
  (void)dialer;
  struct attempt *attempt = dial->attempt;
  if (goodbye == DIAL_GOODBYE_RESET) close_abruptly(attempt);
  dismantle(attempt);
}

static const struct dialer_ops socket_dialer_ops = {.start = start, .cancel = cancel};

void socket_dialer_init(struct socket_dialer *dialer, struct stream_domain *streams,
                        struct resolver *resolver, struct timers *timers) {
  dialer->dialer.ops = &socket_dialer_ops;
  dialer->streams = streams;
  dialer->resolver = resolver;
  dialer->timers = timers;
  slab_init(&dialer->attempts, sizeof(struct attempt));
}

void socket_dialer_destroy(struct socket_dialer *dialer) {
  slab_destroy(&dialer->attempts);
}
