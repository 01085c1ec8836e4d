/* The client's half of the opening handshake (handshake.h). */
#include "loadgen/handshake.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <wsluice/base64.h>
#include <wsluice/request.h>

#include "core/error.h"
#include "core/hash.h"
#include "core/text.h"

#define KEY_BYTES 16u                                    /* RFC 6455 4.1 */
#define KEY_TEXT  25u                                    /* in base64, with a NUL */
#define GUID      "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 1.3 */
#define SHOWN_MAX 80u                                    /* bytes of the server's words in a message */

static void write_base64(const uint8_t *bytes, size_t len, char *out) {
  wsl_base64_encode((uint8_t *)out, bytes, len);
  out[wsl_base64_len(len)] = '\0';
}

static int make_key(struct handshake *handshake, char key[KEY_TEXT]) {
  uint8_t bytes[KEY_BYTES];
  uint8_t digest[SHA1_SIZE];
  char joined[KEY_TEXT + sizeof GUID];
  int error = random_bytes(bytes, sizeof bytes);
  if (error != WSL_OK) return error;
  write_base64(bytes, sizeof bytes, key);
  int len = snprintf(joined, sizeof joined, "%s%s", key, GUID);
  error = hash_sha1(joined, (size_t)len, digest);
  if (error == WSL_OK) write_base64(digest, sizeof digest, handshake->accept);
  return error;
}

static void write_request(struct text *text, const struct handshake_wishes *wishes, const char *key) {
  text_format(text, "GET %s HTTP/1.1\r\nHost: %s\r\n", wishes->target, wishes->authority);
  text_format(text, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
  text_format(text, "Sec-WebSocket-Key: %s\r\n", key);
  if (wishes->subprotocol != NULL) text_format(text, "Sec-WebSocket-Protocol: %s\r\n", wishes->subprotocol);
  if (wishes->origin != NULL) text_format(text, "Origin: %s\r\n", wishes->origin);
  for (size_t i = 0; i < wishes->headers_count; i++)
    text_format(text, "%s\r\n", wishes->headers[i]);
  text_string(text, "\r\n");
}

int handshake_init(struct handshake *handshake, const struct handshake_wishes *wishes) {
  char key[KEY_TEXT];
  *handshake = (struct handshake){.subprotocol = wishes->subprotocol};
  int error = make_key(handshake, key);
  if (error != WSL_OK) return error;
  handshake->request = malloc(HANDSHAKE_REQUEST_MAX);
  if (handshake->request == NULL) return WSL_NO_MEMORY;
  struct text text;
  text_init(&text, handshake->request, HANDSHAKE_REQUEST_MAX);
  write_request(&text, wishes, key);
  handshake->request_len = text.len;
  return text.overflow ? WSL_INVALID : WSL_OK;
}

void handshake_destroy(struct handshake *handshake) {
  free(handshake->request);
  handshake->request = NULL;
}

static bool same_word(struct wsl_span a, const char *word) {
  return a.len == strlen(word) && strncasecmp(a.at, word, a.len) == 0;
}

static struct wsl_span trim(struct wsl_span text) {
  while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
    text.at++, text.len--;
  while (text.len > 0 && strchr(" \t\r", text.at[text.len - 1]) != NULL)
    text.len--;
  return text;
}

/* The next line of *rest, without its end; false at the empty one. */
static bool next_line(struct wsl_span *rest, struct wsl_span *line) {
  const char *end = memchr(rest->at, '\n', rest->len);
  if (end == NULL) return false;
  *line = (struct wsl_span){rest->at, (size_t)(end - rest->at)};
  if (line->len > 0 && line->at[line->len - 1] == '\r') line->len--;
  rest->len -= (size_t)(end + 1 - rest->at);
  rest->at = end + 1;
  return line->len > 0;
}

/* Whether a comma-separated list holds `word`, in any case. */
static bool list_has(struct wsl_span list, const char *word) {
  struct wsl_span element;
  while (wsl_list_next(&list, &element))
    if (same_word(element, word)) return true;
  return false;
}

/* Whether a list as the user wrote it holds the server's word, exactly. */
static bool offered(const char *list, struct wsl_span word) {
  struct wsl_span rest = wsl_span_of(list);
  struct wsl_span element;
  while (wsl_list_next(&rest, &element))
    if (wsl_span_equal(element, word)) return true;
  return false;
}

/* What an answer's lines say of that which matters. */
struct answer {
  bool upgrade, connection, accept;
  struct wsl_span subprotocol, extensions;
};

static void read_field(const struct handshake *handshake, struct wsl_span line, struct answer *answer) {
  const char *colon = memchr(line.at, ':', line.len);
  if (colon == NULL) return;
  struct wsl_span name = {line.at, (size_t)(colon - line.at)};
  struct wsl_span value = trim((struct wsl_span){colon + 1, line.len - name.len - 1});
  if (same_word(name, "Upgrade")) answer->upgrade = list_has(value, "websocket");
  if (same_word(name, "Connection") && list_has(value, "upgrade")) answer->connection = true;
  if (same_word(name, "Sec-WebSocket-Accept"))
    answer->accept = wsl_span_equal(value, wsl_span_of(handshake->accept));
  if (same_word(name, "Sec-WebSocket-Protocol")) answer->subprotocol = value;
  if (same_word(name, "Sec-WebSocket-Extensions")) answer->extensions = value;
}

/* What breaks RFC 6455 4.1 in a 101, or NULL. */
static const char *judge(const struct handshake *handshake, const struct answer *answer) {
  if (!answer->upgrade) return "its 101 lacks \"Upgrade: websocket\"";
  if (!answer->connection) return "its 101 lacks \"Connection: Upgrade\"";
  if (!answer->accept) return "its Sec-WebSocket-Accept is missing or does not fit the key";
  if (answer->extensions.len > 0) return "it agreed to an extension that was not offered";
  if (answer->subprotocol.len == 0) return NULL;
  if (handshake->subprotocol == NULL) return "it chose a subprotocol though none was offered";
  if (!offered(handshake->subprotocol, answer->subprotocol))
    return "it chose a subprotocol that was not offered";
  return NULL;
}

/* A server's words, made fit for a terminal. */
static void show(char *out, size_t cap, struct wsl_span words) {
  size_t len = words.len < cap - 1 ? words.len : cap - 1;
  for (size_t i = 0; i < len; i++)
    out[i] = words.at[i] >= ' ' && words.at[i] < 0x7f ? words.at[i] : '.';
  out[len] = '\0';
}

/* "HTTP/1.1 101 ..."; returns the status, or 0. */
static unsigned read_status(struct wsl_span line) {
  static const char version[] = "HTTP/1.";
  size_t at = sizeof version - 1;
  if (line.len < at + 5 || memcmp(line.at, version, at) != 0 || line.at[at + 1] != ' ') return 0;
  unsigned status = 0;
  for (size_t i = at + 2; i < at + 5; i++) {
    if (line.at[i] < '0' || line.at[i] > '9') return 0;
    status = status * 10 + (unsigned)(line.at[i] - '0');
  }
  return status;
}

static enum handshake_outcome refuse(const char *lead, struct wsl_span words, char why[HANDSHAKE_WHY_MAX]) {
  char shown[SHOWN_MAX];
  show(shown, sizeof shown, words);
  (void)snprintf(why, HANDSHAKE_WHY_MAX, "%s%s", lead, shown);
  return HANDSHAKE_REFUSED;
}

/* Length of the head with its empty line; 0 while it is not whole. */
static size_t find_end(const char *text, size_t len) {
  for (size_t i = 0; i + 1 < len; i++) {
    if (text[i] != '\n') continue;
    if (text[i + 1] == '\n') return i + 2;
    if (i + 2 < len && text[i + 1] == '\r' && text[i + 2] == '\n') return i + 3;
  }
  return 0;
}

enum handshake_outcome handshake_read(const struct handshake *handshake, const char *text, size_t len,
                                      size_t *head_len, char why[HANDSHAKE_WHY_MAX]) {
  static const struct wsl_span none = {NULL, 0};
  if (len >= 4 && memcmp(text, "HTTP", 4) != 0)
    return refuse("the server does not speak HTTP: ", (struct wsl_span){text, len}, why);
  *head_len = find_end(text, len);
  if (*head_len == 0)
    return len < HANDSHAKE_ANSWER_MAX ? HANDSHAKE_MORE : refuse("the answer's head is too long", none, why);
  struct wsl_span rest = {text, *head_len};
  struct wsl_span line;
  struct answer answer = {0};
  if (!next_line(&rest, &line)) return refuse("the answer has no status line", none, why);
  unsigned status = read_status(line);
  if (status == 0) return refuse("the answer's status line makes no sense: ", line, why);
  static const size_t status_at = sizeof "HTTP/1.1";
  struct wsl_span words = {line.at + status_at, line.len - status_at};
  if (status != 101) return refuse("the server refused the upgrade: ", words, why);
  while (next_line(&rest, &line))
    read_field(handshake, line, &answer);
  const char *wrong = judge(handshake, &answer);
  return wrong == NULL ? HANDSHAKE_DONE
                       : refuse("the server's answer is no WebSocket handshake: ", wsl_span_of(wrong), why);
}
