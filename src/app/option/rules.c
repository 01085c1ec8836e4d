/* See app/option/rules.h. What areas mean alone stands with their rows (groups.h). */
#include "app/option/rules.h"

#include <assert.h>

const char *options_own_target(const struct options *o) {
  if (o->demo) return "--demo";
  if (o->exec != NULL) return "--exec";
  if (o->unix_target != NULL) return "--unix-target";
  if (o->target_config != NULL) return "--target-config";
  if (o->target_from != NULL) return "--target-from";
  if (o->server.token_kind != NULL) return "--token-plugin";
  return o->wrapped != NULL ? OPTIONS_WRAPPED : NULL;
}

void options_note(struct options *options, const char *sentence) {
  assert(options->notes_count < OPTIONS_NOTES_MAX);
  options->notes[options->notes_count++] = sentence;
}
