/* Options about proxies in front of us and behind us: who tells whom which client it is. */
#include <string.h>

#include "app/option/groups.h"

static const char *check(struct options *o) {
  if (o->exec == NULL || o->server.send_proxy == SEND_PROXY_NONE) return NULL;
  return "--send-proxy is for targets on a network: a program finds the client in its environment";
}

static void fill(struct options *o) {
  o->server.accept_proxy = (struct networks){o->balancers, o->accept_proxy.count};
  o->server.trust_forwarded = (struct networks){o->proxies, o->trust_forwarded.count};
  if (o->server.send_proxy != SEND_PROXY_NONE) o->server.dial_contexts = true;
}

static int check_send_proxy(struct options *options, const char *value, const char **why) {
  bool v1 = strcmp(value, "v1") == 0;
  *why = "must be v1 or v2";
  if (!v1 && strcmp(value, "v2") != 0) return WSL_INVALID;
  options->server.send_proxy = v1 ? SEND_PROXY_V1 : SEND_PROXY_V2;
  return WSL_OK;
}

/* The place of a list's next value. */
static int check_network(struct network *values, size_t count, const char *value, const char **why) {
  struct network network;
  if (!network_parse_peer(wsl_span_of(value), &network, why)) return WSL_INVALID;
  if (count < OPTIONS_LIST_MAX) values[count] = network;
  return WSL_OK;
}

static int check_accept_proxy(struct options *options, const char *value, const char **why) {
  return check_network(options->balancers, options->accept_proxy.count, value, why);
}

static int check_trust_forwarded(struct options *options, const char *value, const char **why) {
  return check_network(options->proxies, options->trust_forwarded.count, value, why);
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Proxies and load balancers"),
  {OPTION_CUSTOM, "send-proxy", 0, "VERSION", 0, 0, 0, check_send_proxy,
   "send the client's address to the target in a PROXY\n"
   "protocol header, v1 or v2 [none]"},
  {OPTION_LIST, "accept-proxy", 0, "NETWORK", FIELD(accept_proxy), 0, 0, check_accept_proxy,
   "load balancers that must send a PROXY header:\n"
   "10.0.0.0/8, 2001:db8::7, unix; repeatable [none]"},
  {OPTION_LIST, "trust-forwarded", 0, "NETWORK", FIELD(trust_forwarded), 0, 0, check_trust_forwarded,
   "proxies whose X-Forwarded-For and Forwarded headers\n"
   "are believed; repeatable [none]"},
};
/* clang-format on */

const struct option_group option_group_proxies = {specs, sizeof specs / sizeof specs[0], check, fill};
