/* See app/option/groups.h. */
#include "app/option/groups.h"
#include "net/address.h"

int option_check_unix_path(struct options *options, const char *value, const char **why) {
  (void)options;
  struct address address;
  *why = "the path of a Unix socket has 1 to 107 bytes";
  return address_unix(value, &address);
}

int option_check_not_empty(struct options *options, const char *value, const char **why) {
  (void)options;
  *why = "must not be empty";
  return value[0] == '\0' ? WSL_INVALID : WSL_OK;
}
