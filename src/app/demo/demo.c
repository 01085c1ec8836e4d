/* See app/demo/demo.h. */
#include "app/demo/demo.h"

#include <stdio.h>
#include <string.h>

#include "app/demo/service.h"
#include "app/start_message.h"
#include "core/error.h"
#include "core/log.h"

extern const struct asset demo_assets[]; /* generated from src/app/demo by cmake/EmbedAssets.cmake */

static int start_service(struct demo *demo, struct server_settings *settings) {
  uint16_t port;
  int error = demo_service_start(&demo->service, &port);
  if (error != WSL_OK) {
    start_message("can't start the demo's service: %s", error_text(error));
    return error;
  }
  settings->target = (struct target){
      .host = "127.0.0.1", .port = port, .text = "the demo's line service", .origin = TARGET_FIXED};
  settings->assets = demo_assets;
  return WSL_OK;
}

/* The demo speaks wss as well, with a certificate of its own where none is given. It is not worth failing
 * for. */
static void certify(struct demo *demo, struct tls_settings *tls) {
  if (tls->service != TLS_SERVICE_NONE) return;
  if (demo_certificate_make(&demo->certificate) != WSL_OK) {
    log_event(LOG_WARN, 0, "no certificate could be made for the demo: ws:// and http:// only");
    return;
  }
  tls->service = TLS_SERVICE_MIXED;
  tls->server.cert_path = demo->certificate.cert_path;
  tls->server.key_path = demo->certificate.key_path;
}

int demo_start(struct demo *demo, struct server_settings *settings) {
  int error = start_service(demo, settings);
  if (error == WSL_OK) certify(demo, &settings->tls);
  return error;
}

void demo_invite(const struct demo *demo, const char *listen_host, unsigned port, const char *self) {
  const char *host = listen_host[0] != '\0' ? listen_host : "localhost";
  const char *open = strchr(host, ':') != NULL ? "[" : "", *close = open[0] != '\0' ? "]" : "";
  printf(
      "\n  wsluice demo: open http://%s%s%s:%u/ and type to a TCP service.\n"
      "  Before a service of your own:  %s %u host:port\n",
      open, host, close, port, self, port);
  if (demo->certificate.folder[0] != '\0')
    printf(
        "\n  With TLS: https://%s%s%s:%u/ on the same port. Its certificate was made just now, so a browser\n"
        "  warns of it: go on from there, or have it trusted as an authority until the demo ends:\n"
        "  %s   (curl: --cacert)\n",
        open, host, close, port, demo->certificate.cert_path);
  printf("\n");
  fflush(stdout);
}

void demo_stop(struct demo *demo) {
  demo_service_stop(demo->service);
  demo->service = NULL;
  demo_certificate_remove(&demo->certificate);
}
