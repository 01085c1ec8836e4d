/* The address that is measured: ws://host[:port][/path][?query], wss://..., tcp://host:port, and
 * ws+unix:/path/to.sock, tcp+unix:/path. Pure.
 */
#ifndef LOADGEN_URL_H
#define LOADGEN_URL_H

#include <stdbool.h>
#include <stdint.h>

#include <wsluice/span.h>

enum url_scheme { URL_WS, URL_WSS, URL_TCP };

#define URL_HOST_MAX   256u /* 253 bytes of a name, and a NUL */
#define URL_TARGET_MAX 2048u

struct url {
  enum url_scheme scheme;
  const char *unix_path; /* behind "unix:", pointing into the text; else NULL */
  char host[URL_HOST_MAX];
  uint16_t port;
  char target[URL_TARGET_MAX];       /* path and query, "/" at least */
  char authority[URL_HOST_MAX + 8u]; /* for Host: brackets round an IPv6 address, the port if it was given */
};

/* Reads `text`, which outlives the url. 0, or WSL_INVALID with a static sentence in *why. */
WSL_MUST_CHECK int url_parse(struct url *url, const char *text, const char **why);

/* An address to listen on or to connect to without a scheme: "host:port" or "unix:/path". Likewise. */
WSL_MUST_CHECK int url_parse_address(struct url *url, const char *text, const char **why);

#endif
