/* What the two files of the HTTP lookups share (api.c: the source; api_client.c: a worker's
 * questions to it); nobody else includes it.
 */
#ifndef ROUTE_TOKEN_API_H
#define ROUTE_TOKEN_API_H

#include "codec/http/url_template.h"
#include "route/token/kind.h"

struct api_source {
  struct token_source source; /* first: it is one */
  struct url_template url;
  char *authorization; /* value of the header, or NULL */
  const char *shown;   /* the URL for logs: without what is secret in it */
  const char *accept;  /* value of the header */
  /* A body to a target, as token_target_read(). */
  int (*read)(struct wsl_span text, enum target_origin origin, struct target **target, const char **why);
};

extern const struct token_client_ops token_api_client_ops;

#endif
