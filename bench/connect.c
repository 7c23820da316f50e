// Makes TCP connections, one after the other, from one network namespace to a socket in another, and says how
// long all of them took in nanoseconds. Both ends are of this one process, so that nothing but the way
// between them is measured: a connection is there as soon as the kernel has answered for the listening
// socket, whether anybody accepts it or not.
// Arguments: the client's namespace, the server's, address and port that the client connects to, port of the
// server, count.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void enter(const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || setns(file, CLONE_NEWNET) != 0) fail(path);
  close(file);
}

static int tcp_socket(void) {
  int made = socket(AF_INET, SOCK_STREAM, 0);
  // No end waits in TIME_WAIT: a close resets the connection.
  struct linger at_once = {1, 0};
  struct timeval limit = {5, 0};
  if (made < 0) fail("socket");
  setsockopt(made, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  setsockopt(made, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return made;
}

static struct sockaddr_in place(const char *address, const char *port) {
  struct sockaddr_in made = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  if (inet_pton(AF_INET, address, &made.sin_addr) != 1) fail(address);
  return made;
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  struct sockaddr_in here = place("0.0.0.0", argv[5]), there = place(argv[3], argv[4]);
  enter(argv[2]);
  int listener = tcp_socket();
  if (bind(listener, (struct sockaddr *)&here, sizeof here) != 0 || listen(listener, 128) != 0) fail("listen");
  enter(argv[1]);
  int count = atoi(argv[6]);
  long long start = now();
  for (int i = 0; i < count; i++) {
    int client = tcp_socket();
    if (connect(client, (struct sockaddr *)&there, sizeof there) != 0) fail("connect");
    int server = accept(listener, NULL, NULL);
    if (server < 0) fail("accept");
    close(client);
    close(server);
  }
  printf("%lld\n", now() - start);
  return 0;
}
