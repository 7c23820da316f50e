// Starts programs and says how long each took, from just before the start to its end as the caller sees it,
// and the most memory it used. posix_spawn is as near as a caller can get to no cost of its own;
// bench/README.md shows its floor.
//
// Reads lines. A call is: stdin file, stdout file, stderr file, number of words, the words, then the
// environment, all divided by tabs. Calls wait in a queue until the line "go", which starts all of them at
// once. Answers a line per call,
//   status, start, end (microseconds of the wall clock), duration (ns), peak memory (kB),
//   processor time (us), page faults
// and then "done" with the nanoseconds from the first start to the last end. A call ended by a signal has
// status 128 + n.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

enum { CALLS = 1024, WORDS = 64 };

struct call {
  char *line;
  char *files[3];
  char *argv[WORDS];
  char *env[WORDS];
  pid_t pid;
  long long start_ns, end_ns, start_us, end_us;
  int status;
  struct rusage usage;
};

static struct call calls[CALLS];

static long long clock_in(clockid_t clock, long long unit) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * unit + now.tv_nsec / (1000000000LL / unit);
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void read_call(struct call *call, const char *text) {
  memset(call, 0, sizeof *call);
  call->line = strdup(text);
  char *rest = call->line;
  for (int i = 0; i < 3; i++) call->files[i] = strsep(&rest, "\t");
  int words = atoi(strsep(&rest, "\t"));
  for (int i = 0; i < words && i < WORDS - 1; i++) call->argv[i] = strsep(&rest, "\t");
  for (int i = 0; rest != NULL && i < WORDS - 1; i++) call->env[i] = strsep(&rest, "\t");
}

static void start(struct call *call) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, call->files[0], O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, call->files[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, call->files[2], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  call->start_us = clock_in(CLOCK_REALTIME, 1000000);
  call->start_ns = clock_in(CLOCK_MONOTONIC, 1000000000);
  errno = posix_spawn(&call->pid, call->argv[0], &actions, NULL, call->argv, call->env);
  if (errno != 0) fail(call->argv[0]);
  posix_spawn_file_actions_destroy(&actions);
}

static void await_one(int count) {
  int status;
  struct rusage usage;
  pid_t pid = wait4(-1, &status, 0, &usage);
  long long ns = clock_in(CLOCK_MONOTONIC, 1000000000), us = clock_in(CLOCK_REALTIME, 1000000);
  if (pid < 0) fail("wait4");
  for (int i = 0; i < count; i++) {
    if (calls[i].pid != pid) continue;
    calls[i].end_ns = ns;
    calls[i].end_us = us;
    calls[i].status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    calls[i].usage = usage;
  }
}

static long long micros(struct timeval time) { return time.tv_sec * 1000000LL + time.tv_usec; }

static void report(int count) {
  long long last = calls[0].start_ns;
  for (int i = 0; i < count; i++) {
    struct call *call = &calls[i];
    if (call->end_ns > last) last = call->end_ns;
    long long busy = micros(call->usage.ru_utime) + micros(call->usage.ru_stime);
    printf("%d %lld %lld %lld %ld %lld %ld\n", call->status, call->start_us, call->end_us,
           call->end_ns - call->start_ns, call->usage.ru_maxrss, busy, call->usage.ru_minflt);
    free(call->line);
  }
  printf("done %lld\n", last - calls[0].start_ns);
  fflush(stdout);
}

int main(void) {
  char *line = NULL;
  size_t size = 0;
  int count = 0;
  while (getline(&line, &size, stdin) > 0) {
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line, "go") != 0) {
      if (count == CALLS) {
        fputs("too many calls at once\n", stderr);
        return 1;
      }
      read_call(&calls[count++], line);
      continue;
    }
    if (count == 0) continue;
    for (int i = 0; i < count; i++) start(&calls[i]);
    for (int i = 0; i < count; i++) await_one(count);
    report(count);
    count = 0;
  }
  return 0;
}
