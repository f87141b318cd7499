/* The floor under any event loop on Linux: epoll, a callback per descriptor, and nothing else. */
#include "loop-native.h"

#include <sys/epoll.h>

struct watch {
    int fd;
    void (*callback)(struct watch *watch);
};

static int set;
static int dispatched;
static struct watch active;
static struct watch spare[SPARE];

static void on_active(struct watch *watch)
{
    silence(watch->fd);
    dispatched = 1;
}

static void on_idle(struct watch *watch)
{
    (void)watch;
}

static void control(int operation, struct watch *watch, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = watch };
    if (epoll_ctl(set, operation, watch->fd, &event) < 0)
        fail("epoll_ctl");
}

static void turn(void)
{
    struct epoll_event events[256];
    int count = epoll_wait(set, events, 256, -1);
    for (int i = 0; i < count; i++) {
        struct watch *watch = events[i].data.ptr;
        watch->callback(watch);
    }
}

static void dispatch(void)
{
    dispatched = 0;
    ring(active.fd);
    while (!dispatched)
        turn();
}

static void measure(double *result)
{
    double start = now_ns();
    for (int i = 0; i < SPARE; i++)
        control(EPOLL_CTL_ADD, &spare[i], EPOLLIN);
    result[REGISTER] = (now_ns() - start) / SPARE;

    start = now_ns();
    for (int i = 0; i < SPARE; i++)
        control(EPOLL_CTL_MOD, &spare[i], 0);
    for (int i = 0; i < SPARE; i++)
        control(EPOLL_CTL_MOD, &spare[i], EPOLLIN);
    result[MODIFY] = (now_ns() - start) / (2 * SPARE);

    start = now_ns();
    for (int i = 0; i < SPARE; i++)
        control(EPOLL_CTL_DEL, &spare[i], 0);
    dispatch();
    result[REMOVE] = (now_ns() - start) / SPARE;

    int count = 0;
    for (start = now_ns(); now_ns() - start < dispatch_budget_ns; count += 10)
        for (int i = 0; i < 10; i++)
            dispatch();
    result[DISPATCH] = (now_ns() - start) / count;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    int idle = atoi(argv[1]);
    raise_limit();
    set = epoll_create1(EPOLL_CLOEXEC);
    if (set < 0)
        fail("epoll_create1");
    for (int i = 0; i < idle; i++) {
        struct watch *watch = calloc(1, sizeof *watch);
        watch->fd = open_idle();
        watch->callback = on_idle;
        control(EPOLL_CTL_ADD, watch, EPOLLIN);
    }
    for (int i = 0; i < SPARE; i++)
        spare[i] = (struct watch){ .fd = open_event(), .callback = on_idle };
    active = (struct watch){ .fd = open_event(), .callback = on_active };
    control(EPOLL_CTL_ADD, &active, EPOLLIN);
    serve(measure);
    return 0;
}
