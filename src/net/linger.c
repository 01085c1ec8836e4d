/* See net/linger.h. */
#include "net/linger.h"

#include "core/list.h"

/* Dropped in one go; on the stack, since nothing of it is kept. */
#define LINGER_READ_SIZE ((size_t)16 * 1024)

/* Reads in a row before others have their turn. */
#define LINGER_READS_A_TURN 4

static void close_transport(struct lingering *linger) {
  struct transport *transport = linger->transport;
  linger->transport = NULL;
  timer_disarm(linger->timers, &linger->timer);
  transport_close(transport);
  linger->done(linger);
}

static void on_time_over(struct timer *timer) {
  close_transport(LIST_ENTRY(timer, struct lingering, timer));
}

/* True when the transport is to be closed now. */
static bool finish(struct lingering *linger) {
  int result = transport_finish(linger->transport);
  if (result == WSL_AGAIN) return false;
  linger->phase = LINGER_READING;
  return result < 0 || linger->input_ended;
}

/* Whether what a read returned ended the input alone. */
static bool connection_lives(int64_t result) {
  return result == 0 || result == WSL_TRUNCATED || error_is_of_tls((int)result);
}

/* The peer's end is no reason to keep ours from it (TLS: the close_notify that waits for room). True when the
 * transport is to be closed now. */
static bool end_input(struct lingering *linger) {
  linger->input_ended = true;
  return linger->phase != LINGER_FINISHING;
}

/* Likewise. */
static bool drop_input(struct lingering *linger) {
  uint8_t scrap[LINGER_READ_SIZE];
  for (int i = 0; i < LINGER_READS_A_TURN; i++) {
    if (linger->input_ended || !transport_readable(linger->transport)) return false;
    int64_t n = transport_read(linger->transport, scrap, sizeof(scrap));
    if (n == WSL_AGAIN) return false;
    if (n <= 0) return !connection_lives(n) || end_input(linger);
    linger->dropped += (size_t)n;
    if (linger->dropped >= LINGER_BYTES) return true;
  }
  transport_again(linger->transport);
  return false;
}

static void run(struct lingering *linger) {
  if (linger->phase == LINGER_FINISHING && finish(linger)) {
    close_transport(linger);
    return;
  }
  if (drop_input(linger)) close_transport(linger);
}

static void on_ready(struct transport *transport, void *owner) {
  (void)transport;
  run(owner);
}

void linger_start(struct lingering *linger, struct transport *transport, struct timers *timers,
                  linger_fn done) {
  *linger =
      (struct lingering){.transport = transport, .timers = timers, .phase = LINGER_FINISHING, .done = done};
  timer_init(&linger->timer, on_time_over);
  timer_arm(timers, &linger->timer, timers->now_ms + LINGER_TIME_MS);
  transport_own(transport, on_ready, linger);
  run(linger);
}

void linger_cut(struct lingering *linger) {
  if (linger->transport == NULL) return;
  timer_disarm(linger->timers, &linger->timer);
  transport_reset(linger->transport);
  linger->transport = NULL;
}
