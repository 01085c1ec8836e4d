/* See app/log_choice.h. */
#include "app/log_choice.h"

#include <string.h>
#include <unistd.h>

#include "app/start_message.h"
#include "core/error.h"
#include "core/log.h"
#include "ops/log.h"
#include "ops/syslog_output.h"

#define WHY_MAX           512
#define FLUSH_PATIENCE_MS 500

/* Under the name that it was started by, as other daemons are told apart. 0 with a line in `absent` where the
 * daemon is not there so far. */
static int start_syslog(const struct options *options, struct log_output *output, char absent[WHY_MAX]) {
  enum syslog_daemon daemon;
  char why[WHY_MAX];
  struct syslog_settings settings = {
      .server = options->syslog,
      .name = options->self,
      .protocol = options->legacy_syslog ? SYSLOG_LEGACY : SYSLOG_RFC5424,
      .facility = options->daemon ? SYSLOG_DAEMON : SYSLOG_USER,
  };
  if (options->syslog == NULL) return WSL_OK;
  int error = syslog_output_open(&settings, &daemon, why, sizeof why);
  if (error != WSL_OK)
    start_message("%s", why);
  else if (daemon == SYSLOG_ABSENT)
    memcpy(absent, why, sizeof why);
  output->syslog = error == WSL_OK;
  return error;
}

int log_choice_start(const struct options *options) {
  struct log_output output = {.fd = STDERR_FILENO, .format = options->log_format};
  char why[WHY_MAX], absent[WHY_MAX] = "";
  log_set_level(options->log_level);
  if (options->log_file != NULL && log_file_open(options->log_file, &output, why, sizeof why) != WSL_OK) {
    start_message("%s", why);
    return WSL_IO;
  }
  int error = start_syslog(options, &output, absent);
  if (error != WSL_OK) return error;
  /* In the background standard error ends when all is well: its last lines may not wait in a queue. */
  bool direct = options->daemon && options->log_file == NULL && options->syslog == NULL;
  if (!direct && log_writer_start(&output) != WSL_OK) {
    start_message("not enough memory or threads for the log");
    return WSL_NO_MEMORY;
  }
  if (absent[0] != '\0') log_event(LOG_WARN, 0, "%s", absent);
  return WSL_OK;
}

void log_choice_stop(void) {
  log_writer_stop(FLUSH_PATIENCE_MS);
  syslog_output_close();
}

void log_choice_take_messages(const struct options *options) {
  struct log_output output;
  char why[WHY_MAX];
  if (options->log_file == NULL || log_file_open(options->log_file, &output, why, sizeof why) != WSL_OK)
    return;
  (void)dup2(output.fd, STDERR_FILENO);
  close(output.fd);
}
