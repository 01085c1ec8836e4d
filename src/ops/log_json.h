/* JSON strings and fields out of the text of a log line (RFC 8259), into a bounded line that stays valid
 * wherever it has to be cut.
 */
#ifndef OPS_LOG_JSON_H
#define OPS_LOG_JSON_H

#include <stddef.h>

#include <wsluice/span.h>

struct json_line {
  char *at;
  size_t len;
  size_t cap; /* without the reserve for a string's cut mark and the line's end */
};

/* Begins an object in at[0..cap); cap is at least 64. */
void json_line_begin(struct json_line *json, char *at, size_t cap);

/* Adds a string field whose value needs no escaping. `key` likewise. */
void json_line_plain(struct json_line *json, const char *key, const char *value);

/* Adds "event" and the fields that `text` holds: words, then key=value pairs. Escapes that log_escape()
 * made are undone, bytes that are UTF-8 become the characters they stand for, written as \uNNNN; any
 * other byte stays visible as its \xNN. Values without quotes that look like numbers are numbers, and so is
 * duration=1.234s, of seconds. What does not fit is cut: a string ends with "...", further fields are left
 * out. */
void json_line_text(struct json_line *json, const char *text);

/* Ends the object and the line; returns its length. */
size_t json_line_end(struct json_line *json);

#endif
