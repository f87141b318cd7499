/*
 * Whether vector registers keep what was put into them: `registers PROCESSES SECONDS`. No libxl, no Node: each process puts
 * a pattern into xmm0 and stores it on a page that it shares with its parent, so that the store itself faults; and holds one
 * while it counts. Prints what was found in place of a pattern.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGES = 128, PAGE = 4096 };

static struct counts {
    unsigned long stores, lost_at_fault, holds, lost_in_loop;
} *counts;

static unsigned char *pages;

static void report(const char *where, uint64_t pattern, const uint64_t *found)
{
    printf("lost %s: %016lx %016lx in place of %016lx\n", where, found[0], found[1], pattern);
    fflush(stdout);
}

static void store_on_shared_pages(struct counts *mine, uint64_t seed)
{
    for (int page = 0; page < PAGES; page++) {
        uint64_t pattern = seed * 0x9e3779b97f4a7c15 + page;
        uint64_t *at = (uint64_t *)(pages + page * PAGE);
        __asm__ volatile("movq %1, %%xmm0\n\tpunpcklqdq %%xmm0, %%xmm0\n\tmovups %%xmm0, (%0)"
                         : : "r"(at), "r"(pattern) : "xmm0", "memory");
        mine->stores++;
        if (at[0] != pattern || at[1] != pattern) {
            mine->lost_at_fault++;
            report("at a page fault", pattern, at);
        }
    }
}

static void hold(struct counts *mine, uint64_t seed)
{
    uint64_t pattern = seed * 0xbf58476d1ce4e5b9, found[2];
    __asm__ volatile("movq %1, %%xmm0\n\tpunpcklqdq %%xmm0, %%xmm0\n\tmov $200000, %%rcx\n1:\tdec %%rcx\n\tjnz 1b\n\tmovups %%xmm0, (%0)"
                     : : "r"(found), "r"(pattern) : "xmm0", "rcx", "memory");
    mine->holds++;
    if (found[0] != pattern || found[1] != pattern) {
        mine->lost_in_loop++;
        report("in a loop", pattern, found);
    }
}

static void work(struct counts *mine, time_t until, uint64_t seed)
{
    while (time(NULL) < until) {
        seed++;
        pid_t child = fork();
        if (child == 0) {
            store_on_shared_pages(mine, seed);
            _exit(0);
        }
        hold(mine, seed);
        waitpid(child, NULL, 0);
    }
}

int main(int argc, char **argv)
{
    int processes = argc > 1 ? atoi(argv[1]) : 4;
    time_t until = time(NULL) + (argc > 2 ? atoi(argv[2]) : 10);
    pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(pages, 1, PAGES * PAGE);
    counts = mmap(NULL, processes * sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int index = 0; index < processes; index++) {
        if (fork() == 0) {
            work(&counts[index], until, (uint64_t)(index + 1) << 32);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
    struct counts sum = { 0 };
    for (int index = 0; index < processes; index++) {
        sum.stores += counts[index].stores;
        sum.lost_at_fault += counts[index].lost_at_fault;
        sum.holds += counts[index].holds;
        sum.lost_in_loop += counts[index].lost_in_loop;
    }
    printf("%lu stores, %lu at a page fault; %lu loops, %lu in a loop\n", sum.stores, sum.lost_at_fault, sum.holds, sum.lost_in_loop);
    return sum.lost_at_fault + sum.lost_in_loop > 0;
}
