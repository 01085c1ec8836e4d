/* See net/socket_tuning.h: what is the same on every system. */
#include "net/socket_tuning.h"

const struct socket_tuning socket_tuning_default = {
    .keepalive_idle_s = KEEPALIVE_IDLE_S,
    .keepalive_interval_s = KEEPALIVE_INTERVAL_S,
    .keepalive_probes = KEEPALIVE_PROBES,
};
