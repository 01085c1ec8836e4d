/* Writing of response heads (server/response.h). */
#include "server/response.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>

#include "core/text.h"

static const struct {
  uint16_t status;
  const char *phrase;
} phrases[] = {
    {200, "OK"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {412, "Precondition Failed"},
    {414, "URI Too Long"},
    {416, "Range Not Satisfiable"},
    {421, "Misdirected Request"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *response_phrase(uint16_t status) {
  for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
    if (phrases[i].status == status) return phrases[i].phrase;
  }
  assert(false && "a status that we never send");
  return "Error";
}

const char *response_clock_date(struct response_clock *clock) {
  time_t now = time(NULL);
  if (now != clock->second || clock->date[0] == '\0') {
    http_date_write(now, clock->date);
    clock->second = now;
  }
  return clock->date;
}

static void put_field(struct text *head, const char *name, const char *value) {
  if (value != NULL) text_format(head, "%s: %s\r\n", name, value);
}

static void put_connection(struct text *head, const struct response *r) {
  const char *option = r->connection == RESPONSE_KEEP ? "keep-alive" : "close";
  if (r->upgrade == RESPONSE_PLAIN) {
    put_field(head, "Connection", option);
    return;
  }
  /* RFC 9110 7.8: a sender of Upgrade lists it in Connection; RFC 6455 4.4: the version we speak. */
  put_field(head, "Upgrade", "websocket");
  text_format(head, "Connection: Upgrade, %s\r\n", option);
  put_field(head, "Sec-WebSocket-Version", "13");
}

/* RFC 9110 15.3.7, 15.5.17; a 304 repeats what a 200 would have said of the validators (15.4.5). */
static void put_file(struct text *head, const struct response *r) {
  const struct response_file *f = r->file;
  if (r->status == 206) {
    unsigned long long first = f->first, last = f->first + r->content_length - 1, size = f->size;
    text_format(head, "Content-Range: bytes %llu-%llu/%llu\r\n", first, last, size);
  }
  if (r->status == 416) text_format(head, "Content-Range: bytes */%llu\r\n", (unsigned long long)f->size);
  if (f->compressed && r->status != 416) put_field(head, "Content-Encoding", "gzip");
  if (f->varies) put_field(head, "Vary", "Accept-Encoding");
  put_field(head, "Accept-Ranges", "bytes");
  put_field(head, "ETag", f->tag);
  put_field(head, "Last-Modified", f->last_modified);
}

size_t response_head(const struct response *r, const char *date, char *out, size_t cap) {
  struct text head;
  text_init(&head, out, cap);
  text_format(&head, "HTTP/1.1 %u %s\r\nDate: %s\r\n", (unsigned)r->status, response_phrase(r->status), date);
  put_field(&head, "Content-Type", r->content_type);
  text_format(&head, "Content-Length: %llu\r\n", (unsigned long long)r->content_length);
  put_connection(&head, r);
  put_field(&head, "Allow", r->allow);
  put_field(&head, "Location", r->location);
  put_field(&head, "WWW-Authenticate", r->www_authenticate);
  put_field(&head, "Set-Cookie", r->set_cookie);
  put_field(&head, "Cache-Control", r->cache_control);
  if (r->file != NULL) put_file(&head, r);
  if (r->retry_after_s != 0) text_format(&head, "Retry-After: %u\r\n", r->retry_after_s);
  /* A page may load what we know no type of as a script: recordings for noVNC have a number as their ending.
   */
  if (!r->type_unknown) text_string(&head, "X-Content-Type-Options: nosniff\r\n");
  text_string(&head, "\r\n");
  assert(!head.overflow);
  return head.len;
}
