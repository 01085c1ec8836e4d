/* See pipe.h. */
#include "pipe.h"

#include <stdio.h>
#include <stdlib.h>

#define LENGTH_SIZE 4u
#define RECORD_MAX  (64u << 20) /* a longer one means that the two sides count differently */

static void fail(const char *what) {
  fprintf(stderr, "differential tool: %s\n", what);
  exit(2);
}

void *pipe_memory(size_t size) {
  void *memory = malloc(size > 0 ? size : 1);
  if (!memory) fail("no memory");
  return memory;
}

bool record_read(struct record *record) {
  uint8_t length[LENGTH_SIZE];
  size_t got = fread(length, 1, LENGTH_SIZE, stdin);
  if (got == 0 && feof(stdin)) return false;
  if (got < LENGTH_SIZE) fail("the input ends inside a record's length");
  record->len = 0;
  for (size_t i = LENGTH_SIZE; i > 0; i--)
    record->len = record->len << 8 | length[i - 1];
  if (record->len > RECORD_MAX) fail("a record is too long");
  record->bytes = record->len > 0 ? pipe_memory(record->len) : NULL;
  if (record->len > 0 && fread(record->bytes, 1, record->len, stdin) < record->len) {
    fail("the input ends inside a record");
  }
  return true;
}

void record_free(struct record *record) {
  free(record->bytes);
  *record = (struct record){NULL, 0};
}

void json_string(struct wsl_span text) {
  putchar('"');
  for (size_t i = 0; i < text.len; i++) {
    uint8_t byte = (uint8_t)text.at[i];
    if (byte < 0x20 || byte > 0x7E || byte == '"' || byte == '\\') {
      printf("\\u%04x", (unsigned)byte);
    } else {
      putchar(byte);
    }
  }
  putchar('"');
}

void json_hex(const uint8_t *bytes, size_t len) {
  static const char digits[] = "0123456789abcdef";
  putchar('"');
  for (size_t i = 0; i < len; i++) {
    putchar(digits[bytes[i] >> 4]);
    putchar(digits[bytes[i] & 0xF]);
  }
  putchar('"');
}

void json_key(const char *name, bool *first) {
  printf("%s\"%s\":", *first ? "" : ",", name);
  *first = false;
}
