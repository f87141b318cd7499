/*
 * What the two C programs of the loop bench share: clock, descriptors, and the protocol with the parent.
 *
 * Arguments: idle descriptors, timeouts. Each line on standard input asks for one round; the answer is one line with
 * nanoseconds per operation, in the order of enum measure, -1 for what there is none of.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SPARE = 200 };
enum measure { REGISTER, MODIFY, REMOVE, DISPATCH, TIMEOUT_REGISTER, TIMEOUT_MODIFY, TIMEOUT_REMOVE, MEASURES };

static const double dispatch_budget_ns = 60e6;

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int open_event(void)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        fail("eventfd");
    return fd;
}

/*
 * The idle descriptors are what a virtualization daemon waits for: Unix sockets. Both ends of each pair are watched.
 */
static int open_idle(void)
{
    static int pair[2];
    static int left;
    if (left == 0) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
            fail("socketpair");
        left = 2;
    }
    return pair[--left];
}

static void ring(int fd)
{
    uint64_t one = 1;
    if (write(fd, &one, sizeof one) != sizeof one)
        fail("write");
}

static void silence(int fd)
{
    uint64_t count;
    if (read(fd, &count, sizeof count) != sizeof count)
        fail("read");
}

static void raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        fail("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        fail("setrlimit");
}

static void serve(void (*round)(double *result))
{
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        double result[MEASURES];
        for (int i = 0; i < MEASURES; i++)
            result[i] = -1;
        round(result);
        for (int i = 0; i < MEASURES; i++)
            printf("%.1f%c", result[i], i == MEASURES - 1 ? '\n' : ' ');
        fflush(stdout);
    }
}
