/* Whom a dial is for (struct dial_context of net/dialer.h): made once a session, and only where the settings
 * ask for it, while the bytes of the upgrade's request are here.
 */
#include <stdlib.h>

#include "server/connection_internal.h"

bool connection_make_context(struct connection *c, const struct wsl_request *request) {
  (void)request;
  if (!c->domain->settings->dial_contexts) return true;
  c->context = calloc(1, sizeof(*c->context));
  if (c->context == NULL) return false;
  c->context->client = *connection_client(c);
  if (transport_local_address(c->client, &c->context->local) != WSL_OK)
    c->context->local = (struct address){.storage.ss_family = AF_UNSPEC};
  return true;
}
