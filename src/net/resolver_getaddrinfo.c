/* Names by the system's getaddrinfo in libuv's thread pool (resolver_library.h), for builds without
 * c-ares. Knows all that the system knows (nsswitch); but a name server that does not answer holds a
 * thread of the pool until it gives up.
 */
#include "net/resolver_library.h"

#if !defined(WSLUICE_HAVE_CARES)

#include <netdb.h>
#include <stdlib.h>

#include "core/error.h"

struct resolver {
  uv_loop_t *loop;
};

struct resolver *resolver_open(uv_loop_t *loop) {
  struct resolver *resolver = calloc(1, sizeof *resolver);
  if (resolver != NULL) resolver->loop = loop;
  return resolver;
}

/* Cancelled requests know nothing of the resolver. */
void resolver_close(struct resolver *resolver) {
  free(resolver);
}

static int error_of(int status) {
  switch (status) {
    case 0:
      return WSL_OK;
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
    case UV_EAI_ADDRFAMILY:
    case UV_EINVAL: /* no name at all: libuv's IDNA step refuses it */
    case UV_ENAMETOOLONG:
      return WSL_NAME_UNKNOWN;
    case UV_EAI_MEMORY:
    case UV_ENOMEM:
      return WSL_NO_MEMORY;
    default:
      return WSL_NAME_FAILED;
  }
}

static void on_answer(uv_getaddrinfo_t *call, int status, struct addrinfo *list) {
  struct resolver_found found = {.count = {0, 0}};
  for (const struct addrinfo *node = list; node != NULL; node = node->ai_next)
    resolver_found_add(&found, node->ai_addr, node->ai_addrlen);
  if (list != NULL) uv_freeaddrinfo(list);
  resolver_answer(call->data, error_of(status), &found);
}

void resolver_library_ask(struct resolver *resolver, struct resolver_request *request, const char *host) {
  const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  request->call.data = request;
  int status = uv_getaddrinfo(resolver->loop, &request->call, on_answer, host, NULL, &hints);
  if (status != 0) resolver_answer(request, error_of(status), NULL);
}

/* Takes it out of the pool's queue; what a thread has begun goes on. */
void resolver_library_cancel(struct resolver_request *request) {
  (void)uv_cancel((uv_req_t *)&request->call);
}

#endif
