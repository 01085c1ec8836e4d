/* See codec/http/answer.h.
 *
 *   STATUS -> FIELD ... -> LENGTH | UNTIL_END | CHUNK_SIZE -> CHUNK -> CHUNK_END -> CHUNK_SIZE ... -> TRAILER
 *
 * Lines are gathered here since they may come in pieces; the body passes through as it lies.
 */
#include "codec/http/answer.h"

#include <wsluice/request.h>

#include "codec/chars.h"
#include "core/parse.h"

enum state { STATUS, FIELD, LENGTH, UNTIL_END, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILER };

/* Of a number that can't overflow 64 bits. */
#define HEX_DIGITS_MAX 15u

/* RFC 9111 1.2.2: more counts as this. */
#define SECONDS_MAX 2147483648u

/* "HTTP/1.x 200" */
#define STATUS_LINE_MIN 12u

void http_answer_init(struct http_answer *answer) {
  memset(answer, 0, offsetof(struct http_answer, line));
  answer->state = STATUS;
}

static enum http_answer_event bad(struct http_answer *a, const char *why) {
  a->why = why;
  return HTTP_ANSWER_BAD;
}

/* ---- values ---- */

/* A number of seconds; what is none is 0 (RFC 9111 4.2.1: stale). */
static uint32_t read_seconds(struct wsl_span text) {
  uint64_t value = 0;
  if (!parse_digits(text, UINT64_MAX, &value)) return 0;
  return value > SECONDS_MAX ? SECONDS_MAX : (uint32_t)value;
}

/* ---- fields that matter ---- */

static const char *read_length(struct http_answer *a, struct wsl_span value) {
  uint64_t length = 0;
  if (!parse_digits(value, UINT64_MAX, &length)) return "an invalid Content-Length";
  if (a->has_length && a->left != length) return "two Content-Lengths";
  a->has_length = true;
  a->left = length;
  return NULL;
}

static const char *read_coding(struct http_answer *a, struct wsl_span value) {
  if (a->is_chunked || !wsl_span_equal_nocase(value, wsl_span_of("chunked")))
    return "a Transfer-Encoding other than chunked";
  a->is_chunked = true;
  return NULL;
}

static const char *read_encoding(struct http_answer *a, struct wsl_span value) {
  (void)a;
  return wsl_span_equal_nocase(value, wsl_span_of("identity")) ? NULL : "a body that is compressed";
}

static const char *read_location(struct http_answer *a, struct wsl_span value) {
  if (a->has_location) return "two Locations";
  a->has_location = true;
  memcpy(a->location, value.at, value.len);
  a->location_len = value.len;
  return NULL;
}

static const char *read_age(struct http_answer *a, struct wsl_span value) {
  a->age_s = read_seconds(value);
  return NULL;
}

/* One directive, such as max-age=5 (RFC 9111 5.2.2). We are a shared cache. */
static void read_directive(struct http_answer *a, struct wsl_span directive) {
  static const char *const forbidding[] = {"no-store", "no-cache", "private", "must-understand"};
  const char *equals = memchr(directive.at, '=', directive.len);
  size_t name_len = equals == NULL ? directive.len : (size_t)(equals - directive.at);
  struct wsl_span name = {directive.at, name_len}, value = {NULL, 0};
  if (equals != NULL) value = (struct wsl_span){equals + 1, directive.len - name_len - 1};
  for (size_t i = 0; i < sizeof(forbidding) / sizeof(forbidding[0]); i++)
    a->no_store = a->no_store || wsl_span_equal_nocase(name, wsl_span_of(forbidding[i]));
  bool is_max_age = wsl_span_equal_nocase(name, wsl_span_of("max-age")) ||
                    wsl_span_equal_nocase(name, wsl_span_of("s-maxage"));
  if (!is_max_age) return;
  uint32_t seconds = read_seconds(value);
  a->max_age_s = !a->has_max_age || seconds < a->max_age_s ? seconds : a->max_age_s;
  a->has_max_age = true;
}

static const char *read_cache_control(struct http_answer *a, struct wsl_span value) {
  struct wsl_span directive;
  while (wsl_list_next(&value, &directive))
    read_directive(a, directive);
  return NULL;
}

static const struct field {
  const char *name;
  const char *(*read)(struct http_answer *, struct wsl_span value);
} fields[] = {
    {"Content-Length", read_length},
    {"Transfer-Encoding", read_coding},
    {"Content-Encoding", read_encoding},
    {"Location", read_location},
    {"Age", read_age},
    {"Cache-Control", read_cache_control},
};

static enum http_answer_event read_field(struct http_answer *a, struct wsl_span line, bool is_whole) {
  const char *colon = memchr(line.at, ':', line.len);
  if (char_is_blank(line.at[0])) return bad(a, "a folded line in the head");
  if (colon == NULL || !wsl_token_valid((struct wsl_span){line.at, (size_t)(colon - line.at)}))
    return is_whole ? bad(a, "a malformed header line") : HTTP_ANSWER_MORE;
  struct wsl_span name = {line.at, (size_t)(colon - line.at)};
  struct wsl_span value = trim_blanks((struct wsl_span){colon + 1, line.len - name.len - 1});
  for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
    if (!wsl_span_equal_nocase(name, wsl_span_of(fields[i].name))) continue;
    if (!is_whole) return bad(a, "a field of the head that is too long");
    const char *why = fields[i].read(a, value);
    return why == NULL ? HTTP_ANSWER_MORE : bad(a, why);
  }
  return HTTP_ANSWER_MORE;
}

/* ---- lines ---- */

static enum http_answer_event read_status(struct http_answer *a, struct wsl_span line) {
  static const char version[] = "HTTP/1.";
  size_t at = sizeof(version) - 1;
  if (line.len < STATUS_LINE_MIN || memcmp(line.at, version, at) != 0 || !char_is_digit(line.at[at]) ||
      line.at[at + 1] != ' ')
    return bad(a, "not an answer of HTTP/1");
  uint64_t status = 0;
  bool ends = line.len == STATUS_LINE_MIN || line.at[STATUS_LINE_MIN] == ' ';
  if (!parse_digits((struct wsl_span){line.at + at + 2, 3}, UINT16_MAX, &status) || status < 100 || !ends)
    return bad(a, "an invalid status");
  if (status == 101) return bad(a, "another protocol (status 101)");
  a->status = (uint16_t)status;
  a->state = FIELD;
  return HTTP_ANSWER_MORE;
}

/* The head is over: how the body is framed (RFC 9112 6.3). */
static enum http_answer_event end_head(struct http_answer *a) {
  if (a->status < 200) {
    uint32_t head_len = a->head_len;
    http_answer_init(a);
    a->head_len = head_len;
    return HTTP_ANSWER_MORE;
  }
  uint32_t stale_s = a->no_store ? 0 : a->max_age_s;
  a->fresh_s = stale_s > a->age_s ? stale_s - a->age_s : 0;
  if (a->status == 204 || a->status == 304) return HTTP_ANSWER_DONE;
  if (a->is_chunked && a->has_length) return bad(a, "both Content-Length and Transfer-Encoding");
  if (a->has_length && a->left > HTTP_ANSWER_BODY_MAX) return bad(a, "a body that is too long");
  a->state = UNTIL_END;
  if (a->is_chunked) a->state = CHUNK_SIZE;
  if (a->has_length) a->state = LENGTH;
  return a->has_length && a->left == 0 ? HTTP_ANSWER_DONE : HTTP_ANSWER_MORE;
}

/* "1a;extension" */
static enum http_answer_event read_chunk_size(struct http_answer *a, struct wsl_span line) {
  uint64_t size = 0;
  size_t digits = 0;
  for (; digits < line.len && parse_hex_digit(line.at[digits]) >= 0; digits++) {
    if (digits == HEX_DIGITS_MAX) return bad(a, "a chunk that is too long");
    size = 16 * size + (uint64_t)parse_hex_digit(line.at[digits]);
  }
  struct wsl_span rest = trim_blanks((struct wsl_span){line.at + digits, line.len - digits});
  if (digits == 0 || (rest.len > 0 && rest.at[0] != ';')) return bad(a, "a chunk without its size");
  if (size > HTTP_ANSWER_BODY_MAX - a->body_len) return bad(a, "a body that is too long");
  a->left = size;
  a->state = size == 0 ? TRAILER : CHUNK;
  return HTTP_ANSWER_MORE;
}

/* A line without its end; !is_whole: the front of one that is longer than its buffer. */
static enum http_answer_event read_line(struct http_answer *a, struct wsl_span line, bool is_whole) {
  switch ((enum state)a->state) {
    case STATUS:
      return read_status(a, line);
    case FIELD:
      return line.len == 0 ? end_head(a) : read_field(a, line, is_whole);
    case CHUNK_SIZE:
      return read_chunk_size(a, line);
    case CHUNK_END:
      a->state = CHUNK_SIZE;
      return line.len == 0 ? HTTP_ANSWER_MORE : bad(a, "a chunk longer than its size");
    case TRAILER:
      return line.len == 0 ? HTTP_ANSWER_DONE : HTTP_ANSWER_MORE;
    case LENGTH:
    case UNTIL_END:
    case CHUNK:
      break;
  }
  return bad(a, "no line is awaited here");
}

static bool is_line_state(const struct http_answer *a) {
  return a->state != LENGTH && a->state != UNTIL_END && a->state != CHUNK;
}

static enum http_answer_event end_line(struct http_answer *a) {
  bool is_whole = a->line_len <= HTTP_ANSWER_LINE_MAX;
  size_t len = is_whole ? a->line_len : HTTP_ANSWER_LINE_MAX;
  if (is_whole && len > 0 && a->line[len - 1] == '\r') len--;
  a->line_len = 0;
  if (memchr(a->line, '\r', len) != NULL) return bad(a, "a carriage return inside a line");
  return read_line(a, (struct wsl_span){a->line, len}, is_whole);
}

static enum http_answer_event take_line_byte(struct http_answer *a, char byte) {
  if (++a->head_len > HTTP_ANSWER_HEAD_MAX) return bad(a, "a head that is too long");
  if (byte == '\n') return end_line(a);
  if (char_is_control(byte) && byte != '\t' && byte != '\r') return bad(a, "a control character in the head");
  if (a->line_len < HTTP_ANSWER_LINE_MAX) a->line[a->line_len] = byte;
  a->line_len++;
  return HTTP_ANSWER_MORE;
}

/* ---- the body ---- */

static enum http_answer_event take_body(struct http_answer *a, struct wsl_span bytes, size_t *taken) {
  bool is_bounded = a->state != UNTIL_END;
  *taken = is_bounded && a->left < bytes.len ? (size_t)a->left : bytes.len;
  if (*taken > HTTP_ANSWER_BODY_MAX - a->body_len) return bad(a, "a body that is too long");
  a->body_len += (uint32_t)*taken;
  if (!is_bounded) return HTTP_ANSWER_MORE;
  a->left -= *taken;
  if (a->left > 0) return HTTP_ANSWER_MORE;
  if (a->state == LENGTH) return HTTP_ANSWER_DONE;
  a->state = CHUNK_END;
  return HTTP_ANSWER_MORE;
}

struct http_answer_piece http_answer_feed(struct http_answer *a, const char *bytes, size_t len) {
  struct http_answer_piece piece = {.event = HTTP_ANSWER_MORE};
  while (piece.event == HTTP_ANSWER_MORE && piece.consumed < len && is_line_state(a))
    piece.event = take_line_byte(a, bytes[piece.consumed++]);
  if (piece.event != HTTP_ANSWER_MORE || piece.consumed == len) return piece;
  struct wsl_span rest = {bytes + piece.consumed, len - piece.consumed};
  size_t taken = 0;
  piece.event = take_body(a, rest, &taken);
  if (piece.event == HTTP_ANSWER_BAD) return piece;
  piece.body = (struct wsl_span){rest.at, taken};
  piece.consumed += taken;
  return piece;
}

enum http_answer_event http_answer_end(struct http_answer *a) {
  if (a->state == UNTIL_END) return HTTP_ANSWER_DONE;
  return bad(a, a->head_len == 0 ? "the connection ended without an answer"
                                 : "the connection ended inside the answer");
}
