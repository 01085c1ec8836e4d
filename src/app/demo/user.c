/* A connection of the demo service: splits its input into lines, hands them to demo_commands, and
 * writes answers, counts and floods as the peer takes them.
 *
 * One write is in flight at most. When it is done, answers go first, then the next piece of a
 * flood; pieces are whole lines, so an answer never lands inside one.
 */
#include "app/demo/user.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/demo/commands.h"
#include "core/error.h"
#include "core/log.h"

#define USERS_MAX         1024u /* 20 KB and one descriptor each */
#define KEEPALIVE_SECONDS 60u
#define NS_PER_MS         1e6

static void take_lines(struct demo_user *user);
static void update_reading(struct demo_user *user);

/* --- crowd ---------------------------------------------------------------------------------- */

static void fill_flood_pattern(char pattern[DEMO_FLOOD_CHUNK]) {
  for (size_t i = 0; i < DEMO_FLOOD_CHUNK; i++) {
    size_t line = i / DEMO_FLOOD_LINE, column = i % DEMO_FLOOD_LINE;
    bool is_end = column == DEMO_FLOOD_LINE - 1;
    pattern[i] = is_end ? '\n' : (char)(' ' + (line + column) % DEMO_FLOOD_ALPHABET);
  }
}

void demo_crowd_init(struct demo_crowd *crowd, uv_loop_t *loop) {
  crowd->loop = loop;
  crowd->user_count = 0;
  crowd->last_id = 0;
  list_init(&crowd->users);
  fill_flood_pattern(crowd->flood_pattern);
}

/* --- closing -------------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle) {
  struct demo_user *user = handle->data;
  user->open_handles--;
  if (user->open_handles == 0) free(user);
}

void demo_user_close(struct demo_user *user) {
  if (user->stage == DEMO_CLOSED) return;
  log_event(LOG_DEBUG, 0, "demo user left user=%" PRIu64, user->id);
  user->stage = DEMO_CLOSED;
  list_remove(&user->node);
  user->crowd->user_count--;
  uv_close((uv_handle_t *)&user->tcp, on_handle_closed);
  uv_close((uv_handle_t *)&user->timer, on_handle_closed);
}

static void on_patience_over(uv_timer_t *timer) {
  demo_user_close(timer->data);
}

static void on_shutdown(uv_shutdown_t *request, int status) {
  if (status != 0) demo_user_close(request->handle->data);
}

/* All answers are with the kernel. Where input may still come, closing would reset the connection
 * and could destroy the last answer on its way: what comes is read and dropped until the FIN. */
static void end_in_order(struct demo_user *user) {
  if (user->input_ended) {
    demo_user_close(user);
    return;
  }
  user->stage = DEMO_LINGERING;
  if (uv_shutdown(&user->shutdown, (uv_stream_t *)&user->tcp, on_shutdown) != 0) demo_user_close(user);
}

void demo_user_leave(struct demo_user *user) {
  assert(user->stage == DEMO_OPEN);
  demo_user_end_job(user);
  user->stage = DEMO_LEAVING;
  uv_timer_start(&user->timer, on_patience_over, DEMO_LEAVE_MS, 0);
}

/* --- answers -------------------------------------------------------------------------------- */

bool demo_user_has_room(const struct demo_user *user) {
  return user->out_len + DEMO_ANSWER_MAX <= DEMO_OUT_SIZE;
}

void demo_user_write(struct demo_user *user, const char *data, size_t len) {
  assert(user->out_len + len <= DEMO_OUT_SIZE);
  memcpy(user->out[user->out_side] + user->out_len, data, len);
  user->out_len += len;
}

void demo_user_print(struct demo_user *user, const char *format, ...) {
  size_t room = DEMO_OUT_SIZE - user->out_len;
  va_list arguments;
  va_start(arguments, format);
  int written = vsnprintf(user->out[user->out_side] + user->out_len, room, format, arguments);
  va_end(arguments);
  assert(written >= 0 && (size_t)written < room);
  user->out_len += (size_t)written;
}

static void on_written(uv_write_t *request, int status) {
  struct demo_user *user = request->handle->data;
  user->write_in_flight = false;
  if (user->stage == DEMO_CLOSED) return;
  if (status != 0) {
    demo_user_close(user);
    return;
  }
  take_lines(user); /* lines may have waited for room */
  update_reading(user);
  demo_user_flush(user);
}

static void start_write(struct demo_user *user, const uv_buf_t buffers[], unsigned count) {
  user->write_in_flight = true;
  int error = uv_write(&user->write, (uv_stream_t *)&user->tcp, buffers, count, on_written);
  if (error != 0) demo_user_close(user);
}

static void write_answers(struct demo_user *user) {
  uv_buf_t buffer = uv_buf_init(user->out[user->out_side], (unsigned)user->out_len);
  user->out_side ^= 1u;
  user->out_len = 0;
  start_write(user, &buffer, 1);
}

/* The last byte of a flood is a line end, wherever the pattern stands. */
static void write_flood(struct demo_user *user) {
  static char line_end[] = "\n";
  char *pattern = user->crowd->flood_pattern;
  uv_buf_t buffers[2] = {uv_buf_init(pattern, DEMO_FLOOD_CHUNK), uv_buf_init(line_end, 1)};
  unsigned count = 1;
  if (user->job_left <= DEMO_FLOOD_CHUNK) {
    buffers[0].len = (size_t)user->job_left - 1;
    count = 2;
    user->job_left = 0;
  } else {
    user->job_left -= DEMO_FLOOD_CHUNK;
  }
  start_write(user, buffers, count);
}

static void finish_flood(struct demo_user *user) {
  double elapsed_ms = (double)(uv_hrtime() - user->job_started_ns) / NS_PER_MS;
  demo_user_print(user, "flood done: %" PRIu64 " bytes in %.1f ms\n", user->job_total, elapsed_ms);
  demo_user_end_job(user);
}

void demo_user_flush(struct demo_user *user) {
  if (user->stage > DEMO_LEAVING || user->write_in_flight) return;
  bool flooding = user->job == DEMO_FLOODING;
  if (flooding && user->out_len == 0 && user->job_left == 0) finish_flood(user);

  if (user->out_len > 0) {
    write_answers(user);
  } else if (flooding) {
    write_flood(user);
  } else if (user->stage == DEMO_LEAVING || (user->input_ended && user->job == DEMO_IDLE)) {
    end_in_order(user);
  }
}

/* --- jobs ----------------------------------------------------------------------------------- */

static void on_count(uv_timer_t *timer) {
  struct demo_user *user = timer->data;
  if (!demo_user_has_room(user)) return; /* it does not read: this number waits for the next tick */
  demo_user_print(user, "%" PRIu64 "\n", user->job_total - user->job_left + 1);
  user->job_left--;
  if (user->job_left == 0) demo_user_end_job(user);
  demo_user_flush(user);
}

void demo_user_start_job(struct demo_user *user, enum demo_job job, uint64_t total) {
  assert(user->job == DEMO_IDLE && job != DEMO_IDLE && total > 0);
  user->job = job;
  user->job_left = total;
  user->job_total = total;
  user->job_started_ns = uv_hrtime();
  if (job == DEMO_COUNTING) uv_timer_start(&user->timer, on_count, 0, DEMO_COUNT_MS);
}

void demo_user_end_job(struct demo_user *user) {
  if (user->job == DEMO_COUNTING) uv_timer_stop(&user->timer);
  user->job = DEMO_IDLE;
}

/* --- lines ---------------------------------------------------------------------------------- */

static void run_line(struct demo_user *user, const char *line, size_t len) {
  if (len > 0 && line[len - 1] == '\r') len--;
  if (user->skipping_line) {
    user->skipping_line = false;
  } else if (len > DEMO_LINE_MAX) {
    demo_user_print(user, "error: that line is longer than %u bytes\n", DEMO_LINE_MAX);
  } else {
    demo_command_run(user, (struct wsl_span){line, len});
  }
}

/* What is left without a line end: the start of a line, the end of the input, or too much. */
static void take_rest(struct demo_user *user) {
  if (user->in_len > 0 && user->input_ended) {
    run_line(user, user->in, user->in_len);
    user->in_len = 0;
  } else if (user->in_len == sizeof user->in) {
    if (!user->skipping_line) {
      demo_user_print(user, "error: that line is longer than %u bytes\n", DEMO_LINE_MAX);
    }
    user->skipping_line = true;
    user->in_len = 0;
  }
}

/* Runs the lines that are there, as long as their answers fit. */
static void take_lines(struct demo_user *user) {
  size_t taken = 0;
  bool whole_lines_left = true;
  while (whole_lines_left && user->stage == DEMO_OPEN && demo_user_has_room(user)) {
    const char *line = user->in + taken;
    const char *end = memchr(line, '\n', user->in_len - taken);
    whole_lines_left = end != NULL;
    if (end == NULL) break;
    run_line(user, line, (size_t)(end - line));
    taken += (size_t)(end - line) + 1;
  }
  user->in_len -= taken;
  memmove(user->in, user->in + taken, user->in_len);
  if (user->stage == DEMO_OPEN && !whole_lines_left && demo_user_has_room(user)) take_rest(user);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  (void)suggested;
  struct demo_user *user = handle->data;
  *buffer = uv_buf_init(user->in + user->in_len, (unsigned)(sizeof user->in - user->in_len));
}

static void on_end_of_input(struct demo_user *user) {
  user->input_ended = true;
  if (user->stage == DEMO_LINGERING) {
    demo_user_close(user);
    return;
  }
  take_lines(user);
  demo_user_flush(user);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
  (void)buffer;
  struct demo_user *user = stream->data;
  if (count == UV_EOF) {
    on_end_of_input(user);
  } else if (count < 0) {
    demo_user_close(user); /* reset */
  } else {
    user->in_len += (size_t)count;
    take_lines(user);
    demo_user_flush(user);
  }
  update_reading(user);
}

/* Reading is on while there is a place for what comes; without commands to run, that is always. */
static void update_reading(struct demo_user *user) {
  if (user->stage == DEMO_CLOSED) return;
  if (user->stage != DEMO_OPEN) user->in_len = 0;
  bool wanted = !user->input_ended && user->in_len < sizeof user->in;
  if (wanted == user->reading) return;
  user->reading = wanted;
  if (!wanted) {
    uv_read_stop((uv_stream_t *)&user->tcp);
  } else if (uv_read_start((uv_stream_t *)&user->tcp, on_alloc, on_read) != 0) {
    demo_user_close(user);
  }
}

/* --- arriving ------------------------------------------------------------------------------- */

/* A user with its handles open, in the crowd and connected to nothing yet. */
static struct demo_user *enter(struct demo_crowd *crowd) {
  struct demo_user *user = calloc(1, sizeof *user);
  if (user == NULL) return NULL;
  if (uv_tcp_init(crowd->loop, &user->tcp) != 0) {
    free(user);
    return NULL;
  }
  uv_timer_init(crowd->loop, &user->timer);
  user->tcp.data = user;
  user->timer.data = user;
  user->open_handles = 2;
  user->crowd = crowd;
  user->id = ++crowd->last_id;
  list_append(&crowd->users, &user->node);
  crowd->user_count++;
  return user;
}

void demo_user_accept(struct demo_crowd *crowd, uv_stream_t *listener) {
  struct demo_user *user = enter(crowd);
  if (user == NULL) {
    log_event(LOG_WARN, 0, "demo service has no memory for another user");
    return;
  }
  if (uv_accept(listener, (uv_stream_t *)&user->tcp) != 0) {
    demo_user_close(user);
    return;
  }
  uv_tcp_nodelay(&user->tcp, 1);
  uv_tcp_keepalive(&user->tcp, 1, KEEPALIVE_SECONDS);
  log_event(LOG_DEBUG, 0, "demo user came user=%" PRIu64, user->id);
  if (crowd->user_count > USERS_MAX) {
    demo_user_print(user, "Too many users are here already. Come back later.\n");
    demo_user_leave(user);
  } else {
    demo_command_greet(user);
  }
  update_reading(user);
  demo_user_flush(user);
}
