/* Dialling targets over TLS (dialer.h).
 *
 *   inner dial --connected--> handshake --open--> done(transport)
 *       \--error-------------------\--failed, or the time is over--> a log line, done(error)
 *
 * An attempt holds either a dial or a TLS transport, never both, and nothing refers to it any more once its
 * own dial is told.
 */
#include "net/tls/dialer.h"

#include <assert.h>

#include "core/log.h"

struct attempt {
  struct tls_dialer *dialer;
  struct dial *dial;        /* whose answer is awaited */
  struct dial inner;        /* until it has connected; then */
  struct transport *stream; /* TLS, its handshake running */
  struct tls_context *context;
  struct target target;
  struct timer deadline; /* of the handshake */
  uint64_t due_ms;
};

/* Longest reason in the log line. */
#define REASON_MAX 256u

static void on_deadline(struct timer *timer);

/* What is left of the attempt is given back before the callback, which may dial again. */
static void settle(struct attempt *attempt, int error, struct transport *transport) {
  struct tls_dialer *dialer = attempt->dialer;
  struct dial *dial = attempt->dial;
  timer_disarm(dialer->timers, &attempt->deadline);
  slab_give(&dialer->attempts, attempt);
  dial->attempt = NULL;
  dial->done(dial, error, transport);
}

static void log_failure(const struct attempt *attempt, const char *reason) {
  char shown[REASON_MAX];
  log_event(LOG_WARN, 0, "TLS toward the target failed target=%s reason=\"%s\"", attempt->target.text,
            log_escape(wsl_span_of(reason), shown, sizeof shown));
}

/* Our end first: it drops what the target has sent meanwhile, and closing with that unread would send a
 * reset, which overtakes the alert. */
static void close_in_order(struct transport *transport) {
  (void)transport_finish(transport);
  transport_close(transport);
}

static void give_up(struct attempt *attempt, int error, const char *reason) {
  log_failure(attempt, reason);
  close_in_order(attempt->stream);
  settle(attempt, error, NULL);
}

static void on_deadline(struct timer *timer) {
  struct attempt *attempt = LIST_ENTRY(timer, struct attempt, deadline);
  give_up(attempt, WSL_TIMED_OUT, "no answer to the TLS handshake in time");
}

static void on_connected(struct dial *inner, int error, struct transport *transport);

/* Some targets of TLS 1.2 can be had only by a hello that offers no more (tls_wants_version_1_2()): once
 * more, within the same time. False where that is of no use. */
static bool try_with_1_2(struct attempt *attempt) {
  struct tls_dialer *dialer = attempt->dialer;
  struct tls_context *capped = tls_context_for_1_2(attempt->context);
  uint64_t now_ms = dialer->timers->now_ms;
  if (capped == NULL || !tls_wants_version_1_2(attempt->stream) || now_ms >= attempt->due_ms) return false;
  log_event(LOG_DEBUG, 0, "TLS toward the target once more without TLS 1.3 target=%s", attempt->target.text);
  timer_disarm(dialer->timers, &attempt->deadline);
  close_in_order(attempt->stream);
  attempt->stream = NULL;
  attempt->context = capped;
  dialer_start(dialer->inner, &attempt->inner, &attempt->target, attempt->due_ms - now_ms, on_connected);
  return true;
}

/* The error lies behind the failure; the words may be missing where the connection itself broke. */
static void handshake_failed(struct attempt *attempt) {
  uint8_t byte;
  int64_t error = transport_read(attempt->stream, &byte, sizeof byte);
  assert(error <= 0 && error != WSL_AGAIN);
  if (try_with_1_2(attempt)) return;
  if (error == WSL_OK) error = WSL_TLS_FAILED;
  const char *words = tls_failure(attempt->stream);
  give_up(attempt, (int)error, words[0] != '\0' ? words : error_text((int)error));
}

static void handshake_done(struct attempt *attempt) {
  if (tls_check_address(attempt->stream, attempt->target.host) != WSL_OK) {
    give_up(attempt, WSL_TLS_UNTRUSTED,
            "the target's certificate is not accepted: issued for another address");
    return;
  }
  transport_own(attempt->stream, NULL, NULL);
  settle(attempt, WSL_OK, attempt->stream);
}

static void on_stream(struct transport *transport, void *owner) {
  struct attempt *attempt = owner;
  switch (tls_state(transport)) {
    case TLS_HANDSHAKING:
      break;
    case TLS_OPEN:
      handshake_done(attempt);
      break;
    case TLS_FAILED:
      handshake_failed(attempt);
      break;
  }
}

static void on_connected(struct dial *inner, int error, struct transport *transport) {
  struct attempt *attempt = LIST_ENTRY(inner, struct attempt, inner);
  struct tls_dialer *dialer = attempt->dialer;
  if (error != WSL_OK) {
    settle(attempt, error, NULL);
    return;
  }
  attempt->stream =
      tls_connect(dialer->tls, attempt->context, transport, attempt->target.host, on_stream, attempt);
  if (attempt->stream == NULL) {
    transport_reset(transport);
    settle(attempt, WSL_NO_MEMORY, NULL);
    return;
  }
  timer_arm(dialer->timers, &attempt->deadline, attempt->due_ms);
}

static void start(struct dialer *base, struct dial *dial, const struct target *target, uint64_t timeout_ms) {
  struct tls_dialer *dialer = (struct tls_dialer *)(void *)base;
  struct attempt *attempt = slab_take(&dialer->attempts);
  if (attempt == NULL) {
    dial->done(dial, WSL_NO_MEMORY, NULL);
    return;
  }
  attempt->dialer = dialer;
  attempt->dial = dial;
  attempt->target = *target;
  attempt->context = dialer->context;
  attempt->due_ms = dialer->timers->now_ms + timeout_ms;
  timer_init(&attempt->deadline, on_deadline);
  dial->attempt = attempt;
  attempt->inner.context = dial->context;
  dialer_start(dialer->inner, &attempt->inner, target, timeout_ms, on_connected);
}

static void cancel(struct dialer *base, struct dial *dial, enum dial_goodbye goodbye) {
  struct tls_dialer *dialer = (struct tls_dialer *)(void *)base;
  struct attempt *attempt = dial->attempt;
  timer_disarm(dialer->timers, &attempt->deadline);
  if (attempt->stream == NULL)
    dial_give_up(&attempt->inner, goodbye);
  else if (goodbye == DIAL_GOODBYE_RESET)
    transport_reset(attempt->stream);
  else
    close_in_order(attempt->stream);
  dial->attempt = NULL;
  slab_give(&dialer->attempts, attempt);
}

static const struct dialer_ops tls_dialer_ops = {.start = start, .cancel = cancel};

void tls_dialer_init(struct tls_dialer *dialer, struct dialer *inner, struct tls_domain *tls,
                     struct tls_context *context, struct timers *timers) {
  dialer->dialer.ops = &tls_dialer_ops;
  dialer->inner = inner;
  dialer->tls = tls;
  dialer->context = tls_context_hold(context);
  dialer->timers = timers;
  slab_init(&dialer->attempts, sizeof(struct attempt));
}

void tls_dialer_destroy(struct tls_dialer *dialer) {
  slab_destroy(&dialer->attempts);
  tls_context_drop(dialer->context);
}
