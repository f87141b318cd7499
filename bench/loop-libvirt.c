/* The event loop of libvirt.so through its public API. */
#include "loop-native.h"

#include <libvirt/libvirt.h>

static const int hour_ms = 3600000;

static int timeouts;
static int dispatched;
static int active_fd;
static int spare_fd[SPARE];
static int spare[SPARE];

static void on_active(int watch, int fd, int events, void *opaque)
{
    (void)watch;
    (void)events;
    (void)opaque;
    silence(fd);
    dispatched = 1;
}

static void on_idle(int watch, int fd, int events, void *opaque)
{
    (void)watch;
    (void)fd;
    (void)events;
    (void)opaque;
}

static void on_timeout(int timer, void *opaque)
{
    (void)timer;
    (void)opaque;
}

static int add_handle(int fd, virEventHandleCallback callback)
{
    int watch = virEventAddHandle(fd, VIR_EVENT_HANDLE_READABLE, callback, NULL, NULL);
    if (watch < 0)
        fail("virEventAddHandle");
    return watch;
}

static int add_timeout(void)
{
    int timer = virEventAddTimeout(hour_ms, on_timeout, NULL, NULL);
    if (timer < 0)
        fail("virEventAddTimeout");
    return timer;
}

static void dispatch(void)
{
    dispatched = 0;
    ring(active_fd);
    while (!dispatched)
        if (virEventRunDefaultImpl() < 0)
            fail("virEventRunDefaultImpl");
}

static void measure_handles(double *result)
{
    double start = now_ns();
    for (int i = 0; i < SPARE; i++)
        spare[i] = add_handle(spare_fd[i], on_idle);
    result[REGISTER] = (now_ns() - start) / SPARE;

    start = now_ns();
    for (int i = 0; i < SPARE; i++)
        virEventUpdateHandle(spare[i], 0);
    for (int i = 0; i < SPARE; i++)
        virEventUpdateHandle(spare[i], VIR_EVENT_HANDLE_READABLE);
    result[MODIFY] = (now_ns() - start) / (2 * SPARE);

    /* Removing marks; the next turn clears away: that is part of it. */
    start = now_ns();
    for (int i = 0; i < SPARE; i++)
        if (virEventRemoveHandle(spare[i]) < 0)
            fail("virEventRemoveHandle");
    dispatch();
    result[REMOVE] = (now_ns() - start) / SPARE;
}

static void measure_timeouts(double *result)
{
    double start = now_ns();
    for (int i = 0; i < SPARE; i++)
        spare[i] = add_timeout();
    result[TIMEOUT_REGISTER] = (now_ns() - start) / SPARE;

    start = now_ns();
    for (int i = 0; i < SPARE; i++)
        virEventUpdateTimeout(spare[i], -1);
    for (int i = 0; i < SPARE; i++)
        virEventUpdateTimeout(spare[i], hour_ms);
    result[TIMEOUT_MODIFY] = (now_ns() - start) / (2 * SPARE);

    start = now_ns();
    for (int i = 0; i < SPARE; i++)
        if (virEventRemoveTimeout(spare[i]) < 0)
            fail("virEventRemoveTimeout");
    dispatch();
    result[TIMEOUT_REMOVE] = (now_ns() - start) / SPARE;
}

static void measure(double *result)
{
    measure_handles(result);
    if (timeouts > 0)
        measure_timeouts(result);

    int count = 0;
    double start;
    for (start = now_ns(); now_ns() - start < dispatch_budget_ns; count += 10)
        for (int i = 0; i < 10; i++)
            dispatch();
    result[DISPATCH] = (now_ns() - start) / count;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int idle = atoi(argv[1]);
    timeouts = atoi(argv[2]);
    raise_limit();
    if (virEventRegisterDefaultImpl() < 0)
        fail("virEventRegisterDefaultImpl");
    for (int i = 0; i < idle; i++)
        add_handle(open_idle(), on_idle);
    for (int i = 0; i < timeouts; i++)
        add_timeout();
    for (int i = 0; i < SPARE; i++)
        spare_fd[i] = open_event();
    active_fd = open_event();
    add_handle(active_fd, on_active);
    serve(measure);
    return 0;
}
