/* Request heads as browsers send them: read alone, and with what they mean (Sec-WebSocket-Accept's SHA-1
 * included).
 *
 * Anchors of others: picohttpparser reads a browser's head in some 0.3 us; at most 1 us is wanted here.
 */
#include <stdlib.h>
#include <string.h>

#include <wsluice/request.h>

#include "micro.h"

#define FIELDS_MAX 64u

static const char chromium[] =
    "GET /websockify?token=desk-17 HTTP/1.1\r\n"
    "Host: desktop.example.org:6080\r\n"
    "Connection: Upgrade\r\n"
    "Pragma: no-cache\r\n"
    "Cache-Control: no-cache\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
    "Safari/537.36\r\n"
    "Upgrade: websocket\r\n"
    "Origin: https://desktop.example.org:6080\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en-US;q=0.9,en;q=0.8,de;q=0.7\r\n"
    "Cookie: session=9f8e7d6c5b4a39281706f5e4d3c2b1a0; theme=dark; layout=wide; lang=en\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    "Sec-WebSocket-Protocol: binary\r\n"
    "\r\n";

static const char firefox[] =
    "GET /websockify HTTP/1.1\r\n"
    "Host: desktop.example.org:6080\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: */*\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Origin: https://desktop.example.org:6080\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "DNT: 1\r\n"
    "Connection: keep-alive, Upgrade\r\n"
    "Sec-Fetch-Dest: empty\r\n"
    "Sec-Fetch-Mode: websocket\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Pragma: no-cache\r\n"
    "Cache-Control: no-cache\r\n"
    "Upgrade: websocket\r\n"
    "\r\n";

static const char plain[] =
    "GET / HTTP/1.1\r\n"
    "Host: 127.0.0.1:6080\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "\r\n";

static void read_head(const struct micro_case *measured, struct wsl_head *head,
                      struct wsl_head_field *fields) {
  static const struct wsl_head_limits limits = {16384, 65536, FIELDS_MAX};
  wsl_head_init(head, &limits, fields);
  if (wsl_head_feed(head, measured->context, measured->size) != WSL_HEAD_DONE) abort();
}

static double run_read(const struct micro_case *measured, uint64_t count) {
  struct wsl_head head;
  struct wsl_head_field fields[FIELDS_MAX];
  double start = micro_now();
  for (uint64_t i = 0; i < count; i++) {
    read_head(measured, &head, fields);
    micro_keep(head.fields_count);
  }
  return micro_now() - start;
}

static double run_understand(const struct micro_case *measured, uint64_t count) {
  static const struct wsl_subprotocols none = {NULL, 0};
  struct wsl_head head;
  struct wsl_head_field fields[FIELDS_MAX];
  struct wsl_request request = {.kind = WSL_REQUEST_PLAIN};
  char answer[512];
  double start = micro_now();
  for (uint64_t i = 0; i < count; i++) {
    read_head(measured, &head, fields);
    wsl_request_read(&head, &none, &request);
    micro_keep(wsl_upgrade_answer(&request, answer, sizeof(answer)));
  }
  double took = micro_now() - start;
  if (request.kind != WSL_REQUEST_UPGRADE) abort();
  return took;
}

static void add_heads(struct micro_plan *plan, const char *group, micro_run *run) {
  static const struct {
    const char *who, *text;
  } heads[] = {{"Chromium", chromium}, {"Firefox", firefox}, {"a program", plain}};
  for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
    size_t len = strlen(heads[i].text);
    struct micro_case *added = micro_add(plan, group, "%s, %zu B", heads[i].who, len);
    added->run = run;
    added->context = heads[i].text;
    added->size = len;
    added->bytes_per_item = (double)len;
  }
}

void bench_head(struct micro_plan *plan) {
  add_heads(plan, "request heads, read", run_read);
  add_heads(plan, "request heads, read, judged, answered", run_understand);
}
