/* What a program learns about its client: the words of its environment, as CGI (RFC 3875) has them, with what
 * WebSocket adds.
 *
 *   REMOTE_ADDR REMOTE_HOST REMOTE_PORT   the client, as a trusted proxy named it
 *   SERVER_ADDR SERVER_PORT SERVER_NAME   where it came to; SERVER_NAME as it called it
 *   REQUEST_METHOD REQUEST_URI SCRIPT_NAME PATH_INFO QUERY_STRING SERVER_PROTOCOL GATEWAY_INTERFACE
 *   REMOTE_USER                           who has logged in (--auth-plugin), where somebody has
 *   HTTPS=on                              over TLS
 *   SUBPROTOCOL                           the chosen one, where there is one
 *   UNIQUE_ID                             the connection's number in the log
 *   HTTP_...                              each header, its name in capitals with "_" for "-"
 *
 * Left out: Proxy, since HTTP_PROXY means something else to many a program ("httpoxy"), credentials
 * (Authorization, Proxy-Authorization), and names that hold anything but letters, digits and "-", which could
 * pass for others. Of a header that is there twice the first counts. Pure.
 */
#ifndef SERVER_CONNECTION_PROGRAM_WORDS_H
#define SERVER_CONNECTION_PROGRAM_WORDS_H

#include <stdint.h>

#include <wsluice/head.h>
#include <wsluice/request.h>

#include "core/text.h"
#include "net/address.h"

enum program_security { PROGRAM_CLIENT_PLAIN, PROGRAM_CLIENT_OVER_TLS };

/* Who asks, and how; pointers are the caller's. */
struct program_client {
  const struct wsl_head *head; /* complete */
  const struct wsl_request *request;
  const struct address *client;
  const struct address *local; /* AF_UNSPEC: not known */
  const char *user;            /* who has logged in; "": nobody */
  uint64_t id;
  enum program_security security;
};

/* Bytes that the words take at most. */
size_t program_words_room(const struct program_client *client);

/* Appends each word with its NUL. */
void program_words_write(struct text *words, const struct program_client *client);

/* A terminal's size as a query names it (?cols=120&rows=40): a number up to 1000, or 0 where there is none.
 */
uint16_t program_words_size(struct wsl_span query, const char *name);

#endif
