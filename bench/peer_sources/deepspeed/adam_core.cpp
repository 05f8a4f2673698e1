/* A C entry to the core of DeepSpeed's CPU Adam. */
#include <torch/extension.h>

#include "cpu_adam.h"

extern "C" void deepspeed_adam_create(int id) { create_adam_optimizer(id, 1e-3f, 0.9f, 0.999f, 1e-8f, 0.0f, true, false); }

extern "C" void deepspeed_adam_step(int id, int64_t step, int64_t count, float *p, float *g, float *m, float *v) {
    torch::Tensor parameter(p, count), gradient(g, count), first(m, count), second(v, count);
    ds_adam_step(id, static_cast<size_t>(step), 1e-3f, 0.9f, 0.999f, 1e-8f, 0.0f, true, parameter, gradient, first, second);
}
