/* A worker's lookups over HTTP (route/token/api.h).
 *
 *   waiting --a place is free--> asking --2xx--> a target --> FOUND
 *                                  | ^  \--4xx--> UNKNOWN
 *                                  v |   \--else--> a log line, FAILED
 *                                redirect
 *
 * At most LOOKUPS_AT_ONCE are at the server, the others wait in line: a thousand clients at once must not be
 * a thousand connections to it. Each question has a connection of its own, and no two clients share an answer
 * but where the server has allowed it (Cache-Control): a token may be good for one use only.
 *
 * Redirects are followed on the same host and port, or from http to https there, and never back: neither the
 * token nor the credentials go where the operator has not sent them, such as to another service of the host.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/list.h"
#include "core/log.h"
#include "core/text.h"
#include "route/token/api.h"
#include "route/token/http_get.h"
#include "route/token/trouble.h"

#define LOOKUPS_AT_ONCE 64u
#define REDIRECTS_MAX   3u

/* What bounds a lookup is whoever asked; this only keeps a dial from going on for ever. */
#define DIAL_TIMEOUT_MS 3600000u

#define SECOND_MS     1000u
#define KEEP_MAX_S    3600u /* the cache's own bound is lower */
#define TOO_MANY      429u  /* RFC 6585 4 */
#define TIMED_OUT     408u
#define NO_CONTENT    204u
#define URL_SHOWN_MAX 512u

struct api_client {
  struct token_client client; /* first: it is one */
  const struct api_source *source;
  struct token_means means;
  struct list waiting; /* lookups */
  size_t asking;
  bool is_starting; /* lookups that fail at once must not start others from inside */
};

struct lookup {
  struct list node; /* in line */
  struct api_client *client;
  struct token_lookup *asked;
  bool is_asking;
  unsigned redirects;
  char *text; /* the URL it is at */
  struct url url;
  struct target target;
  char host[TARGET_HOST_MAX + sizeof("[]:65535")]; /* for the log */
  struct http_get get;
};

static struct api_client *of(struct token_client *client) {
  return (struct api_client *)(void *)client;
}

static void start_waiting(struct api_client *client);

static void free_lookup(struct lookup *lookup) {
  struct api_client *client = lookup->client;
  http_get_free(&lookup->get);
  list_remove(&lookup->node);
  if (lookup->is_asking) client->asking--;
  free(lookup->text);
  free(lookup);
}

static void answer(struct lookup *lookup, const struct token_answer *result) {
  struct api_client *client = lookup->client;
  struct token_lookup *asked = lookup->asked;
  asked->work = NULL;
  free_lookup(lookup);
  asked->done(asked, result);
  start_waiting(client);
}

static void answer_without(struct lookup *lookup, enum route_outcome outcome) {
  answer(lookup, &(struct token_answer){.outcome = outcome});
}

static void fail(struct lookup *lookup, const char *reason) {
  char shown[256];
  log_event(LOG_WARN, lookup->asked->question.id, "token lookup failed url=\"%s\" reason=\"%s\"",
            lookup->client->source->shown, log_escape(wsl_span_of(reason), shown, sizeof(shown)));
  answer_without(lookup, ROUTE_FAILED);
}

/* ---- the question ---- */

/* The head of the GET; NULL without memory. */
static char *make_request(const struct lookup *lookup, size_t *len) {
  const struct api_source *source = lookup->client->source;
  const struct url *url = &lookup->url;
  size_t cap = url->target.len + url->authority.len + strlen(source->accept) + 256;
  if (source->authorization != NULL) cap += strlen(source->authorization);
  char *request = malloc(cap);
  if (request == NULL) return NULL;
  struct text text;
  text_init(&text, request, cap);
  bool is_rooted = url->target.len > 0 && url->target.at[0] == '/';
  text_string(&text, is_rooted ? "GET " : "GET /");
  text_span(&text, url->target);
  text_string(&text, " HTTP/1.1\r\nHost: ");
  text_span(&text, url->authority);
  text_format(&text,
              "\r\nUser-Agent: wsluice\r\nAccept: %s\r\nAccept-Encoding: identity\r\nConnection: close\r\n",
              source->accept);
  if (source->authorization != NULL) text_format(&text, "Authorization: %s\r\n", source->authorization);
  text_string(&text, "\r\n");
  *len = text.len;
  return request;
}

static void on_got(struct http_get *get, int error, const char *why);

/* Asks at lookup->url. */
static void ask_there(struct lookup *lookup) {
  const struct token_means *means = &lookup->client->means;
  bool is_tls = lookup->url.scheme == URL_HTTPS;
  snprintf(lookup->host, sizeof(lookup->host), "%s:%u", lookup->url.host, (unsigned)lookup->url.port);
  lookup->target = (struct target){
      .host = lookup->url.host,
      .port = lookup->url.port,
      .text = lookup->host,
      .origin = TARGET_FIXED,
  };
  size_t len = 0;
  char *request = make_request(lookup, &len);
  if (request == NULL) {
    answer_without(lookup, ROUTE_BUSY);
    return;
  }
  http_get_start(&lookup->get, is_tls ? means->tls_dialer : means->dialer, &lookup->target, request, len,
                 DIAL_TIMEOUT_MS, on_got);
}

static void begin(struct lookup *lookup) {
  const struct url_template *template = &lookup->client->source->url;
  struct wsl_span token = lookup->asked->question.token;
  lookup->is_asking = true;
  lookup->client->asking++;
  lookup->text = malloc(url_template_room(template, token.len));
  if (lookup->text == NULL) {
    answer_without(lookup, ROUTE_BUSY);
    return;
  }
  struct wsl_span text = {lookup->text, url_template_fill(template, token, lookup->text)};
  const char *why = url_read(text, &lookup->url);
  if (why == NULL)
    ask_there(lookup);
  else
    fail(lookup, why);
}

static void start_waiting(struct api_client *client) {
  if (client->is_starting) return;
  client->is_starting = true;
  while (client->asking < LOOKUPS_AT_ONCE && !list_empty(&client->waiting)) {
    struct list *node = list_take_first(&client->waiting);
    begin(LIST_ENTRY(node, struct lookup, node));
  }
  client->is_starting = false;
}

/* ---- the answer ---- */

static bool is_redirect(unsigned status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Why a redirect is not followed, or NULL. */
static const char *redirect_fault(const struct lookup *lookup, const struct url *next) {
  const struct url *here = &lookup->url;
  if (!wsl_span_equal_nocase(wsl_span_of(here->host), wsl_span_of(next->host)))
    return "a redirect to another host, which is not followed: name that host in --token-source";
  if (here->scheme == URL_HTTPS && next->scheme == URL_HTTP)
    return "a redirect from https to http, which is not followed";
  if (here->scheme == next->scheme && here->port != next->port)
    return "a redirect to another port, which is not followed: name that port in --token-source";
  if (next->scheme == URL_HTTPS && lookup->client->means.tls_dialer == NULL)
    return "a redirect to https, which is not followed: write https in --token-source";
  return NULL;
}

static void redirect(struct lookup *lookup) {
  const struct http_answer *got = &lookup->get.answer;
  struct wsl_span location = {got->location, got->location_len};
  struct url next = {0};
  if (location.len == 0 || ++lookup->redirects > REDIRECTS_MAX) {
    fail(lookup, location.len == 0 ? "a redirect to nowhere" : "too many redirects");
    return;
  }
  size_t cap = lookup->url.authority.len + lookup->url.target.len + location.len + sizeof("https://x");
  char *text = malloc(cap);
  if (text == NULL) {
    answer_without(lookup, ROUTE_BUSY);
    return;
  }
  size_t len = url_resolve(&lookup->url, location, text, cap);
  const char *why = url_read((struct wsl_span){text, len}, &next);
  if (why == NULL) why = redirect_fault(lookup, &next);
  http_get_free(&lookup->get);
  free(lookup->text);
  lookup->text = text;
  lookup->url = next;
  if (why == NULL)
    ask_there(lookup);
  else
    fail(lookup, why);
}

static void read_target(struct lookup *lookup) {
  const struct http_get *get = &lookup->get;
  struct token_answer result = {.outcome = ROUTE_FOUND};
  struct wsl_span body = blob_view(&get->body);
  uint32_t fresh_s = get->answer.fresh_s;
  result.keep_ms = SECOND_MS * (fresh_s < KEEP_MAX_S ? fresh_s : KEEP_MAX_S);
  const char *why = NULL;
  int error = lookup->client->source->read(body, TARGET_LOOKED_UP, &result.target, &why);
  if (error == WSL_INVALID)
    fail(lookup, why);
  else if (error != 0)
    answer_without(lookup, ROUTE_BUSY);
  else
    answer(lookup, &result);
}

/* A status that is neither a target nor "unknown". */
static void fail_with_status(struct lookup *lookup, unsigned status) {
  char reason[32];
  snprintf(reason, sizeof(reason), "status %u", status);
  fail(lookup, reason);
}

/* There is no answer. Want of our own is no fault of the server's. */
static void fail_without(struct lookup *lookup, int error, const char *why) {
  enum route_outcome outcome = token_trouble_outcome(error);
  if (outcome == ROUTE_BUSY)
    answer_without(lookup, ROUTE_BUSY);
  else
    fail(lookup, why);
}

static void on_got(struct http_get *get, int error, const char *why) {
  struct lookup *lookup = LIST_ENTRY(get, struct lookup, get);
  unsigned status = get->answer.status;
  if (error != 0) {
    fail_without(lookup, error, why);
  } else if (is_redirect(status)) {
    redirect(lookup);
  } else if (status == NO_CONTENT ||
             (status >= 400 && status < 500 && status != TOO_MANY && status != TIMED_OUT)) {
    log_event(LOG_DEBUG, lookup->asked->question.id, "token lookup found nothing url=\"%s\" status=%u",
              lookup->client->source->shown, status);
    answer_without(lookup, ROUTE_UNKNOWN);
  } else if (status < 300) {
    read_target(lookup);
  } else {
    fail_with_status(lookup, status);
  }
}

/* ---- the client ---- */

static struct token_client *open_client(struct token_source *source, const struct token_means *means) {
  struct api_client *client = calloc(1, sizeof(*client));
  if (client == NULL) return NULL;
  client->client.ops = &token_api_client_ops;
  client->source = (const struct api_source *)(const void *)source;
  client->means = *means;
  list_init(&client->waiting);
  return &client->client;
}

static void close_client(struct token_client *client) {
  free(of(client));
}

static void ask(struct token_client *base, struct token_lookup *asked) {
  struct api_client *client = of(base);
  struct lookup *lookup = calloc(1, sizeof(*lookup));
  if (lookup == NULL) {
    asked->done(asked, &(struct token_answer){.outcome = ROUTE_BUSY});
    return;
  }
  lookup->client = client;
  lookup->asked = asked;
  asked->work = lookup;
  list_append(&client->waiting, &lookup->node);
  start_waiting(client);
}

/* What it was waiting for. */
static const char *stage_of(const struct lookup *lookup) {
  if (!lookup->is_asking) return "other lookups";
  return lookup->get.stream == NULL ? "a connection" : "the answer";
}

/* The time was over, or the client has left: whoever looks for the cause of a 504 finds it here. */
static void cancel(struct token_client *base, struct token_lookup *asked) {
  struct lookup *lookup = asked->work;
  log_event(LOG_INFO, asked->question.id, "token lookup given up url=\"%s\" waited_for=\"%s\"",
            of(base)->source->shown, stage_of(lookup));
  asked->work = NULL;
  free_lookup(lookup);
  start_waiting(of(base));
}

const struct token_client_ops token_api_client_ops = {
    .open = open_client,
    .close = close_client,
    .ask = ask,
    .cancel = cancel,
};
