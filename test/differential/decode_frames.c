/* decode_frames: decodes stories of frames as a session does, in place, and says what it met.
 *
 * A story is a record for each read and an empty one behind the last. The answer to it is one line, a list
 * of what came of it in order: ["data", hex], ["ping", hex], ["pong", hex], ["close", code, hex of the
 * reason], ["violation", code, reason], and last ["read", the bytes that were taken].
 */
#include <stdio.h>

#include <wsluice/frame.h>

#include "pipe.h"

static const char *const event_names[] = {[WSL_FRAME_PING] = "ping",
                                          [WSL_FRAME_PONG] = "pong",
                                          [WSL_FRAME_CLOSE] = "close",
                                          [WSL_FRAME_VIOLATION] = "violation"};

#define CLOSE_CODE_SIZE 2u

static void write_event(const struct wsl_decoder *decoder, const struct wsl_frame_result *result) {
  const uint8_t *control = decoder->control;
  size_t len = decoder->control_len;
  printf("[\"%s\",", event_names[result->event]);
  if (result->event == WSL_FRAME_VIOLATION) {
    printf("%u,", result->close_code);
    json_string(wsl_span_of(result->reason));
  } else if (result->event == WSL_FRAME_CLOSE) {
    printf("%u,", result->close_code);
    json_hex(control + (len > 0 ? CLOSE_CODE_SIZE : 0), len > 0 ? len - CLOSE_CODE_SIZE : 0);
  } else {
    json_hex(control, len);
  }
  fputs("],", stdout);
}

/* Decodes one read and adds what was taken of it to *taken; false when the story has ended. Runs go to the
 * buffer's start, one behind the other. */
static bool decode(struct wsl_decoder *decoder, struct record *record, size_t *taken) {
  size_t run_len = 0;
  for (size_t at = 0; at < record->len;) {
    struct wsl_frame_result result =
        wsl_decoder_feed(decoder, record->bytes + run_len, record->bytes + at, record->len - at);
    at += result.consumed;
    *taken += result.consumed;
    if (result.run_len > 0) {
      fputs("[\"data\",", stdout);
      json_hex(record->bytes + run_len, result.run_len);
      fputs("],", stdout);
    }
    run_len += result.run_len;
    if (result.event != WSL_FRAME_MORE) write_event(decoder, &result);
    if (result.event == WSL_FRAME_CLOSE || result.event == WSL_FRAME_VIOLATION) return false;
  }
  return true;
}

/* One story; false at the end of the input. */
static bool play(void) {
  struct wsl_decoder decoder;
  struct record record;
  bool open = true;
  size_t taken = 0;
  wsl_decoder_init(&decoder, false);
  if (!record_read(&record)) return false;
  putchar('[');
  while (record.len > 0) {
    open = open && decode(&decoder, &record, &taken);
    record_free(&record);
    if (!record_read(&record)) break;
  }
  printf("[\"read\",%zu]]\n", taken);
  return true;
}

int main(void) {
  while (play()) {
  }
  return fflush(stdout) == 0 ? 0 : 2;
}
