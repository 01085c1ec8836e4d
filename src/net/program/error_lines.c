/* See net/program/error_lines.h. */
#include "net/program/error_lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "net/transport.h"

#define READ_MAX      4096u
#define READS_A_TURN  4
#define REST_MS       20u /* behind a turn that left something */
#define READS_AT_LAST 16  /* a full pipe */

/* Each byte may become four. */
#define SHOWN_MAX (4 * ERROR_LINE_MAX + 8)

static void say(const struct error_lines *lines, const char *text, size_t len) {
  char shown[SHOWN_MAX];
  if (len > 0 && text[len - 1] == '\r') len--;
  log_event(LOG_INFO, lines->id, "program says pid=%ld text=\"%s\"", (long)lines->pid,
            log_escape((struct wsl_span){text, len}, shown, sizeof(shown)));
}

static void say_partial(struct error_lines *lines) {
  if (lines->partial == NULL) return;
  say(lines, lines->partial, lines->partial_len);
  free(lines->partial);
  lines->partial = NULL;
  lines->partial_len = 0;
}

/* The begin of a line whose end has not come. Without memory it is a line of its own. */
static void keep(struct error_lines *lines, const char *text, size_t len) {
  if (lines->partial == NULL) lines->partial = malloc(ERROR_LINE_MAX);
  if (lines->partial == NULL) {
    say(lines, text, len);
    return;
  }
  memcpy(lines->partial + lines->partial_len, text, len);
  lines->partial_len += len;
}

/* Takes text[0..len), which holds no line end, as long as a line may be. */
static void take_piece(struct error_lines *lines, const char *text, size_t len, bool ends) {
  while (len > 0) {
    size_t room = ERROR_LINE_MAX - lines->partial_len;
    size_t taken = len < room ? len : room;
    keep(lines, text, taken);
    text += taken;
    len -= taken;
    if (lines->partial_len == ERROR_LINE_MAX && (len > 0 || !ends)) say_partial(lines);
  }
  if (ends) say_partial(lines);
}

static void take(struct error_lines *lines, const char *text, size_t len) {
  while (len > 0) {
    const char *end = memchr(text, '\n', len);
    size_t piece = end == NULL ? len : (size_t)(end - text);
    take_piece(lines, text, piece, end != NULL);
    size_t used = piece + (end != NULL);
    text += used;
    len -= used;
  }
}

static void stop(struct error_lines *lines) {
  int fd = lines->watch.fd;
  say_partial(lines);
  timer_disarm(lines->timers, &lines->rest);
  if (fd < 0) return;
  poller_remove(&lines->watch);
  close(fd);
}

/* Whether more may be there. */
static bool read_some(struct error_lines *lines, int reads) {
  char text[READ_MAX];
  for (; reads > 0; reads--) {
    ssize_t got = read(lines->watch.fd, text, sizeof(text));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false; /* EAGAIN; a pipe knows no other */
    if (got == 0) {
      stop(lines);
      return false;
    }
    take(lines, text, (size_t)got);
  }
  return true;
}

static void take_turn(struct error_lines *lines) {
  if (read_some(lines, READS_A_TURN)) {
    timer_arm(lines->timers, &lines->rest, lines->timers->now_ms + REST_MS);
  } else if (lines->watch.fd >= 0) {
    poller_drained(&lines->watch, TRANSPORT_READABLE);
  }
}

static void on_events(struct poller_watch *watch, unsigned events) {
  (void)events;
  struct error_lines *lines = LIST_ENTRY(watch, struct error_lines, watch);
  if (!lines->rest.armed) take_turn(lines);
}

static void on_rested(struct timer *timer) {
  take_turn(LIST_ENTRY(timer, struct error_lines, rest));
}

void error_lines_open(struct error_lines *lines, struct poller *poller, struct timers *timers, int fd,
                      uint64_t id, pid_t pid) {
  *lines = (struct error_lines){.timers = timers, .id = id, .pid = pid};
  poller_watch_init(&lines->watch);
  timer_init(&lines->rest, on_rested);
  if (fd >= 0 && poller_add(poller, &lines->watch, fd, on_events) != WSL_OK) close(fd);
}

void error_lines_close(struct error_lines *lines) {
  if (lines->watch.fd >= 0) (void)read_some(lines, READS_AT_LAST);
  stop(lines);
}
