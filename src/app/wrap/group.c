/* See app/wrap/group.h. */
#include "app/wrap/group.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define STAT_MAX 512u /* a name of 64 bytes, and what we want stands right behind it */

/* From "/proc/PID/stat": "PID (name) S ppid pgrp ..."; the name may hold anything. */
static bool lives_in(const char *pid, pid_t group) {
  char path[64], line[STAT_MAX] = "", state = 'Z';
  int parent = 0, process_group = 0;
  if (snprintf(path, sizeof path, "/proc/%s/stat", pid) >= (int)sizeof path) return false;
  FILE *file = fopen(path, "re");
  if (file == NULL) return false;
  if (fgets(line, sizeof line, file) == NULL) line[0] = '\0';
  fclose(file);
  const char *behind = strrchr(line, ')');
  if (behind == NULL || sscanf(behind, ") %c %d %d", &state, &parent, &process_group) != 3) return false;
  return process_group == group && state != 'Z' && state != 'X';
}

bool wrap_group_lives(pid_t group) {
  if (kill(-group, 0) != 0) return false;
  DIR *directory = opendir("/proc");
  if (directory == NULL) return true;
  bool found = false;
  for (struct dirent *entry; !found && (entry = readdir(directory)) != NULL;)
    found = entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && lives_in(entry->d_name, group);
  closedir(directory);
  return found;
}
