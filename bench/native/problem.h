/* A step to be measured: an algorithm on arrays of its own. */
#ifndef NRB_PROBLEM_H
#define NRB_PROBLEM_H

#include "arena.h"
#include "compare.h"
#include "nativeranger.h"
#include "team.h"

#include <string>
#include <vector>

namespace nrb {

struct algorithm {
    const char *name;
    int32_t code;   /* nr_algorithm */
    uint32_t flags; /* nr_option_flags */
    double beta1;
    double weight_decay;
    int arrays; /* read and written: the parameter and its states */
    bool centralised;
    int period; /* of Lookahead; 0 = none */
};

/* The rows of the tables. */
extern const std::vector<algorithm> algorithms;
const algorithm &find_algorithm(const std::string &name, bool centralised = false);

/* Tensors of one shape. Without centralisation rows do not matter. */
struct shape {
    int64_t rows;
    int64_t columns;
    bool column_major = false;
    int64_t tensors = 1;

    int64_t elements() const { return rows * columns * tensors; }
};

class problem {
public:
    problem(const algorithm &how, int32_t type, const shape &size, nrl::team &team);

    /* Steps every tensor once, each member of the team its part. working_set: 0, or what the library is told instead of
     * the truth, to make it choose another kernel. */
    variant step(int32_t isa, int64_t working_set = 0);

    /* The limit kernel over the same arrays. */
    variant limit(bool prefetch);

    /* Every tenth gradient becomes exactly 0. */
    void zero_some_gradients();

    int64_t working_set() const;
    /* Bytes read and written per element, averaged over Lookahead's period: by the limit kernel, and by a step, which has
     * to read the gradients of a row twice where they do not stay in a core's own cache. */
    double limit_bytes() const;
    double step_bytes() const;
    const algorithm &how() const { return how_; }
    const shape &size() const { return size_; }
    int32_t type() const { return type_; }
    int threads() const { return threads_; }

private:
    char *at(int array, int64_t tensor, int64_t index) const;
    void fill(int member);
    /* The elements or rows of a tensor, or the tensors of many, that a member steps. */
    struct range {
        int64_t begin;
        int64_t end;
    };
    range share(int64_t count, int member) const;
    nr_tensor piece(int64_t tensor, int member) const;
    range tensors_of(int member) const { return size_.tensors > 1 ? share(size_.tensors, member) : range{0, 1}; }

    algorithm how_;
    int32_t type_;
    int64_t element_bytes_;
    shape size_;
    int threads_;
    int64_t pitch_;     /* bytes from a tensor to the next */
    nrl::arena memory_; /* gradient, parameter, states, slow weights */
};

} // namespace nrb

#endif
