/* The ready list and the garbage of a poller (poller_turns.h).
 *
 * Both are served in a uv_check callback, which libuv runs behind all I/O callbacks of a turn: what
 * is released there can't be named by an event any more, and a watch that asks for another turn waits
 * until every other descriptor had its events.
 */
#include "net/poller_turns.h"

#include <assert.h>

static struct poller_turns *turns_of(struct poller *poller) {
  return (struct poller_turns *)(void *)poller; /* embedded first in both */
}

static void release_garbage(struct poller_turns *turns) {
  struct list *node;
  while ((node = list_take_first(&turns->garbage)) != NULL) {
    struct poller_garbage *garbage = LIST_ENTRY(node, struct poller_garbage, node);
    garbage->release(garbage);
  }
}

/* Serves those that were listed before it began; who asks again meanwhile waits for the next turn. */
static void serve_again(struct poller_turns *turns) {
  if (list_empty(&turns->again)) return;
  if (turns->on_wake != NULL) turns->on_wake(turns->on_wake_arg);
  struct list listed, *node;
  list_init(&listed);
  list_move_all(&listed, &turns->again);
  while ((node = list_take_first(&listed)) != NULL) {
    struct poller_watch *watch = LIST_ENTRY(node, struct poller_watch, again);
    watch->on_events(watch, 0);
  }
}

static void on_idle(uv_idle_t *handle) {
  (void)handle; /* its being active is all that is wanted: the loop polls without sleeping */
}

/* The idle handle is the mark that somebody waits; it is off in a quiet loop. libuv would start even
 * a handle that is closing, and never stop it: what is released then goes with the poller. */
static void stay_awake(struct poller_turns *turns) {
  if (turns->driven || uv_is_closing((uv_handle_t *)&turns->idle)) return;
  (void)uv_idle_start(&turns->idle, on_idle); /* does nothing when it is active already */
}

bool poller_turns_wanted(const struct poller_turns *turns) {
  return !list_empty(&turns->again) || !list_empty(&turns->garbage);
}

void poller_turns_serve(struct poller_turns *turns) {
  serve_again(turns);
  release_garbage(turns);
}

static void on_check(uv_check_t *handle) {
  struct poller_turns *turns = handle->data;
  poller_turns_serve(turns);
  if (!poller_turns_wanted(turns)) (void)uv_idle_stop(&turns->idle);
}

void poller_turns_open(struct poller_turns *turns, uv_loop_t *loop) {
  *turns = (struct poller_turns){.open_handles = 2};
  list_init(&turns->again);
  list_init(&turns->garbage);
  (void)uv_check_init(loop, &turns->check);
  (void)uv_idle_init(loop, &turns->idle);
  turns->check.data = turns->idle.data = turns;
  (void)uv_check_start(&turns->check, on_check);
}

static void on_handle_closed(uv_handle_t *handle) {
  struct poller_turns *turns = handle->data;
  if (--turns->open_handles > 0) return;
  release_garbage(turns);
  turns->on_closed(turns);
}

void poller_turns_close(struct poller_turns *turns, void (*on_closed)(struct poller_turns *turns)) {
  assert(turns->watches == 0 && list_empty(&turns->again));
  turns->on_closed = on_closed;
  uv_close((uv_handle_t *)&turns->check, on_handle_closed);
  uv_close((uv_handle_t *)&turns->idle, on_handle_closed);
}

void poller_watch_init(struct poller_watch *watch) {
  *watch = (struct poller_watch){.fd = -1};
  list_init(&watch->again);
}

void poller_on_wake(struct poller *poller, void (*fn)(void *arg), void *arg) {
  turns_of(poller)->on_wake = fn;
  turns_of(poller)->on_wake_arg = arg;
}

void poller_woke(struct poller *poller) {
  struct poller_turns *turns = turns_of(poller);
  if (turns->on_wake != NULL) turns->on_wake(turns->on_wake_arg);
}

void poller_again(struct poller_watch *watch) {
  assert(watch->fd >= 0);
  if (!list_empty(&watch->again)) return;
  struct poller_turns *turns = turns_of(watch->poller);
  list_append(&turns->again, &watch->again);
  stay_awake(turns);
}

void poller_release(struct poller *poller, struct poller_garbage *garbage,
                    void (*release)(struct poller_garbage *garbage)) {
  struct poller_turns *turns = turns_of(poller);
  garbage->release = release;
  list_append(&turns->garbage, &garbage->node);
  stay_awake(turns);
}
