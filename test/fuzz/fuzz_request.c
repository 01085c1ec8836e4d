/* fuzz: max_len=2048
 *
 * What a request head means: the same however its lines end and its names are spelt, nothing accepted that
 * the RFCs want refused (counted here line by line), and an answer to an upgrade in which nothing of the
 * client's stands but a token.
 */
#include <stdlib.h>

#include <wsluice/request.h>

#include "fuzz/head_text.h"

#define ANSWER_MAX 4096u

static const char *const subprotocols[] = {"chat", "v2.chat"};
static const struct wsl_subprotocols configurations[] = {{NULL, 0}, {subprotocols, 2}};

/* ---- the same meaning -------------------------------------------------------------------------------- */

static void compare_text(const char *what, struct wsl_span a, struct wsl_span b) {
  fuzz_check(wsl_span_equal(a, b) && (a.at == NULL) == (b.at == NULL), "%s is \"%.*s\" and \"%.*s\"", what,
             (int)a.len, a.at, (int)b.len, b.at);
}

static void compare(const struct wsl_request *a, const struct wsl_request *b) {
  fuzz_check(a->kind == b->kind && a->status == b->status && a->reason == b->reason,
             "kinds %d (%d) and %d (%d)", (int)a->kind, a->status, (int)b->kind, b->status);
  fuzz_check(a->keep_alive == b->keep_alive && a->offer_version == b->offer_version && a->allow == b->allow,
             "what follows the answer");
  compare_text("method", a->method, b->method);
  compare_text("path", a->path, b->path);
  compare_text("query", a->query, b->query);
  compare_text("authority", a->authority, b->authority);
  compare_text("origin", a->origin, b->origin);
  compare_text("user agent", a->user_agent, b->user_agent);
  compare_text("subprotocol", a->subprotocol, b->subprotocol);
  fuzz_check(strcmp(a->accept, b->accept) == 0, "accept is \"%s\" and \"%s\"", a->accept, b->accept);
}

static void check_written_anew(const struct wsl_head *head, const struct wsl_subprotocols *configured,
                               const struct wsl_request *request) {
  static const struct head_style styles[] = {{"\n", ":", true}, {"\r\n", ":  \t", false}};
  for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++) {
    size_t len;
    char *text = head_write(head, &styles[i], &len);
    struct head_read again;
    struct wsl_request same;
    head_read(&again, text, len, &head_limits_default, fuzz_cuts_of(0));
    fuzz_check(again.status == WSL_HEAD_DONE, "written anew it is a head");
    wsl_request_read(&again.head, configured, &same);
    compare(request, &same);
    head_read_free(&again);
    free(text);
  }
}

/* ---- the RFCs' rules, by counting -------------------------------------------------------------------- */

static uint32_t count(const struct wsl_head *head, const char *name, struct wsl_span *value) {
  uint32_t found = 0;
  *value = (struct wsl_span){NULL, 0};
  for (uint32_t i = 0; i < head->fields_count; i++) {
    if (!wsl_span_equal_nocase(wsl_head_name(head, i), wsl_span_of(name))) continue;
    if (found++ == 0) *value = wsl_head_value(head, i);
  }
  return found;
}

/* Whether the bytes of `word` stand anywhere in a line of that name, in any case. */
static bool mentions(const struct wsl_head *head, const char *name, const char *word) {
  size_t len = strlen(word);
  for (uint32_t i = 0; i < head->fields_count; i++) {
    struct wsl_span value = wsl_head_value(head, i);
    if (!wsl_span_equal_nocase(wsl_head_name(head, i), wsl_span_of(name))) continue;
    for (size_t at = 0; at + len <= value.len; at++) {
      if (wsl_span_equal_nocase((struct wsl_span){value.at + at, len}, (struct wsl_span){word, len}))
        return true;
    }
  }
  return false;
}

/* A list of lengths that are all 0; none is one, too. */
static bool says_nothing_but_zero(struct wsl_span lengths) {
  for (size_t i = 0; i < lengths.len; i++) {
    if (strchr("0, \t", lengths.at[i]) == NULL) return false;
  }
  return true;
}

/* Of anything that is not refused. */
static void check_accepted(const struct wsl_head *head, const struct wsl_request *request) {
  struct wsl_span host, codings, lengths;
  uint32_t hosts = count(head, "Host", &host);
  bool codes = count(head, "Transfer-Encoding", &codings) > 0,
       measures = count(head, "Content-Length", &lengths) > 0;
  fuzz_check(hosts == 1 || (hosts == 0 && head->minor_version == 0), "%u Hosts (RFC 9112 3.2)", hosts);
  fuzz_check(!codes || !measures, "two ways to end a body (RFC 9112 6.1)");
  fuzz_check(!codes || (head->minor_version > 0 && mentions(head, "Transfer-Encoding", "chunked")),
             "codings");
  fuzz_check(!request->keep_alive || (!codes && says_nothing_but_zero(lengths)),
             "a body that nobody reads ends the connection");
  fuzz_check(!request->keep_alive || head->minor_version > 0 || mentions(head, "Connection", "keep-alive"),
             "HTTP/1.0 closes");
  bool forms = request->path.len > 0 || wsl_span_equal(request->method, wsl_span_of("CONNECT"));
  fuzz_check(forms, "a path");
}

static void check_upgrade(const struct wsl_head *head, const struct wsl_request *request) {
  struct wsl_span key, version, ignored;
  fuzz_check(wsl_span_equal(request->method, wsl_span_of("GET")) && head->minor_version > 0,
             "RFC 6455 4.2.1, 1");
  fuzz_check(mentions(head, "Upgrade", "websocket") && mentions(head, "Connection", "upgrade"),
             "4.2.1, 3 and 4");
  fuzz_check(count(head, "Sec-WebSocket-Key", &key) == 1 && key.len == 24, "4.2.1, 5");
  fuzz_check(
      count(head, "Sec-WebSocket-Version", &version) == 1 && wsl_span_equal(version, wsl_span_of("13")),
      "4.2.1, 6");
  fuzz_check(count(head, "Origin", &ignored) <= 1, "one Origin (RFC 6454 7.3)");
  fuzz_check(count(head, "Transfer-Encoding", &ignored) == 0, "no body");
  fuzz_check(strlen(request->accept) == WSL_ACCEPT_LEN && request->accept[WSL_ACCEPT_LEN - 1] == '=',
             "accept");
  bool offered = count(head, "Sec-WebSocket-Protocol", &ignored) > 0;
  fuzz_check(request->subprotocol.len == 0 || (offered && wsl_token_valid(request->subprotocol)),
             "subprotocol");
}

static void check_refusal(const struct wsl_request *request) {
  static const uint16_t statuses[] = {400, 405, 426, 501};
  bool known = false;
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
    known = known || statuses[i] == request->status;
  fuzz_check(known && request->reason != NULL && !request->keep_alive, "a refusal with %d", request->status);
  fuzz_check((request->status == 405) == (request->allow != NULL), "405 says what is allowed");
  fuzz_check(request->status != 426 || request->offer_version, "426 says which version");
}

/* ---- the answer -------------------------------------------------------------------------------------- */

static void check_answer(const struct wsl_request *request) {
  char full[ANSWER_MAX];
  size_t len = wsl_upgrade_answer(request, full, sizeof full);
  fuzz_check(len > 0 && len <= 256 + request->subprotocol.len, "an answer of %zu bytes", len);
  struct head_read read; /* as a request, but for its first line */
  size_t first_line = (size_t)((const char *)memchr(full, '\n', len) - full) + 1;
  char request_line[] = "GET / HTTP/1.1\r\n", as_request[sizeof request_line + ANSWER_MAX];
  memcpy(as_request, request_line, sizeof request_line - 1);
  memcpy(as_request + sizeof request_line - 1, full + first_line, len - first_line);
  size_t whole = sizeof request_line - 1 + len - first_line;
  head_read(&read, as_request, whole, &head_limits_default, fuzz_cuts_of(0));
  fuzz_check(read.status == WSL_HEAD_DONE && read.head.head_len == whole, "one head");
  fuzz_check(read.head.fields_count == (request->subprotocol.len > 0 ? 4 : 3), "%u header lines",
             read.head.fields_count);
  head_read_free(&read);
  for (size_t cap = len - 1; cap <= len; cap++) {
    char *exact = fuzz_memory(cap);
    fuzz_check(wsl_upgrade_answer(request, exact, cap) == (cap < len ? 0 : len), "in %zu bytes", cap);
    free(exact);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  const struct wsl_subprotocols *configured = &configurations[fuzz_choice(&input) & 1];
  struct head_read read;
  head_read(&read, input.at, input.len, &head_limits_default, fuzz_cuts_of(0));
  if (read.status == WSL_HEAD_DONE) {
    struct wsl_request request;
    wsl_request_read(&read.head, configured, &request);
    check_written_anew(&read.head, configured, &request);
    if (request.kind == WSL_REQUEST_REFUSED) {
      check_refusal(&request);
    } else {
      check_accepted(&read.head, &request);
    }
    if (request.kind == WSL_REQUEST_UPGRADE) {
      check_upgrade(&read.head, &request);
      check_answer(&request);
    }
  }
  head_read_free(&read);
  return 0;
}
