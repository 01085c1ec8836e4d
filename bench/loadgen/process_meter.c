/* CPU and memory of processes out of /proc and their clocks (process_meter.h). */
#include "loadgen/process_meter.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"

#define NS_PER_S       UINT64_C(1000000000)
#define STAT_MAX       1024u
#define FIRST_CAPACITY 16u

/* Of /proc/PID/stat, counted from the state behind the command's name (proc(5)). */
enum stat_field {
  STAT_PARENT = 1,
  STAT_WAITED_USER = 13,
  STAT_WAITED_SYSTEM = 14,
  STAT_THREADS = 17,
  STAT_START = 19,
  STAT_FIELDS = 20
};

struct stat_line {
  char state;
  unsigned long long fields[STAT_FIELDS];
};

/* A whole small file of /proc, as a string. */
static bool read_proc(pid_t pid, const char *name, char *text, size_t cap) {
  char path[64];
  (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  FILE *file = fopen(path, "re");
  if (file == NULL) return false;
  size_t len = fread(text, 1, cap - 1, file);
  (void)fclose(file);
  text[len] = '\0';
  return len > 0;
}

/* The command's name may hold blanks and brackets: fields are counted from the last closing one. */
static bool read_stat(pid_t pid, struct stat_line *line) {
  char text[STAT_MAX];
  if (!read_proc(pid, "stat", text, sizeof text)) return false;
  char *at = strrchr(text, ')');
  if (at == NULL || at[1] == '\0') return false;
  line->state = at[2];
  at += 3;
  for (int i = STAT_PARENT; i < STAT_FIELDS; i++)
    line->fields[i] = strtoull(at, &at, 10);
  return true;
}

static uint64_t ticks_to_ns(unsigned long long ticks) {
  long a_second = sysconf(_SC_CLK_TCK);
  return a_second > 0 ? ticks * (NS_PER_S / (uint64_t)a_second) : 0;
}

static struct metered *find_process(struct process_meter *meter, pid_t pid) {
  for (size_t i = 0; i < meter->count; i++)
    if (meter->processes[i].pid == pid) return &meter->processes[i];
  return NULL;
}

static struct metered *add_process(struct process_meter *meter) {
  if (meter->count == meter->capacity) {
    size_t capacity = meter->capacity == 0 ? FIRST_CAPACITY : meter->capacity * 2;
    struct metered *grown = realloc(meter->processes, capacity * sizeof *grown);
    if (grown == NULL) return NULL;
    meter->processes = grown;
    meter->capacity = capacity;
  }
  struct metered *process = &meter->processes[meter->count++];
  *process = (struct metered){0};
  return process;
}

static bool read_clock(struct metered *process) {
  struct timespec used;
  if (clock_gettime(process->clock, &used) != 0) return false;
  process->own_ns = (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
  return true;
}

static bool is_root(const struct process_meter *meter, pid_t pid) {
  for (size_t i = 0; i < meter->roots_count; i++)
    if (meter->roots[i] == pid) return true;
  return false;
}

static void forget(struct process_meter *meter, struct metered *process) {
  meter->vanished_ns += process->own_ns;
  meter->vanished_waited_ns += process->waited_ns - process->waited_at_first_ns;
  *process = meter->processes[--meter->count];
}

/* Notes a process that belongs to the tree: a new one, or what has changed of a known one. True when it is
 * new. */
static bool note_process(struct process_meter *meter, pid_t pid, const struct stat_line *line) {
  struct metered *process = find_process(meter, pid);
  uint64_t waited_ns = ticks_to_ns(line->fields[STAT_WAITED_USER] + line->fields[STAT_WAITED_SYSTEM]);
  if (process != NULL && process->start_ticks != line->fields[STAT_START]) {
    forget(meter, process);
    process = NULL;
  }
  bool is_new = process == NULL;
  if (is_new) {
    process = add_process(meter);
    if (process == NULL) return false;
    process->pid = pid;
    process->start_ticks = line->fields[STAT_START];
    process->waited_at_first_ns = waited_ns;
    if (clock_getcpuclockid(pid, &process->clock) != 0 || !read_clock(process)) {
      meter->count--;
      return false;
    }
  }
  process->parent = (pid_t)line->fields[STAT_PARENT];
  process->waited_ns = waited_ns;
  process->threads = line->fields[STAT_THREADS];
  process->seen = true;
  return is_new;
}

/* Goes through all processes once; returns how many new ones of the tree it met. A child may stand before
 * its parent in the folder, so the caller goes on until there are none. */
static size_t walk(struct process_meter *meter) {
  size_t found = 0;
  DIR *folder = opendir("/proc");
  if (folder == NULL) return 0;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    struct stat_line line;
    pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)strtol(entry->d_name, NULL, 10) : 0;
    if (pid == 0 || !read_stat(pid, &line) || line.state == 'Z') continue;
    const struct metered *parent = find_process(meter, (pid_t)line.fields[STAT_PARENT]);
    if (is_root(meter, pid) || (parent != NULL && parent->seen)) found += note_process(meter, pid, &line);
  }
  closedir(folder);
  return found;
}

bool process_meter_scan(struct process_meter *meter) {
  for (size_t i = 0; i < meter->count; i++)
    meter->processes[i].seen = false;
  do { /* known ones that stand before their parent are met in the second walk */
  } while (walk(meter) > 0);
  (void)walk(meter);
  bool alive = false;
  for (size_t i = meter->count; i-- > 0;) {
    if (!meter->processes[i].seen)
      forget(meter, &meter->processes[i]);
    else
      alive = alive || is_root(meter, meter->processes[i].pid);
  }
  return alive;
}

int process_meter_init(struct process_meter *meter, const int64_t *roots, size_t count,
                       char why[METER_WHY_MAX]) {
  *meter = (struct process_meter){.roots = roots, .roots_count = count};
  for (size_t i = 0; i < count; i++) {
    struct stat_line line;
    if (read_stat((pid_t)roots[i], &line) && line.state != 'Z') continue;
    (void)snprintf(why, METER_WHY_MAX, "--pid %lld: no such process (or no /proc here)", (long long)roots[i]);
    return WSL_NOT_FOUND;
  }
  (void)process_meter_scan(meter);
  return WSL_OK;
}

void process_meter_destroy(struct process_meter *meter) {
  free(meter->processes);
  *meter = (struct process_meter){0};
}

/* Ended children count once: in the account of a parent that waited, or as they were last seen. */
uint64_t process_meter_cpu_ns(struct process_meter *meter) {
  uint64_t own_ns = 0;
  uint64_t waited_ns = meter->vanished_waited_ns;
  for (size_t i = 0; i < meter->count; i++) {
    struct metered *process = &meter->processes[i];
    struct stat_line line;
    (void)read_clock(process);
    if (read_stat(process->pid, &line))
      process->waited_ns = ticks_to_ns(line.fields[STAT_WAITED_USER] + line.fields[STAT_WAITED_SYSTEM]);
    own_ns += process->own_ns;
    waited_ns += process->waited_ns - process->waited_at_first_ns;
  }
  return own_ns + (waited_ns > meter->vanished_ns ? waited_ns : meter->vanished_ns);
}

/* "Rss:  123 kB" of smaps_rollup is exact; statm, for where that is not readable, may lag behind. */
static uint64_t rss_kb_of(pid_t pid) {
  char text[STAT_MAX];
  unsigned long long size = 0;
  unsigned long long resident = 0;
  if (read_proc(pid, "smaps_rollup", text, sizeof text)) {
    const char *at = strstr(text, "\nRss:");
    if (at != NULL) return strtoull(at + sizeof "\nRss:" - 1, NULL, 10);
  }
  if (!read_proc(pid, "statm", text, sizeof text)) return 0;
  if (sscanf(text, "%llu %llu", &size, &resident) != 2) return 0; /* NOLINT(cert-err34-c) */
  return resident * (unsigned long long)sysconf(_SC_PAGESIZE) / 1024u;
}

uint64_t process_meter_rss_kb(struct process_meter *meter) {
  uint64_t sum = 0;
  for (size_t i = 0; i < meter->count; i++)
    sum += rss_kb_of(meter->processes[i].pid);
  if (sum > meter->rss_kb_peak) meter->rss_kb_peak = sum;
  return sum;
}

uint64_t process_meter_threads(const struct process_meter *meter) {
  uint64_t sum = 0;
  for (size_t i = 0; i < meter->count; i++)
    sum += meter->processes[i].threads;
  return sum;
}
