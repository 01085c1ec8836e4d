/* The 101 read back, line by line, as a client does (opening_head.h). */
#include <assert.h>
#include <stdlib.h>

#include "fault.h"
#include "opening_draft.h"
#include "opening_head.h"

#define ANSWER_MAX 512u
#define LINES_MAX  8u

/* Which lines an answer has. */
struct lines {
  unsigned upgrade, connection, accept, protocol, others;
};

/* Takes what is before the next CRLF off the front. */
static struct wsl_span take_line(struct wsl_span *rest) {
  const char *end = rest->len >= 2 ? memchr(rest->at, '\n', rest->len) : NULL;
  sim_check(end != NULL && end > rest->at && end[-1] == '\r',
            "opening: the answer's lines don't end in CRLF");
  struct wsl_span line = {rest->at, (size_t)(end - 1 - rest->at)};
  rest->len -= line.len + 2;
  rest->at = end + 1;
  return line;
}

/* Whether the line is the field `name`, and then whether its value is right. */
static bool is_field(struct wsl_span line, const char *name, struct wsl_span value) {
  size_t len = strlen(name);
  if (line.len < len + 2 || memcmp(line.at, name, len) != 0 || memcmp(line.at + len, ": ", 2) != 0)
    return false;
  struct wsl_span said = {line.at + len + 2, line.len - len - 2};
  sim_check(wsl_span_equal(said, value), "opening: the answer's %s is \"%s\"", name, shown(said));
  return true;
}

static void count_line(struct wsl_span line, const struct meaning *meaning, struct lines *lines) {
  if (is_field(line, "Upgrade", wsl_span_of("websocket")))
    lines->upgrade++;
  else if (is_field(line, "Connection", wsl_span_of("Upgrade")))
    lines->connection++;
  else if (is_field(line, "Sec-WebSocket-Accept", wsl_span_of(meaning->accept)))
    lines->accept++;
  else if (is_field(line, "Sec-WebSocket-Protocol", meaning->subprotocol))
    lines->protocol++;
  else
    lines->others++;
}

static void read_answer(struct wsl_span answer, const struct meaning *meaning) {
  struct lines lines = {0};
  struct wsl_span line = take_line(&answer), status = wsl_span_of("HTTP/1.1 101 ");
  sim_check(line.len > status.len && memcmp(line.at, status.at, status.len) == 0,
            "opening: the answer is no 101");
  while ((line = take_line(&answer)).len > 0)
    count_line(line, meaning, &lines);
  sim_check(answer.len == 0, "opening: %zu bytes behind the answer's end", answer.len);
  bool chosen = meaning->subprotocol.len > 0;
  sim_check(lines.upgrade == 1 && lines.connection == 1 && lines.accept == 1 && lines.protocol == chosen &&
                lines.others == 0,
            "opening: the answer does not have the lines that it needs, once each");
}

void opening_answer(const struct wsl_request *request, const struct draft *draft,
                    struct random_source *random) {
  char answer[ANSWER_MAX];
  size_t len = wsl_upgrade_answer(request, answer, sizeof(answer));
  sim_check(len > 0 && len <= sizeof(answer), "opening: an answer has %zu bytes", len);
  read_answer((struct wsl_span){answer, len}, &draft->meaning);
  if (!one_in(random, 4)) return;
  size_t cap = one_in(random, 2) ? len : between(random, 0, len - 1);
  char *tight = malloc(cap + (cap == 0));
  assert(tight != NULL);
  size_t tight_len = wsl_upgrade_answer(request, tight, cap);
  sim_check(tight_len == (cap == len ? len : 0), "opening: an answer of %zu bytes has %zu in room for %zu",
            len, tight_len, cap);
  sim_check(tight_len == 0 || memcmp(tight, answer, len) == 0,
            "opening: an answer changes with the room for it");
  free(tight);
}
