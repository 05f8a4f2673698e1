/* What the library says about itself. */
#include "nativeranger_cuda.h"

#include <stddef.h>

namespace {

struct status_entry {
    const char *name;
    const char *text;
};

/* Indexed by nr_status_code. */
const status_entry shared[] = {
    {"NR_OK", "success"},
    {"NR_E_NULL", "a pointer that must not be null is null"},
    {"NR_E_LENGTH", "a count or an extent is negative or contradicts another"},
    {"NR_E_OPTION", "an option is out of range, not finite, or contradicts another"},
    {"NR_E_ABI", "a struct size or a flag that this library does not know"},
    {"NR_E_OVERLAP", "two buffers of one tensor overlap"},
    {"NR_E_OVERFLOW", "a size does not fit 64 bits"},
    {"NR_E_ISA", "the instruction set cannot run here"},
    {"NR_E_TYPE", "the element type is unknown"},
};

/* From NR_CUDA_E_DRIVER on. */
const status_entry own[] = {
    {"NR_CUDA_E_DRIVER", "there is no CUDA driver, it is too old, or it lacks functions"},
    {"NR_CUDA_E_DEVICE", "there is no such device, or it is too old"},
    {"NR_CUDA_E_MEMORY", "there is not enough memory"},
    {"NR_CUDA_E_CALL", "the CUDA driver refused a call"},
    {"NR_CUDA_E_LOST", "the device is lost to this process"},
    {"NR_CUDA_E_POINTER", "the memory is not this device's, or too short"},
};

const status_entry unknown = {"unknown", "no status of this library"};

template <size_t Count>
const status_entry *find(const status_entry (&list)[Count], nr_status index) {
    return index >= 0 && static_cast<size_t>(index) < Count ? &list[index] : nullptr;
}

const status_entry &entry_of(nr_status status) {
    const status_entry *found = find(shared, status);
    if (found == nullptr)
        found = find(own, status - NR_CUDA_E_DRIVER);
    return found != nullptr ? *found : unknown;
}

} // namespace

extern "C" {

int32_t nr_cuda_abi_version(void) { return NR_CUDA_ABI_VERSION; }
const char *nr_cuda_status_name(nr_status status) { return entry_of(status).name; }
const char *nr_cuda_status_text(nr_status status) { return entry_of(status).text; }

int64_t nr_cuda_layout(int32_t structure, int32_t field) {
    static const int64_t about[] = {sizeof(nr_cuda_about),
                                    offsetof(nr_cuda_about, name),
                                    offsetof(nr_cuda_about, ordinal),
                                    offsetof(nr_cuda_about, driver_version),
                                    offsetof(nr_cuda_about, capability),
                                    offsetof(nr_cuda_about, multiprocessors),
                                    offsetof(nr_cuda_about, memory_bytes)};
    static const int64_t group[] = {sizeof(nr_cuda_group), offsetof(nr_cuda_group, options),
                                    offsetof(nr_cuda_group, tensors), offsetof(nr_cuda_group, count),
                                    offsetof(nr_cuda_group, clip_norm)};
    static const int64_t kernel[] = {sizeof(nr_cuda_kernel_about),
                                     offsetof(nr_cuda_kernel_about, name),
                                     offsetof(nr_cuda_kernel_about, registers),
                                     offsetof(nr_cuda_kernel_about, local_bytes),
                                     offsetof(nr_cuda_kernel_about, shared_bytes),
                                     offsetof(nr_cuda_kernel_about, blocks)};
    if (structure == NR_CUDA_STRUCT_ABOUT && field >= -1 && field < 6)
        return about[field + 1];
    if (structure == NR_CUDA_STRUCT_GROUP && field >= -1 && field < 4)
        return group[field + 1];
    if (structure == NR_CUDA_STRUCT_KERNEL_ABOUT && field >= -1 && field < 5)
        return kernel[field + 1];
    return -1;
}

} // extern "C"
