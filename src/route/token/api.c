/* websockify's BaseTokenAPI and JSONTokenApi (route/token/kind.h): the source is a URL with a %s, which is
 * asked for each token, and answers with "host:port", or with JSON (route/token/json.h).
 *
 * Here is what is known at the start: the URL and what of it may be logged, the credentials in it, the
 * certificates to trust.
 */
#include "route/token/api.h"

#include <stdio.h>
#include <stdlib.h>

#include <wsluice/base64.h>

#include "codec/http/percent.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/text.h"
#include "route/token/json.h"
#include "route/token/kinds.h"
#include "route/token/target.h"

static const char basic[] = "Basic ";

/* What stands for the token, and for a query, in logs. */
#define TOKEN_SHOWN "***"

static const char *check(const char *argument) {
  char *text = malloc(strlen(argument) + 1);
  struct url_template url;
  const char *why = text == NULL ? NULL : url_template_read(argument, text, &url);
  free(text);
  return why;
}

/* ---- what logs may show ---- */

/* Scheme, host and path: credentials are secrets, and keys stand in queries. */
static int make_shown(struct api_source *source, const struct url *url) {
  const struct url_template *template = &source->url;
  const char *mark = template->text + template->mark;
  const char *query = memchr(url->target.at, '?', url->target.len);
  const char *end = query == NULL ? url->target.at + url->target.len : query;
  size_t cap = 4 * template->len + sizeof("https://") + 2 * sizeof(TOKEN_SHOWN); /* "\xNN" each */
  char *shown = malloc(cap), *raw = malloc(cap);
  if (shown == NULL || raw == NULL) goto fail;
  struct text text;
  text_init(&text, raw, cap);
  text_string(&text, url->scheme == URL_HTTPS ? "https://" : "http://");
  text_span(&text, url->authority);
  const char *cut = mark < end ? mark : end;
  text_span(&text, (struct wsl_span){url->target.at, (size_t)(cut - url->target.at)});
  if (mark <= end) {
    text_string(&text, TOKEN_SHOWN);
    text_span(&text, (struct wsl_span){cut, (size_t)(end - cut)});
  }
  if (query != NULL) text_string(&text, "?" TOKEN_SHOWN);
  source->shown = log_escape(text_view(&text), shown, cap);
  free(raw);
  return 0;

fail:
  free(shown);
  free(raw);
  return WSL_NO_MEMORY;
}

/* ---- credentials ---- */

/* RFC 7617: user and password, decoded, joined by a colon. */
static int make_authorization(struct api_source *source, struct wsl_span userinfo) {
  if (userinfo.at == NULL) return 0;
  size_t room = userinfo.len + 1; /* of a colon, where there is none */
  char *pair = malloc(room), *value = malloc(sizeof(basic) + wsl_base64_len(room));
  if (pair == NULL || value == NULL) {
    free(pair);
    free(value);
    return WSL_NO_MEMORY;
  }
  size_t len = percent_decode(userinfo, pair), basic_len = sizeof(basic) - 1;
  if (memchr(userinfo.at, ':', userinfo.len) == NULL) pair[len++] = ':';
  memcpy(value, basic, basic_len);
  wsl_base64_encode((uint8_t *)value + basic_len, (const uint8_t *)pair, len);
  value[basic_len + wsl_base64_len(len)] = '\0';
  free(pair);
  source->authorization = value;
  return 0;
}

/* ---- the source ---- */

static void close_source(struct token_source *base) {
  struct api_source *source = (struct api_source *)(void *)base;
  tls_context_drop(base->tls);
  free(source->authorization);
  free((char *)(uintptr_t)source->shown);
  free(source->url.text);
  free(source);
}

static int refuse(const char *reason, int error, char *why, size_t why_cap) {
  snprintf(why, why_cap, "can't look tokens up (--token-source): %s", reason);
  return error;
}

/* Which certificates to trust; what is wrong with them stands in `why`, or what is worth a warning. */
static int make_tls(struct api_source *source, const struct url *url,
                    const struct token_source_options *options, char *why, size_t why_cap) {
  char reason[256] = "";
  if (url->scheme == URL_HTTP) return 0;
  int error = tls_context_new_client(&source->source.tls, &options->lookup_tls, reason, sizeof(reason));
  if (error != 0) return refuse(reason, error, why, why_cap);
  if (reason[0] != '\0') log_event(LOG_WARN, 0, "%s", reason);
  return 0;
}

static int set_up(struct api_source *source, const struct token_source_options *options, char *why,
                  size_t why_cap) {
  struct url url;
  source->url.text = malloc(strlen(options->argument) + 1);
  if (source->url.text == NULL) return refuse(error_text(WSL_NO_MEMORY), WSL_NO_MEMORY, why, why_cap);
  const char *fault = url_template_read(options->argument, source->url.text, &source->url);
  if (fault == NULL) fault = url_read((struct wsl_span){source->url.text, source->url.len}, &url);
  if (fault != NULL) return refuse(fault, WSL_INVALID, why, why_cap);
  int error = make_shown(source, &url);
  if (error == 0) error = make_authorization(source, url.userinfo);
  if (error != 0) return refuse(error_text(error), error, why, why_cap);
  return make_tls(source, &url, options, why, why_cap);
}

static int open_source(struct token_source **result, const struct api_source *like,
                       const struct token_source_options *options, char *why, size_t why_cap) {
  struct api_source *source = malloc(sizeof(*source));
  if (source == NULL) return refuse(error_text(WSL_NO_MEMORY), WSL_NO_MEMORY, why, why_cap);
  *source = *like;
  int error = set_up(source, options, why, why_cap);
  if (error == 0)
    *result = &source->source;
  else
    close_source(&source->source);
  return error;
}

static int open_plain(struct token_source **result, const struct token_source_options *options, char *why,
                      size_t why_cap) {
  static const struct api_source plain = {.accept = "text/plain, */*;q=0.1", .read = token_target_read};
  return open_source(result, &plain, options, why, why_cap);
}

static int open_json(struct token_source **result, const struct token_source_options *options, char *why,
                     size_t why_cap) {
  static const struct api_source json = {.accept = "application/json, */*;q=0.1", .read = token_json_read};
  return open_source(result, &json, options, why, why_cap);
}

const struct token_kind token_kind_api = {
    .name = "BaseTokenAPI",
    .check = check,
    .open = open_plain,
    .close = close_source,
    .client = &token_api_client_ops,
};

const struct token_kind token_kind_json_api = {
    .name = "JSONTokenApi",
    .check = check,
    .open = open_json,
    .close = close_source,
    .client = &token_api_client_ops,
};
