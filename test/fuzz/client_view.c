/* See client_view.h. */
#include "fuzz/client_view.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/reference.h"

#define PONG_SIZE_MIN 2u

struct frame {
  uint8_t opcode;
  const uint8_t *payload;
  size_t len, there; /* payload bytes announced, and those that have come */
  size_t size;       /* header and what is there */
};

/* False when not even the header is there. */
static bool read_frame(struct frame *frame, const uint8_t *data, size_t len, size_t frame_max) {
  fuzz_check((data[0] & 0xF0) == 0x80, "a final frame without reserved bits: %02x", data[0]);
  frame->opcode = data[0] & 0x0F;
  if (len < 2) return false;
  fuzz_check((data[1] & 0x80) == 0, "a server masks nothing");
  size_t extended = data[1] < 126 ? 0 : data[1] == 126 ? 2 : 8;
  if (len < 2 + extended) return false;
  frame->len = extended == 0 ? data[1] : 0;
  for (size_t i = 0; i < extended; i++)
    frame->len = frame->len << 8 | data[2 + i];
  fuzz_check(extended == 0 || frame->len > 125, "the shortest form");
  bool control = frame->opcode >= 8;
  fuzz_check(frame->len <= (control ? WSL_CONTROL_PAYLOAD_MAX : frame_max), "a frame of %zu bytes",
             frame->len);
  frame->payload = data + 2 + extended;
  size_t left = len - 2 - extended;
  frame->there = frame->len < left ? frame->len : left;
  frame->size = 2 + extended + frame->there;
  return true;
}

static void take_close(struct client_view *view, const struct frame *frame) {
  fuzz_check(frame->len != 1, "half a code");
  view->close_code = WSL_CLOSE_NO_STATUS;
  if (frame->len == 0) return;
  view->close_code = (uint16_t)(frame->payload[0] << 8 | frame->payload[1]);
  fuzz_check(wsl_close_code_valid(view->close_code), "Close %d", view->close_code);
  size_t reason = frame->len - 2;
  fuzz_check(reference_utf8_begun(frame->payload + 2, reason) == reason, "a reason in UTF-8");
}

static void take_frame(struct client_view *view, const struct frame *frame) {
  struct story_event *pong = &view->pongs[view->pongs_count];
  switch (frame->opcode) {
    case WSL_OP_BINARY:
      memcpy(view->payload + view->payload_len, frame->payload, frame->there);
      view->payload_len += frame->there;
      break;
    case WSL_OP_CLOSE:
      if (frame->there == frame->len) take_close(view, frame);
      break;
    case WSL_OP_PONG:
      if (frame->there < frame->len) break;
      pong->control_len = (uint8_t)frame->len;
      memcpy(pong->control, frame->payload, frame->len);
      view->pongs_count++;
      break;
    default:
      fuzz_check(frame->opcode == WSL_OP_PING, "opcode %d", frame->opcode);
  }
}

void client_view_read(struct client_view *view, const uint8_t *data, size_t len, size_t frame_max) {
  *view = (struct client_view){.payload = fuzz_memory(len), .whole = true};
  view->pongs = fuzz_memory((len / PONG_SIZE_MIN + 1) * sizeof *view->pongs);
  for (size_t at = 0; at < len && view->whole;) {
    struct frame frame;
    fuzz_check(view->close_code == 0, "nothing behind a Close");
    view->whole = read_frame(&frame, data + at, len - at, frame_max);
    if (!view->whole) break;
    take_frame(view, &frame);
    view->whole = frame.there == frame.len;
    at += frame.size;
  }
}

void client_view_free(struct client_view *view) {
  free(view->payload);
  free(view->pongs);
}

static bool answers(const struct story_event *pong, const struct story_event *said) {
  return said->event == WSL_FRAME_PING && said->control_len == pong->control_len &&
         memcmp(said->control, pong->control, pong->control_len) == 0;
}

void client_view_check_pongs(const struct client_view *view, const struct story *said) {
  size_t at = 0;
  for (size_t i = 0; i < view->pongs_count; i++, at++) {
    while (at < said->events_count && !answers(&view->pongs[i], &said->events[at]))
      at++;
    fuzz_check(at < said->events_count, "pong %zu answers no ping", i);
  }
}
