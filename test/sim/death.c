/* See death.h. */
#include "death.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int death_file(void) {
  FILE *file = tmpfile();
  if (file != NULL) return fileno(file); /* open for as long as we live */
  perror("sim: no file for what dying processes say");
  exit(EXIT_FAILURE);
}

void death_expect(int file) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  dup2(file, STDERR_FILENO);
}

/* The rest of the line from `at` on. */
static void copy_line(char fault[SIM_FAULT_MAX], const char *at) {
  size_t len = strcspn(at, "\n");
  if (len >= SIM_FAULT_MAX) len = SIM_FAULT_MAX - 1;
  memcpy(fault, at, len);
  fault[len] = '\0';
}

/* glibc's: "program: /path/file.c:12: function: Assertion `...' failed." The path is of no interest. */
static const char *start_of_assertion(const char *text, const char *mark) {
  const char *start = mark;
  while (start > text && start[-1] != '\n' && start[-1] != '/')
    start--;
  return start;
}

/* The line of stderr that tells most, or false. */
static bool find_telling_line(char fault[SIM_FAULT_MAX], const char *text) {
  const char *assertion = strstr(text, "Assertion `");
  if (assertion != NULL) {
    copy_line(fault, start_of_assertion(text, assertion));
    return true;
  }
  static const char *const marks[] = {"runtime error: ", "SUMMARY: ", "ERROR: "};
  for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
    const char *at = strstr(text, marks[i]);
    if (at == NULL) continue;
    copy_line(fault, at);
    return true;
  }
  return false;
}

static void read_text(char text[DEATH_TEXT_MAX], int file) {
  ssize_t len = pread(file, text, DEATH_TEXT_MAX - 1, 0);
  text[len > 0 ? len : 0] = '\0';
  if (ftruncate(file, 0) != 0) perror("sim: what dying processes say can't be emptied");
  lseek(file, 0, SEEK_SET); /* the children's offset too: one open file */
}

void death_read(struct death *death, int wait_status, const char *line, int file) {
  read_text(death->text, file);
  if (line[0] != '\0') {
    copy_line(death->fault, line);
  } else if (find_telling_line(death->fault, death->text)) {
    return;
  } else if (WIFSIGNALED(wait_status)) {
    int number = WTERMSIG(wait_status);
    snprintf(death->fault, sizeof death->fault, "killed by signal %s", strsignal(number));
  } else {
    snprintf(death->fault, sizeof death->fault, "ended the process with status %d", WEXITSTATUS(wait_status));
  }
}

static bool is_number_part(const char *at) {
  return isxdigit((unsigned char)*at) != 0;
}

/* Behind a number, hexadecimal ones ("0x...") as a whole. */
static const char *skip_number(const char *at) {
  if (at[0] == '0' && at[1] == 'x') {
    at += 2;
    while (is_number_part(at))
      at++;
    return at;
  }
  while (isdigit((unsigned char)*at))
    at++;
  return at;
}

bool death_same_kind(const struct death *a, const struct death *b) {
  const char *left = a->fault, *right = b->fault;
  while (*left != '\0' && *right != '\0') {
    if (isdigit((unsigned char)*left) && isdigit((unsigned char)*right)) {
      left = skip_number(left);
      right = skip_number(right);
    } else if (*left++ != *right++) {
      return false;
    }
  }
  return *left == *right;
}
