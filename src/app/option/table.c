/* The table of options, from its areas; see table.h. Defaults that are not 0 are set by options.c. */
#include "app/option/table.h"

#include <assert.h>

#include "app/option/groups.h"
#include "app/option/rules.h"

static const struct option_group *const groups[] = {
    &option_group_listen,  &option_group_targets, &option_group_tls,     &option_group_files,
    &option_group_access,  &option_group_auth,    &option_group_tokens,  &option_group_allowed,
    &option_group_exec,    &option_group_wrap,    &option_group_frames,  &option_group_proxies,
    &option_group_streams, &option_group_running, &option_group_sockets, &option_group_log,
    &option_group_legacy,  &option_group_general,
};
#define GROUPS (sizeof groups / sizeof groups[0])

size_t option_count(void) {
  size_t count = 0;
  for (size_t g = 0; g < GROUPS; g++)
    count += groups[g]->count;
  return count;
}

const struct option_spec *option_at(size_t index) {
  const struct option_group *const *group = groups;
  for (; index >= (*group)->count; group++)
    index -= (*group)->count;
  return &(*group)->specs[index];
}

size_t option_index(const struct option_spec *spec) {
  size_t index = 0;
  while (option_at(index) != spec)
    index++;
  return index;
}

const char *options_check(struct options *options) {
  for (size_t g = 0; g < GROUPS; g++) {
    const char *fault = groups[g]->check == NULL ? NULL : groups[g]->check(options);
    if (fault != NULL) return fault;
  }
  return NULL;
}

void options_fill(struct options *options) {
  for (size_t g = 0; g < GROUPS; g++) {
    if (groups[g]->fill != NULL) groups[g]->fill(options);
  }
}
