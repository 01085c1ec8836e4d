/* See story.h. */
#include "fuzz/story.h"

#include <stdlib.h>
#include <string.h>

#define BEGUN_SEQUENCE 3u

void story_init(struct story *story, size_t len) {
  *story = (struct story){.payload = fuzz_memory(len)};
}

void story_free(struct story *story) {
  free(story->payload);
  free(story->events);
}

void story_add(struct story *story, const struct story_event *event) {
  if (story->events_count == story->events_room) {
    story->events_room = 2 * story->events_room + 4;
    story->events = realloc(story->events, story->events_room * sizeof *event);
    fuzz_check(story->events != NULL, "there is memory");
  }
  story->events[story->events_count++] = *event;
}

/* ---- the decoder's --------------------------------------------------------------------------------- */

static bool is_final(enum wsl_frame_event event) {
  return event == WSL_FRAME_CLOSE || event == WSL_FRAME_VIOLATION;
}

static void note(struct story *story, const struct wsl_decoder *decoder,
                 const struct wsl_frame_result *result, size_t consumed) {
  if (result->event == WSL_FRAME_MORE) return;
  fuzz_check((result->reason != NULL) == (result->event == WSL_FRAME_VIOLATION), "violations have a reason");
  struct story_event event = {.event = result->event,
                              .consumed = consumed,
                              .payload_at = story->payload_len,
                              .code = result->close_code,
                              .reason = result->reason};
  if (result->event != WSL_FRAME_VIOLATION) {
    event.control_len = decoder->control_len;
    memcpy(event.control, decoder->control, decoder->control_len);
  }
  story_add(story, &event);
}

/* One piece, which holds what lies in the stream behind `before` bytes. False: the stream has ended. */
static bool feed_piece(struct story *story, struct wsl_decoder *decoder, const uint8_t *data, size_t len,
                       size_t before) {
  uint8_t *buffer = fuzz_copy(data, len), *dst = buffer;
  size_t at = 0;
  enum wsl_frame_event event = WSL_FRAME_MORE;
  while (at < len && !is_final(event)) {
    struct wsl_frame_result result = wsl_decoder_feed(decoder, dst, buffer + at, len - at);
    fuzz_check(result.consumed > 0 && result.consumed <= len - at, "consumes %zu of %zu", result.consumed,
               len - at);
    at += result.consumed;
    fuzz_check(result.run_len <= (size_t)(buffer + at - dst), "a run no longer than what was read");
    fuzz_check(result.event != WSL_FRAME_MORE || at == len, "stops only for an event");
    memcpy(story->payload + story->payload_len, dst, result.run_len);
    story->payload_len += result.run_len;
    dst += result.run_len;
    event = result.event;
    note(story, decoder, &result, before + at);
  }
  free(buffer);
  return !is_final(event);
}

void story_of(struct story *story, const uint8_t *data, size_t len, bool refuse_text, struct fuzz_cuts cuts) {
  struct wsl_decoder decoder;
  wsl_decoder_init(&decoder, refuse_text);
  bool goes_on = true;
  for (size_t at = 0, piece; at < len && goes_on; at += piece) {
    piece = fuzz_cut(&cuts, len - at);
    goes_on = feed_piece(story, &decoder, data + at, piece, at);
  }
  story->between_messages = wsl_decoder_between_messages(&decoder);
}

/* ---- comparing ------------------------------------------------------------------------------------- */

static void compare_event(const struct story_event *one, const struct story_event *other) {
  fuzz_check(one->event == other->event, "events are %d and %d", (int)one->event, (int)other->event);
  fuzz_check(one->consumed == other->consumed, "event %d at byte %zu and %zu", (int)one->event, one->consumed,
             other->consumed);
  fuzz_check(one->code == other->code, "codes are %d and %d", one->code, other->code);
  fuzz_check(
      one->control_len == other->control_len && memcmp(one->control, other->control, one->control_len) == 0,
      "control payloads are equal");
  fuzz_check(one->event == WSL_FRAME_VIOLATION || one->payload_at == other->payload_at,
             "event %d behind %zu and %zu bytes of payload", (int)one->event, one->payload_at,
             other->payload_at);
  bool both_say_why = one->reason != NULL && other->reason != NULL;
  fuzz_check(!both_say_why || strcmp(one->reason, other->reason) == 0, "reasons are \"%s\" and \"%s\"",
             one->reason, other->reason);
}

static bool broke_off_in_text(const struct story *story) {
  return story->events_count > 0 && story->events[story->events_count - 1].code == WSL_CLOSE_INVALID_PAYLOAD;
}

static void compare_payload(const struct story *one, const struct story *other, enum story_slack slack) {
  const struct story *shorter = one->payload_len <= other->payload_len ? one : other;
  size_t more = one->payload_len + other->payload_len - 2 * shorter->payload_len;
  bool may_differ = slack == STORY_BEGUN_SEQUENCE && broke_off_in_text(one);
  fuzz_check(more <= (may_differ ? BEGUN_SEQUENCE : 0), "payloads have %zu and %zu bytes", one->payload_len,
             other->payload_len);
  fuzz_check(memcmp(one->payload, other->payload, shorter->payload_len) == 0, "payloads are equal");
}

void story_compare(const struct story *one, const struct story *other, enum story_slack slack) {
  size_t both = one->events_count < other->events_count ? one->events_count : other->events_count;
  for (size_t i = 0; i < both; i++)
    compare_event(&one->events[i], &other->events[i]);
  fuzz_check(one->events_count == other->events_count, "%zu and %zu events", one->events_count,
             other->events_count);
  compare_payload(one, other, slack);
  fuzz_check(one->between_messages == other->between_messages, "between messages at the end: %d and %d",
             one->between_messages, other->between_messages);
}
