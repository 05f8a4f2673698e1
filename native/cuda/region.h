/* What the host writes for the device, and where the device will find it. */
#ifndef NR_CUDA_REGION_H
#define NR_CUDA_REGION_H

#include <stdint.h>
#include <string.h>

namespace nr_cuda {

constexpr int64_t rounded(int64_t bytes) {
    constexpr int64_t alignment = 16;
    return (bytes + alignment - 1) / alignment * alignment;
}

/* Memory that is handed out from its beginning on. */
class region {
public:
    /* The host writes at host what the device will find at device; host is null where only the device writes. */
    region(void *host, void *device) : host_(static_cast<char *>(host)), device_(reinterpret_cast<uintptr_t>(device)) {}

    int64_t used() const { return used_; }

    template <class X>
    X *take(int64_t count) {
        return reinterpret_cast<X *>(host_ + take_bytes(count * static_cast<int64_t>(sizeof(X))));
    }

    template <class X>
    X *take_on_device(int64_t count) {
        return at_device<X>(take_bytes(count * static_cast<int64_t>(sizeof(X))));
    }

    /* Bytes from the beginning to what was taken, and back. */
    int64_t place_of(const void *taken) const { return static_cast<const char *>(taken) - host_; }
    template <class X>
    const X *at(int64_t place) const {
        return reinterpret_cast<const X *>(host_ + place);
    }

    template <class X>
    X *on_device(X *taken) const {
        return at_device<X>(place_of(taken));
    }

private:
    int64_t take_bytes(int64_t bytes) {
        const int64_t at = used_;
        used_ += rounded(bytes);
        return at;
    }

    template <class X>
    X *at_device(int64_t place) const {
        return reinterpret_cast<X *>(device_ + static_cast<uintptr_t>(place));
    }

    char *host_;
    uintptr_t device_; /* a number: what is planned for too little memory reaches beyond it */
    int64_t used_ = 0;
};

/* The bits in which a number or an address is not what it was: told without a branch. */
inline uint64_t replace(int64_t &old, int64_t now) {
    const int64_t bits = old ^ now;
    old = now;
    return static_cast<uint64_t>(bits);
}
inline uint64_t replace(int32_t &old, int32_t now) {
    const int32_t bits = old ^ now;
    old = now;
    return static_cast<uint32_t>(bits);
}
template <class X>
inline uint64_t replace(X *&old, X *now) {
    const uintptr_t bits = reinterpret_cast<uintptr_t>(old) ^ reinterpret_cast<uintptr_t>(now);
    old = now;
    return bits;
}

/* A region that still holds what the last step wrote there, so that only what is different has to be sent. */
class lasting_region : public region {
public:
    using region::region;

    /* That what was taken is not what it was. */
    template <class X>
    void changed(const X *taken, int64_t count) {
        const int64_t from = place_of(taken);
        const int64_t to = from + count * static_cast<int64_t>(sizeof(X));
        if (changed_to_ == 0 || from < changed_from_)
            changed_from_ = from;
        if (to > changed_to_)
            changed_to_ = to;
    }

    template <class X>
    void put(X *to, const X &x) {
        if (memcmp(to, &x, sizeof x) == 0)
            return;
        memcpy(to, &x, sizeof x);
        changed(to, 1);
    }

    int64_t changed_from() const { return changed_from_; }
    int64_t changed_to() const { return changed_to_; }

private:
    int64_t changed_from_ = 0;
    int64_t changed_to_ = 0;
};

} // namespace nr_cuda

#endif
