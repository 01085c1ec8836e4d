/* Whom a dial is for (struct dial_context of net/dialer.h): made once a session, and only where the settings
 * ask for it, while the bytes of the upgrade's request are here.
 */
#include <assert.h>
#include <stdlib.h>

#include "codec/text/proxy_protocol.h"
#include "server/connection/internal.h"
#include "server/connection/program_words.h"
#include "server/connection/proxy_address.h"

static_assert(DIAL_PREFACE_MAX >= PROXY_ENCODED_MAX, "a PROXY header fits");

/* A balancer in front knows better than the socket which address it was. */
static void find_local(const struct connection *c, struct address *local) {
  if (c->chain != NULL && c->chain->local.len > 0)
    *local = c->chain->local;
  else if (transport_local_address(c->client, local) != WSL_OK)
    *local = (struct address){.storage.ss_family = AF_UNSPEC};
}

static void write_preface(struct dial_context *context, enum send_proxy version) {
  if (version == SEND_PROXY_NONE) return;
  struct proxy_header header = proxy_header_of(&context->client, &context->local);
  enum proxy_version wanted = version == SEND_PROXY_V1 ? PROXY_V1 : PROXY_V2;
  context->preface_len = proxy_encode(wanted, &header, context->preface);
}

/* Who asks for a program. */
static struct program_client describe(struct connection *c, const struct wsl_request *request,
                                      const struct address *local) {
  return (struct program_client){
      .head = &c->head,
      .request = request,
      .client = connection_client(c),
      .local = local,
      .user = c->pass == NULL ? "" : c->pass->user,
      .id = c->id,
      .security = connection_is_secure(c) ? PROGRAM_CLIENT_OVER_TLS : PROGRAM_CLIENT_PLAIN,
  };
}

static void write_words(struct dial_context *context, size_t room, const struct program_client *client) {
  struct text words;
  text_init(&words, context->words, room);
  program_words_write(&words, client);
  assert(!words.overflow);
  context->words_len = words.len;
  context->columns = program_words_size(client->request->query, "cols");
  context->rows = program_words_size(client->request->query, "rows");
}

bool connection_make_context(struct connection *c, const struct wsl_request *request) {
  const struct server_settings *settings = c->domain->settings;
  if (!settings->dial_contexts) return true;
  struct address local;
  find_local(c, &local);
  struct program_client client = describe(c, request, &local);
  size_t room = settings->target.program == NULL ? 0 : program_words_room(&client);
  c->context = calloc(1, sizeof(*c->context) + room);
  if (c->context == NULL) return false;
  c->context->client = *client.client;
  c->context->local = local;
  c->context->id = c->id;
  if (room > 0) write_words(c->context, room, &client);
  write_preface(c->context, settings->send_proxy);
  return true;
}
