/* See app/watch.h. */
#include "app/watch.h"

#include <stdlib.h>

#include "core/error.h"
#include "core/list.h"
#include "ops/recorder.h"
#include "ops/traffic.h"

struct tap {
  struct session_tap base;
  const struct watch *watch;
  struct recording *recording; /* NULL: none */
};

/* websockify's marks. */
static const char *const marks[][2] = {
    [TAP_FROM_CLIENT] = {[TAP_ALL] = "}", [TAP_PART] = "}."},
    [TAP_TO_TARGET] = {[TAP_ALL] = ">", [TAP_PART] = ".>"},
    [TAP_FROM_TARGET] = {[TAP_ALL] = "{", [TAP_PART] = "{"},
    [TAP_TO_CLIENT] = {[TAP_ALL] = "<", [TAP_PART] = "<."},
};

static void on_moved(struct session_tap *base, enum tap_event event, enum tap_extent extent,
                     const uint8_t *data, size_t len) {
  const struct tap *tap = LIST_ENTRY(base, struct tap, base);
  if (tap->watch->traffic) traffic_mark(marks[event][extent]);
  if (tap->recording == NULL || data == NULL) return;
  recording_add(tap->recording, event == TAP_FROM_TARGET ? RECORDING_TO_CLIENT : RECORDING_FROM_CLIENT, data,
                len);
}

static void on_close(struct session_tap *base) {
  struct tap *tap = LIST_ENTRY(base, struct tap, base);
  if (tap->recording != NULL) recording_close(tap->recording);
  free(tap);
}

static const struct session_tap_ops tap_ops = {.moved = on_moved, .close = on_close};

static struct session_tap *open_tap(struct session_watch *base, uint64_t session_id) {
  const struct watch *watch = LIST_ENTRY(base, struct watch, base);
  struct tap *tap = calloc(1, sizeof(*tap));
  if (tap == NULL) return NULL;
  tap->base.ops = &tap_ops;
  tap->watch = watch;
  if (watch->recorder != NULL) tap->recording = recording_open(watch->recorder, session_id);
  return &tap->base;
}

int watch_start(struct watch *watch, struct options *options, char *why, size_t why_cap) {
  *watch = (struct watch){.base = {open_tap}, .traffic = options->traffic};
  if (options->record != NULL) {
    int error = recorder_start(&watch->recorder, options->record, why, why_cap);
    if (error != WSL_OK) return error;
  }
  if (watch->recorder != NULL || watch->traffic) options->server.watch = &watch->base;
  return WSL_OK;
}

void watch_stop(struct watch *watch) {
  recorder_stop(watch->recorder);
  watch->recorder = NULL;
}
