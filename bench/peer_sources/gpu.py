"""PyTorch's optimizers on the GPU, beside the steps that bench/gpu has measured there.

python3 gpu.py ELEMENTS RESULTS, where RESULTS is the JSON of nr_cuda_check.
"""

import json
import statistics
import sys
import time

try:
    import torch

    available = torch.cuda.is_available()
except ImportError:
    available = False
if not available:
    print("torch is not installed, or sees no GPU.")
    raise SystemExit

STEPS = 4


def measure(make, count, length):
    values = [torch.zeros(length, device="cuda", requires_grad=True) for _ in range(count)]
    for v in values:
        v.grad = torch.ones_like(v)
    optimizer = make(values)
    times = []
    for _ in range(18):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        for _ in range(STEPS):
            optimizer.step()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - begin) / STEPS)
    return statistics.median(times[3:])


elements = int(sys.argv[1])
many = min(elements // 10_000, 1_000)
with open(sys.argv[2]) as file:
    results = json.load(file)
ours = {figure["name"]: figure["seconds"] for figure in results["figures"]}
suffix = f", {many} tensors of 10,000"

print(f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}\n")
print("| what | tensors | PyTorch us | NativeRanger us | times as fast | asked for |\n|---|---|---|---|---|---|")
peers = []
for name, step, make, required in (
    ("Adam, fused", "Adam", lambda p: torch.optim.Adam(p, fused=True), 1.0),
    ("RAdam, foreach", "RAdam", lambda p: torch.optim.RAdam(p, foreach=True), 3.0),
):
    for count, length, ending in ((1, elements, ""), (many, 10_000, suffix)):
        seconds = measure(make, count, length)
        torch.cuda.empty_cache()
        mine = ours[step + ending]
        verdict = "reached" if seconds / mine >= required else "missed"
        print(
            f"| {name} | {count} of {length} | {seconds * 1e6:.1f} | {mine * 1e6:.1f} | {seconds / mine:.2f} "
            f"| {required:.0f}: {verdict} |"
        )
        peers.append({"name": name, "tensors": count, "length": length, "seconds": seconds, "timesAsFast": seconds / mine})
results["pytorch"] = {"version": torch.__version__, "figures": peers}
with open(sys.argv[2], "w") as file:
    json.dump(results, file, indent=2)
    file.write("\n")
