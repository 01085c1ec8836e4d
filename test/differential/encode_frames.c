/* encode_frames: writes the frame that each record asks for, as one line with a JSON string in hexadecimal.
 *
 * A record's first byte is an opcode. Close: two bytes of code, highest first, and the reason; the answer is
 * the whole frame. Any other: eight bytes of payload length, highest first; the answer is the header.
 */
#include <stdio.h>
#include <stdlib.h>

#include <wsluice/frame.h>

#include "pipe.h"

#define LENGTH_SIZE     8u
#define CLOSE_CODE_SIZE 2u

/* `size` bytes behind the opcode as a number. */
static uint64_t number(const struct record *record, size_t size) {
  if (record->len < 1 + size) {
    fputs("encode_frames: a record is too short\n", stderr);
    exit(2);
  }
  uint64_t value = 0;
  for (size_t i = 0; i < size; i++)
    value = value << 8 | record->bytes[1 + i];
  return value;
}

static void write_frame(const struct record *record) {
  uint8_t out[2 + WSL_CONTROL_PAYLOAD_MAX];
  enum wsl_opcode opcode = (enum wsl_opcode)(record->len > 0 ? record->bytes[0] : 0);
  size_t len;
  if (opcode == WSL_OP_CLOSE) {
    uint16_t code = (uint16_t)number(record, CLOSE_CODE_SIZE);
    size_t at = 1 + CLOSE_CODE_SIZE;
    len = wsl_close_frame(out, code, (struct wsl_span){(const char *)record->bytes + at, record->len - at});
  } else {
    len = wsl_frame_header(out, opcode, number(record, LENGTH_SIZE));
  }
  json_hex(out, len);
  putchar('\n');
}

int main(void) {
  struct record record;
  while (record_read(&record)) {
    write_frame(&record);
    record_free(&record);
  }
  return fflush(stdout) == 0 ? 0 : 2;
}
