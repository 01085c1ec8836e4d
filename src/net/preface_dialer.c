/* Prefaces (preface_dialer.h).
 *
 *   inner dial --connected--> writing --all of it--> done(transport)
 *       \--error-----------------\--broken, or the time is over--> done(error)
 *
 * A fresh connection takes so few bytes at once as a rule; where it does not, the next event goes on. An
 * attempt holds either a dial or a transport, never both.
 */
#include "net/preface_dialer.h"

#include "core/list.h"

struct attempt {
  struct preface_dialer *dialer;
  struct dial *dial;        /* whose answer is awaited, and whose context has the preface */
  struct dial inner;        /* until it has connected; then */
  struct transport *stream; /* with `sent` bytes written */
  size_t sent;
  struct timer deadline;
  uint64_t due_ms;
};

/* What is left of the attempt is given back before the callback, which may dial again. */
static void settle(struct attempt *attempt, int error, struct transport *transport) {
  struct preface_dialer *dialer = attempt->dialer;
  struct dial *dial = attempt->dial;
  timer_disarm(dialer->timers, &attempt->deadline);
  slab_give(&dialer->attempts, attempt);
  dial->attempt = NULL;
  dial->done(dial, error, transport);
}

static void give_up(struct attempt *attempt, int error) {
  transport_close(attempt->stream);
  settle(attempt, error, NULL);
}

static void on_deadline(struct timer *timer) {
  give_up(LIST_ENTRY(timer, struct attempt, deadline), WSL_TIMED_OUT);
}

/* The bits that stand are for the next owner. */
static void succeed(struct attempt *attempt) {
  struct transport *stream = attempt->stream;
  transport_own(stream, NULL, NULL);
  settle(attempt, WSL_OK, stream);
}

/* May settle the attempt. */
static void go_on(struct attempt *attempt) {
  const struct dial_context *context = attempt->dial->context;
  size_t len = context != NULL ? context->preface_len : 0;
  while (attempt->sent < len && transport_writable(attempt->stream)) {
    int64_t taken = transport_write(attempt->stream, context->preface + attempt->sent, len - attempt->sent);
    if (taken == WSL_AGAIN) return;
    if (taken < 0) {
      give_up(attempt, (int)taken);
      return;
    }
    attempt->sent += (size_t)taken;
  }
  if (attempt->sent == len) succeed(attempt);
}

static void on_stream(struct transport *transport, void *owner) {
  (void)transport;
  go_on(owner);
}

static void on_connected(struct dial *inner, int error, struct transport *transport) {
  struct attempt *attempt = LIST_ENTRY(inner, struct attempt, inner);
  if (error != WSL_OK) {
    settle(attempt, error, NULL);
    return;
  }
  attempt->stream = transport;
  transport_own(transport, on_stream, attempt);
  timer_arm(attempt->dialer->timers, &attempt->deadline, attempt->due_ms);
  go_on(attempt);
}

static void start(struct dialer *base, struct dial *dial, const struct target *target, uint64_t timeout_ms) {
  struct preface_dialer *dialer = (struct preface_dialer *)(void *)base;
  struct attempt *attempt = slab_take(&dialer->attempts);
  if (attempt == NULL) {
    dial->done(dial, WSL_NO_MEMORY, NULL);
    return;
  }
  attempt->dialer = dialer;
  attempt->dial = dial;
  attempt->due_ms = dialer->timers->now_ms + timeout_ms;
  timer_init(&attempt->deadline, on_deadline);
  dial->attempt = attempt;
  attempt->inner.context = dial->context;
  dialer_start(dialer->inner, &attempt->inner, target, timeout_ms, on_connected);
}

static void cancel(struct dialer *base, struct dial *dial, enum dial_goodbye goodbye) {
  struct preface_dialer *dialer = (struct preface_dialer *)(void *)base;
  struct attempt *attempt = dial->attempt;
  timer_disarm(dialer->timers, &attempt->deadline);
  if (attempt->stream == NULL)
    dial_give_up(&attempt->inner, goodbye);
  else
    dial_take_leave(attempt->stream, goodbye);
  dial->attempt = NULL;
  slab_give(&dialer->attempts, attempt);
}

static const struct dialer_ops preface_dialer_ops = {.start = start, .cancel = cancel};

void preface_dialer_init(struct preface_dialer *dialer, struct dialer *inner, struct timers *timers) {
  dialer->dialer.ops = &preface_dialer_ops;
  dialer->inner = inner;
  dialer->timers = timers;
  slab_init(&dialer->attempts, sizeof(struct attempt));
}

void preface_dialer_destroy(struct preface_dialer *dialer) {
  slab_destroy(&dialer->attempts);
}
