/* Reading the address that is measured (url.h). */
#include "loadgen/url.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/parse.h"

#define PORT_WS  80u
#define PORT_WSS 443u

static const struct scheme {
  const char *prefix;
  enum url_scheme scheme;
  bool is_unix;
  uint16_t port; /* where none is given; 0: one must be */
} schemes[] = {
    {"ws://", URL_WS, false, PORT_WS}, {"wss://", URL_WSS, false, PORT_WSS}, {"tcp://", URL_TCP, false, 0},
    {"ws+unix:", URL_WS, true, 0},     {"tcp+unix:", URL_TCP, true, 0},
};

static const struct scheme *find_scheme(const char *text) {
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (strncmp(text, schemes[i].prefix, strlen(schemes[i].prefix)) == 0) return &schemes[i];
  return NULL;
}

static int invalid(const char **why, const char *sentence) {
  *why = sentence;
  return WSL_INVALID;
}

/* What goes into the request line must be one word of printable characters, and ends before a '#'. */
static int read_target(struct url *url, const char *text, const char **why) {
  size_t len = strcspn(text, "#");
  if (text[len] == '#') return invalid(why, "a WebSocket URL has no fragment (#)");
  if (len + 2 > sizeof url->target) return invalid(why, "the path is too long");
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f)
      return invalid(why, "blanks and special characters in a URL must be percent-encoded");
  (void)snprintf(url->target, sizeof url->target, "%s%s", text[0] == '/' ? "" : "/", text);
  return WSL_OK;
}

/* "host", "host:port", "[::1]", "[::1]:port". */
static int read_authority(struct url *url, const char *text, size_t len, uint16_t default_port,
                          const char **why) {
  char authority[sizeof url->authority];
  if (len == 0) return invalid(why, "the host is missing");
  if (len >= sizeof authority) return invalid(why, "the host is too long");
  memcpy(authority, text, len);
  authority[len] = '\0';
  if (strchr(authority, '@') != NULL)
    return invalid(why, "a user name in the URL is not supported: use --header");
  memcpy(url->authority, authority, len + 1);
  const char *last_colon = strrchr(authority, ':');
  const char *bracket = strrchr(authority, ']');
  bool has_port = last_colon != NULL && (bracket == NULL || bracket < last_colon);
  if (has_port)
    return parse_endpoint(authority, PARSE_HOST_REQUIRED, url->host, sizeof url->host, &url->port, why);
  if (default_port == 0) return invalid(why, "the port is missing");
  char with_port[sizeof authority + 8u];
  (void)snprintf(with_port, sizeof with_port, "%s:%u", authority, default_port);
  return parse_endpoint(with_port, PARSE_HOST_REQUIRED, url->host, sizeof url->host, &url->port, why);
}

static int read_unix(struct url *url, const char *path, const char **why) {
  if (path[0] != '/') return invalid(why, "the path of a Unix socket must be absolute");
  url->unix_path = path;
  (void)snprintf(url->authority, sizeof url->authority, "localhost");
  return WSL_OK;
}

int url_parse(struct url *url, const char *text, const char **why) {
  *url = (struct url){.target = "/"};
  const struct scheme *scheme = find_scheme(text);
  if (scheme == NULL) return invalid(why, "not a ws://, wss://, tcp://, ws+unix: or tcp+unix: URL");
  url->scheme = scheme->scheme;
  const char *rest = text + strlen(scheme->prefix);
  if (scheme->is_unix) return read_unix(url, rest, why);
  size_t authority_len = strcspn(rest, "/?#");
  int error = read_authority(url, rest, authority_len, scheme->port, why);
  if (error != WSL_OK) return error;
  return read_target(url, rest + authority_len, why);
}

int url_parse_address(struct url *url, const char *text, const char **why) {
  static const char unix_prefix[] = "unix:";
  *url = (struct url){.scheme = URL_TCP, .target = "/"};
  if (strncmp(text, unix_prefix, sizeof unix_prefix - 1) == 0)
    return read_unix(url, text + sizeof unix_prefix - 1, why);
  return parse_endpoint(text, PARSE_HOST_REQUIRED, url->host, sizeof url->host, &url->port, why);
}
