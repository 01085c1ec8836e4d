/* What --version says; see versions.h. */
#include "app/versions.h"

#include <hiredis/hiredis.h>
#include <jansson.h>
#include <mbedtls/version.h>
#include <uv.h>
#ifdef WSLUICE_HAVE_CARES
#include <ares.h>
#define RESOLVER "c-ares", ares_version(NULL)
#else
#define RESOLVER "resolver", "getaddrinfo"
#endif

void versions_print(FILE *out) {
  char mbedtls[16];
  mbedtls_version_get_string(mbedtls);
  const char *const resolver[] = {RESOLVER};
  fprintf(out, "wsluice %s (libuv %s, %s %s, mbedTLS %s, jansson %s, hiredis %d.%d.%d)\n", WSLUICE_VERSION,
          uv_version_string(), resolver[0], resolver[1], mbedtls, jansson_version_str(), HIREDIS_MAJOR,
          HIREDIS_MINOR, HIREDIS_PATCH);
  if (versions_shortcoming() != NULL) fprintf(out, "%s\n", versions_shortcoming());
}

const char *versions_shortcoming(void) {
#if MBEDTLS_VERSION_MAJOR < 3
  return "built with mbedTLS 2.28: TLS 1.2 only (TLS 1.3 needs mbedTLS 3.6)";
#else
  return NULL;
#endif
}
