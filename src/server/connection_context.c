/* Whom a dial is for (struct dial_context of net/dialer.h): made once a session, and only where the settings
 * ask for it, while the bytes of the upgrade's request are here.
 */
#include <assert.h>
#include <stdlib.h>

#include "server/connection_internal.h"
#include "server/program_words.h"

/* Who asks for a program. */
static struct program_client describe(struct connection *c, const struct wsl_request *request,
                                      const struct address *local) {
  return (struct program_client){
      .head = &c->head,
      .request = request,
      .client = connection_client(c),
      .local = local,
      .id = c->id,
      .security = c->security == CONNECTION_PLAIN ? PROGRAM_CLIENT_PLAIN : PROGRAM_CLIENT_OVER_TLS,
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
  if (transport_local_address(c->client, &local) != WSL_OK)
    local = (struct address){.storage.ss_family = AF_UNSPEC};
  struct program_client client = describe(c, request, &local);
  size_t room = settings->target.program == NULL ? 0 : program_words_room(&client);
  c->context = calloc(1, sizeof(*c->context) + room);
  if (c->context == NULL) return false;
  c->context->client = *client.client;
  c->context->local = local;
  c->context->id = c->id;
  if (room > 0) write_words(c->context, room, &client);
  return true;
}
