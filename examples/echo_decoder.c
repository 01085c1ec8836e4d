/* echo_decoder: reads the frames that a WebSocket client sends on standard input, writes their payload
 * to standard output and says on standard error which control frames it met.
 *
 * Shows the decoder at work: one buffer, decoded in place, one write for all the payload of a read.
 *
 *   printf '\201\205\067\372\041\075\177\237\115\121\130' | echo_decoder      (says Hello)
 *
 * Ends with 0 when the stream ended between messages or with a Close, with 1 when it broke a rule or was
 * cut short, with 2 when reading or writing failed.
 */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <wsluice/frame.h>

#define BUFFER_SIZE (64u * 1024)

enum outcome { OUTCOME_GO_ON = -1, OUTCOME_FINE = 0, OUTCOME_BROKEN = 1, OUTCOME_IO_ERROR = 2 };

/* Says what the decoder met, and whether that was the end. */
static enum outcome report(const struct wsl_decoder *decoder, const struct wsl_frame_result *result) {
  switch (result->event) {
    case WSL_FRAME_PING:
      fprintf(stderr, "ping of %u bytes\n", decoder->control_len);
      return OUTCOME_GO_ON;
    case WSL_FRAME_PONG:
      fprintf(stderr, "pong of %u bytes\n", decoder->control_len);
      return OUTCOME_GO_ON;
    case WSL_FRAME_CLOSE:
      fprintf(stderr, "close %u\n", result->close_code);
      return OUTCOME_FINE;
    case WSL_FRAME_VIOLATION:
      fprintf(stderr, "violation %u: %s\n", result->close_code, result->reason);
      return OUTCOME_BROKEN;
    case WSL_FRAME_MORE:
    case WSL_FRAME_MESSAGE: /* not asked for */
      break;
  }
  return OUTCOME_GO_ON;
}

/* Decodes one read's worth in place and writes the payload, which has become one run at its start. */
static enum outcome decode(struct wsl_decoder *decoder, uint8_t *buf, size_t len) {
  enum outcome outcome = OUTCOME_GO_ON;
  size_t payload_len = 0;
  for (size_t at = 0; at < len && outcome == OUTCOME_GO_ON;) {
    struct wsl_frame_result result = wsl_decoder_feed(decoder, buf + payload_len, buf + at, len - at);
    at += result.consumed;
    payload_len += result.run_len;
    outcome = report(decoder, &result);
  }
  if (fwrite(buf, 1, payload_len, stdout) != payload_len) return OUTCOME_IO_ERROR;
  return outcome;
}

int main(void) {
  static uint8_t buf[BUFFER_SIZE];
  struct wsl_decoder decoder;
  enum outcome outcome = OUTCOME_GO_ON;
  wsl_decoder_init(&decoder, false);
  while (outcome == OUTCOME_GO_ON) {
    ssize_t got = read(STDIN_FILENO, buf, sizeof(buf));
    if (got < 0) {
      outcome = OUTCOME_IO_ERROR;
    } else if (got > 0) {
      outcome = decode(&decoder, buf, (size_t)got);
    } else if (wsl_decoder_between_messages(&decoder)) {
      outcome = OUTCOME_FINE;
    } else {
      fputs("the stream ended inside a message\n", stderr);
      outcome = OUTCOME_BROKEN;
    }
  }
  if (fflush(stdout) != 0) outcome = OUTCOME_IO_ERROR;
  if (outcome == OUTCOME_IO_ERROR) perror("echo_decoder");
  return (int)outcome;
}
