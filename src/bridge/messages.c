/* Down for clients that want messages: see bridge/messages.h. */
#include "bridge/messages.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/session_internal.h"
#include "core/log.h"

/* A bad byte becomes three, an empty line a frame of two bytes, three bytes of base64 a frame of six: each at
 * most four times as long, with its header, and a quarter of a buffer read. */
#define GROWTH_MAX 4u

#define LINE_ROOM_FIRST 256u /* prompts and the like; it doubles */

/* ---- birth and death ---- */

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t most(size_t a, size_t b) {
  return a > b ? a : b;
}

static struct wsl_message_form form_of(const struct session_settings *settings, enum frames_mode mode) {
  size_t frame = settings->max_frame_size, line = least(frame, settings->max_line);
  size_t text_least = WSL_MESSAGE_TEXT_LEAST;
  switch (mode) {
    case FRAMES_TEXT:
      return (struct wsl_message_form){WSL_MESSAGES_TEXT, WSL_OP_TEXT, most(frame, text_least)};
    case FRAMES_LINES:
      return (struct wsl_message_form){WSL_MESSAGES_LINES, WSL_OP_TEXT, most(line, text_least)};
    case FRAMES_BINARY_LINES:
      return (struct wsl_message_form){WSL_MESSAGES_LINES, WSL_OP_BINARY, line};
    case FRAMES_BASE64:
      return (struct wsl_message_form){WSL_MESSAGES_BASE64, WSL_OP_TEXT, most(frame, text_least)};
    case FRAMES_BINARY:
    case FRAMES_AUTO:
      break;
  }
  return (struct wsl_message_form){WSL_MESSAGES_BYTES, WSL_OP_BINARY, frame};
}

bool messages_open(struct session *s, const struct session_frames *frames) {
  struct messages *m = slab_take(&s->domain->messages);
  if (m == NULL) return false;
  m->mode = frames->mode;
  m->form = form_of(s->domain->settings, frames->mode);
  m->line_end = frames->line_end;
  wsl_base64_init(&m->decoder);
  wsl_decoder_by_message(&s->decoder, m->mode != FRAMES_TEXT);
  s->messages = m;
  return true;
}

static void drop_line(struct kept_line *line) {
  free(line->memory);
  *line = (struct kept_line){NULL, 0, 0, false};
}

void messages_close(struct session *s) {
  if (s->messages == NULL) return;
  drop_line(&s->messages->line);
  slab_give(&s->domain->messages, s->messages);
  s->messages = NULL;
}

bool messages_keep_line(const struct session *s) {
  return s->messages != NULL && s->messages->line.len > 0;
}

/* ---- bytes become text ---- */

static bool is_text(const struct messages *m) {
  return m->form.opcode == WSL_OP_TEXT && m->form.rule != WSL_MESSAGES_BASE64;
}

static void note_replaced(struct session *s) {
  struct session_domain *domain = s->domain;
  if (s->messages->replaced) return;
  s->messages->replaced = true;
  if (domain->on_replaced != NULL) domain->on_replaced(domain, domain->owner);
  log_event(LOG_INFO, s->id, "target sent invalid UTF-8: the client gets U+FFFD in its place");
}

/* Makes text[0..text_len) valid, or cuts it before the first byte that is not. */
static void make_valid(struct session *s) {
  struct messages *m = s->messages;
  if (s->domain->settings->invalid_text == INVALID_TEXT_CLOSES) {
    size_t sound = wsl_utf8_sound(m->text, m->text_len);
    if (sound < m->text_len) m->over = MESSAGES_NOT_TEXT;
    m->text_len = sound;
    return;
  }
  struct wsl_utf8_repaired repaired = wsl_utf8_repair(m->text, m->text_len);
  m->text = repaired.at;
  m->text_len = repaired.len;
  if (repaired.replaced > 0) note_replaced(s);
}

/* Puts what was carried before the bytes at `at`, which then are what is to be framed. */
static void take_carried(struct messages *m, struct buffer *buffer, uint8_t *at, size_t len) {
  m->room = buffer->data - BUFFER_HEADROOM;
  m->text = at - m->carried;
  m->text_len = m->carried + len;
  memcpy(m->text, m->carry, m->carried);
  m->carried = 0;
}

static void carry_unfinished(struct messages *m) {
  size_t count = wsl_utf8_unfinished(m->text, m->text_len);
  m->text_len -= count;
  memcpy(m->carry, m->text + m->text_len, count);
  m->carried = (uint8_t)count;
}

/* A CR at the end of what was read may be half of a line end: it goes before what is carried already. */
static void carry_cr(struct messages *m) {
  memmove(m->carry + 1, m->carry, m->carried);
  m->carry[0] = '\r';
  m->carried++;
  assert(m->carried <= sizeof m->carry);
}

/* ---- until the client has spoken (FRAMES_AUTO) ---- */

/* Remembers how what was sent ends. */
static void note_sent(struct messages *m) {
  size_t count = least(m->text_len, WSL_UTF8_UNFINISHED_MAX);
  memcpy(m->carry, m->text + m->text_len - count, count);
  m->carried = (uint8_t)count;
}

/* With FRAMES_AUTO what is in carry[] has been sent: it is looked at and not sent again. It may begin a
 * character of which the rest, alone in a text message, would be no UTF-8: that read goes as binary yet. */
static void take_undecided(struct messages *m, struct buffer *buffer, uint8_t *at, size_t len) {
  size_t sent = m->carried;
  take_carried(m, buffer, at, len);
  note_sent(m);
  m->text += sent;
  m->text_len -= sent;
}

static bool ends_whole(const struct messages *m) {
  return wsl_utf8_unfinished(m->carry, m->carried) == 0;
}

/* The client has sent text: so does the service, from the next read on that begins a character. */
static bool turns_to_text(const struct messages *m, uint8_t first) {
  return m->mode == FRAMES_TEXT && m->form.rule == WSL_MESSAGES_BYTES &&
         (ends_whole(m) || (first & 0xC0) != 0x80);
}

static void turn_to_text(struct session *s) {
  s->messages->form = form_of(s->domain->settings, FRAMES_TEXT);
  s->messages->carried = 0;
}

/* ---- reading ---- */

static uint8_t *read_place(const struct buffer *buffer, size_t *len) {
  *len = buffer->size / GROWTH_MAX;
  return buffer->data + buffer->size - *len;
}

int64_t messages_read(struct session *s, struct buffer *buffer) {
  size_t len, small_len = buffer_pool_small_size(s->domain->buffers) / GROWTH_MAX;
  uint8_t *at = read_place(buffer, &len);
  return session_read_to(s, BUFFER_DOWN, s->backend, at, len, small_len);
}

/* Sends the first run of what was taken, or gives the buffer back. */
static void send_first(struct session *s, struct buffer *buffer) {
  struct messages_run run = messages_next(s);
  if (run.len > 0) {
    client_send(s, buffer, run.at, run.len);
  } else {
    buffer_return(s->domain->buffers, buffer);
  }
}

void messages_send(struct session *s, struct buffer *buffer, size_t n) {
  struct messages *m = s->messages;
  size_t len;
  uint8_t *at = read_place(buffer, &len);
  session_tell(s, TAP_FROM_TARGET, at, n);
  if (turns_to_text(m, *at)) turn_to_text(s);
  if (m->form.rule == WSL_MESSAGES_BYTES) {
    take_undecided(m, buffer, at, n);
  } else {
    take_carried(m, buffer, at, n);
  }
  if (is_text(m)) {
    carry_unfinished(m);
    make_valid(s);
  }
  send_first(s, buffer);
}

bool messages_send_rest(struct session *s, struct buffer *buffer, int64_t end) {
  struct messages *m = s->messages;
  if (m->form.rule == WSL_MESSAGES_BYTES || m->carried + m->line.len == 0) return false;
  size_t len;
  m->over = MESSAGES_ENDED;
  m->end = end;
  take_carried(m, buffer, read_place(buffer, &len), 0);
  if (is_text(m)) make_valid(s);
  send_first(s, buffer);
  return true;
}

/* ---- what is sent ---- */

static struct messages_run no_run(void) {
  return (struct messages_run){NULL, 0};
}

/* Makes room for so many bytes more. */
static bool grow_line(struct kept_line *line, size_t len) {
  if (line->len + len <= line->room) return true;
  size_t room = line->room > 0 ? line->room : LINE_ROOM_FIRST;
  while (room < line->len + len)
    room *= 2;
  uint8_t *memory = realloc(line->memory, WSL_FRAME_HEADER_MAX + room);
  if (memory == NULL) return false;
  line->memory = memory;
  line->room = room;
  return true;
}

/* Moves the bytes that the cut takes to the line that is kept. False without memory: the session ends. */
static bool keep(struct session *s, const struct wsl_message_cut *cut) {
  struct messages *m = s->messages;
  struct kept_line *line = &m->line;
  if (cut->take > 0) {
    if (!grow_line(line, cut->take)) {
      m->text_len = 0;
      ending_by_us(s, WSL_CLOSE_TRY_AGAIN_LATER, "no memory for an unfinished line", "Out of memory");
      return false;
    }
    memcpy(line->memory + WSL_FRAME_HEADER_MAX + line->len, m->text, cut->take);
    line->len += cut->take;
  }
  m->text += cut->take + cut->skip;
  m->text_len -= cut->take + cut->skip;
  if (!cut->unfinished) return true;
  if (m->text_len > 0) carry_cr(m);
  m->text_len = 0;
  return true;
}

/* The next message, of which the line that was kept is the beginning. Behind all others the last line needs
 * no end, and a CR is none. */
static struct wsl_message_cut cut_next(struct messages *m) {
  struct wsl_message_cut cut = wsl_message_cut(&m->form, m->line.len, m->text, m->text_len);
  if (!cut.unfinished || m->over == MESSAGES_GO_ON) return cut;
  m->form.rule = is_text(m) ? WSL_MESSAGES_TEXT : WSL_MESSAGES_BYTES;
  return wsl_message_cut(&m->form, m->line.len, m->text, m->text_len);
}

/* The line that was kept, completed from the text, or longer by all of it. */
static struct messages_run next_of_kept(struct session *s) {
  struct messages *m = s->messages;
  struct wsl_message_cut cut = cut_next(m);
  if (!keep(s, &cut) || cut.unfinished) return no_run();
  size_t len = m->line.len;
  assert(m->line.memory != NULL && len > 0);
  uint8_t header[WSL_FRAME_HEADER_MAX];
  size_t header_len = wsl_frame_header(header, m->form.opcode, len);
  uint8_t *at = m->line.memory + WSL_FRAME_HEADER_MAX - header_len;
  memcpy(at, header, header_len);
  m->line.leaving = true;
  return (struct messages_run){at, header_len + len};
}

struct messages_run messages_next(struct session *s) {
  struct messages *m = s->messages;
  if (m->line.leaving) drop_line(&m->line);
  if (s->client_out != CLIENT_OUT_OPEN) return no_run();
  bool kept_is_due = m->line.len > 0 && (m->text_len > 0 || m->over != MESSAGES_GO_ON);
  if (kept_is_due) return next_of_kept(s);
  if (m->text_len == 0) return no_run();
  struct wsl_framed framed = wsl_messages_frame(&m->form, m->room, m->text, m->text_len);
  if (framed.used == 0) return next_of_kept(s); /* a line that goes on, or the last one */
  m->text += framed.used;
  m->text_len -= framed.used;
  return (struct messages_run){framed.at, framed.len};
}
