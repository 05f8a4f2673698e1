"""Times the optimizers of other libraries against nr_step: one thread, one process, in an order drawn anew each round."""

import argparse
import ctypes
import json
import random
import statistics
import time

import nativeranger

BATCH_SECONDS = 150e-6
FEWEST_ROUNDS = 7
MOST_ROUNDS = 2000


def seconds_of(step, repetitions):
    start = time.perf_counter()
    for _ in range(repetitions):
        step()
    return time.perf_counter() - start


def compare(steps, seconds):
    """The seconds of one call of every step, per round; each is called untimed before it is timed."""

    def repetitions_of(step):
        step()
        count, taken = 1, seconds_of(step, 1)
        while taken < BATCH_SECONDS / 4:
            count *= 2
            taken = seconds_of(step, count)
        return max(1, int(count * BATCH_SECONDS / taken))

    repetitions = {name: repetitions_of(step) for name, step in steps.items()}
    times = {name: [] for name in steps}
    order = list(steps)
    shuffle = random.Random(12345).shuffle
    end = time.perf_counter() + seconds
    rounds = 0
    while rounds < FEWEST_ROUNDS or (rounds < MOST_ROUNDS and time.perf_counter() < end):
        shuffle(order)
        for name in order:
            seconds_of(steps[name], max(1, repetitions[name] // 4))
            times[name].append(seconds_of(steps[name], repetitions[name]) / repetitions[name])
        rounds += 1
    return times


def torch_steps(torch, algorithm, tensors, elements):
    torch.set_num_threads(1)
    optimizer_class = {"adam": torch.optim.Adam, "radam": torch.optim.RAdam}[algorithm]
    steps = {}
    parameters = []
    for i in range(tensors):
        generator = torch.Generator().manual_seed(i)
        parameter = torch.nn.Parameter(torch.randn(elements, generator=generator))
        parameter.grad = 0.01 * torch.randn(elements, generator=generator)
        parameters.append(parameter)
    for foreach, how in ((False, "one tensor at a time"), (True, "foreach")):
        optimizer = optimizer_class(parameters, lr=1e-3, foreach=foreach)
        # RAdam takes other steps until it is rectified.
        for _ in range(10):
            optimizer.step()
        steps[f"PyTorch {torch.__version__}, {how}"] = optimizer.step
    return steps


def deepspeed_step(library, elements, p, g, m, v):
    library.deepspeed_adam_step.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64] + 4 * [ctypes.c_void_p]
    library.deepspeed_adam_create(0)
    return lambda: library.deepspeed_adam_step(0, nativeranger.STEP, elements, p, g, m, v)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--libraries", required=True)
    parser.add_argument("--deepspeed-library")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--circumstances")
    parser.add_argument("--left-out", action="append", default=[])
    asked = parser.parse_args()

    try:
        import torch
    except ImportError:
        torch = None
    deepspeed = asked.deepspeed_library and ctypes.CDLL(asked.deepspeed_library)
    library = nativeranger.Library(asked.libraries)
    seconds = 0.5 if asked.quick else 4.0
    shapes = [(1, 1 << 10), (1, 1 << 16), (1, 1 << 20), (1, 1 << 26), (1000, 100), (1000, 1000)]
    if asked.quick:
        shapes = [(1, 1 << 10), (1, 1 << 16), (1, 1 << 20), (1000, 100)]

    results = []
    for tensors, elements in shapes:
        for algorithm, code in (("adam", nativeranger.NR_ADAM), ("radam", nativeranger.NR_RADAM)):
            arrays = nativeranger.Arrays(library, tensors, elements)
            ours = "native step"
            steps = {ours: library.step(code, arrays.tensors)}
            if torch:
                steps.update(torch_steps(torch, algorithm, tensors, elements))
            if deepspeed and algorithm == "adam" and tensors == 1:
                steps["DeepSpeed CPU Adam core"] = deepspeed_step(deepspeed, *arrays.tensors[0])
            if len(steps) > 1:
                times = compare(steps, seconds)
                for name in steps:
                    total = tensors * elements
                    result = {
                        "peer": name,
                        "algorithm": algorithm,
                        "tensors": tensors,
                        "elements": total,
                        "peerNsPerElement": 1e9 * statistics.median(times[name]) / total,
                        "nsPerElement": 1e9 * statistics.median(times[ours]) / total,
                        "ratio": statistics.median(a / b for a, b in zip(times[name], times[ours])),
                    }
                    results.append(result)
                    print(
                        f"{name}, {algorithm}, {tensors} x {elements}: {result['peerNsPerElement']:.4f} ns/element, "
                        f"{result['ratio']:.2f} times the native step",
                        flush=True,
                    )
            arrays.close()

    for line in asked.left_out:
        print(f"Left out: {line}.")
    if asked.json:
        circumstances = {}
        if asked.circumstances:
            with open(asked.circumstances) as file:
                circumstances = json.load(file)
        with open(asked.json, "w") as file:
            content = {"kind": "peers", "circumstances": circumstances, "peers": results, "leftOut": asked.left_out}
            json.dump(content, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    main()
