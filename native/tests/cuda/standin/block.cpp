#include "block.h"

#include "cuda_on_host.h"

#include <memory>
#include <stdexcept>
#include <vector>

#include <ucontext.h>

namespace standin {

thread_position now;

namespace {

constexpr uint32_t warp_threads = 32;
constexpr size_t stack_bytes = 64 << 10;

/* What a fiber waits for: that a count of arrivals reaches a number. */
struct meeting {
    uint64_t arrivals = 0;
    double values[2][warp_threads] = {};
};

struct fiber {
    ucontext_t context = {};
    std::unique_ptr<char[]> stack;
    const uint64_t *awaited = nullptr;
    uint64_t until = 0;
    bool done = false;
};

/* One block at a time: shared memory is static. */
struct block {
    std::vector<fiber> fibers;
    std::vector<meeting> warps;
    meeting all;
    ucontext_t scheduler = {};
    const std::function<void()> *kernel = nullptr;
    uint32_t running = 0;
};

block here;

/* Sanitizers follow swapcontext from stack to stack, and nothing else. */
#if defined(__SANITIZE_ADDRESS__)
#define STANDIN_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STANDIN_SANITIZED
#endif
#endif

#if defined(__x86_64__) && !defined(STANDIN_SANITIZED)

/* Saves the registers that a call preserves, and goes on where another stack was left: swapcontext without its system call. */
extern "C" void standin_switch(void **from, void *to);
asm(R"(
    .text
    .globl standin_switch
    .hidden standin_switch
    .type standin_switch, @function
standin_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");

std::vector<void *> stacks;
void *scheduler_stack;

void enter_fiber() {
    (*here.kernel)();
    here.fibers[here.running].done = true;
    standin_switch(&stacks[here.running], scheduler_stack);
}

void prepare_fiber(uint32_t thread) {
    stacks.resize(here.fibers.size());
    /* The stack is 8 below a multiple of 16 when a function is entered. */
    auto top = reinterpret_cast<uintptr_t>(here.fibers[thread].stack.get() + stack_bytes) & ~uintptr_t{15};
    auto *frame = reinterpret_cast<void **>(top) - 8;
    for (int i = 0; i < 6; ++i)
        frame[i] = nullptr;
    frame[6] = reinterpret_cast<void *>(enter_fiber);
    frame[7] = nullptr;
    stacks[thread] = frame;
}

void resume_fiber(uint32_t thread) { standin_switch(&scheduler_stack, stacks[thread]); }

void leave_fiber() { standin_switch(&stacks[here.running], scheduler_stack); }

#else

void enter_fiber() {
    (*here.kernel)();
    here.fibers[here.running].done = true;
}

void prepare_fiber(uint32_t thread) {
    fiber &f = here.fibers[thread];
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = f.stack.get();
    f.context.uc_stack.ss_size = stack_bytes;
    f.context.uc_link = &here.scheduler;
    makecontext(&f.context, enter_fiber, 0);
}

void resume_fiber(uint32_t thread) { swapcontext(&here.scheduler, &here.fibers[thread].context); }

void leave_fiber() { swapcontext(&here.fibers[here.running].context, &here.scheduler); }

#endif

void wait_until(const uint64_t *arrivals, uint64_t until) {
    if (*arrivals >= until)
        return;
    fiber &f = here.fibers[here.running];
    f.awaited = arrivals;
    f.until = until;
    leave_fiber();
}

uint32_t threads_of_warp(uint32_t warp) {
    const uint32_t left = now.threads - warp * warp_threads;
    return left < warp_threads ? left : warp_threads;
}

/* Every meeting ends when as many as take part have come once more. */
void meet(meeting &m, uint32_t parties) {
    const uint64_t round = m.arrivals++ / parties;
    wait_until(&m.arrivals, (round + 1) * parties);
}

void run_block(uint32_t threads, const std::function<void()> &kernel) {
    while (here.fibers.size() < threads) {
        here.fibers.emplace_back();
        here.fibers.back().stack.reset(new char[stack_bytes]);
    }
    here.warps.assign((threads + warp_threads - 1) / warp_threads, {});
    here.all = {};
    here.kernel = &kernel;
    for (uint32_t i = 0; i < threads; ++i) {
        here.fibers[i].done = false;
        here.fibers[i].awaited = nullptr;
        prepare_fiber(i);
    }
    for (uint32_t left = threads; left > 0;) {
        bool moved = false;
        for (uint32_t i = 0; i < threads; ++i) {
            fiber &f = here.fibers[i];
            if (f.done || (f.awaited != nullptr && *f.awaited < f.until))
                continue;
            f.awaited = nullptr;
            here.running = i;
            now.thread = i;
            resume_fiber(i);
            moved = true;
            left -= f.done ? 1 : 0;
        }
        if (!moved)
            throw std::logic_error("the threads of a block wait for each other for ever");
    }
}

} // namespace

void wait_for_warp() {
    const uint32_t warp = now.thread / warp_threads;
    meet(here.warps[warp], threads_of_warp(warp));
    now.thread = here.running;
}

void wait_for_block() {
    meet(here.all, now.threads);
    now.thread = here.running;
}

double exchange_down(double mine, int lanes) {
    const uint32_t warp = now.thread / warp_threads;
    const uint32_t lane = now.thread % warp_threads;
    meeting &m = here.warps[warp];
    /* Nobody writes this round's values anew before everybody has come to the next round, having read them. */
    double *values = m.values[m.arrivals / threads_of_warp(warp) % 2];
    values[lane] = mine;
    meet(m, threads_of_warp(warp));
    now.thread = here.running;
    const uint32_t from = lane + static_cast<uint32_t>(lanes);
    return values[from < warp_threads ? from : lane];
}

void run_grid(uint32_t blocks, uint32_t threads, bool threads_meet, const std::function<void()> &kernel) {
    now.threads = threads;
    now.blocks = blocks;
    for (now.block = 0; now.block < blocks; ++now.block) {
        if (threads_meet)
            run_block(threads, kernel);
        else
            for (now.thread = 0; now.thread < threads; ++now.thread)
                kernel();
    }
}

} // namespace standin
