#!/usr/bin/python3
"""The Python side of the exchange with PyTorch: docs/PYTORCH.md explains the file.

    exchange.py check TRACES   the stand-ins of the originals reproduce their recorded runs (folder of *.json.gz)
    exchange.py make FOLDER    every case: half a run, and the whole of it
    exchange.py go_on FOLDER   goes on from the halves that the other side has made
"""

import gzip
import json
import math
import os
import struct
import sys

import torch

HALF, END = 7, 16
NAMES = ["w", "b", "s", "c"]
SHAPES = [(5, 13), (7,), (), (3, 2, 2, 2)]


# ---- safetensors: u64 length, JSON, data ----

TYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}


def save_file(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in sorted(tensors.items(), key=lambda item: -item[1].element_size()):
        raw = tensor.detach().contiguous().numpy().tobytes()
        kind = next(key for key, value in TYPES.items() if value == tensor.dtype)
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": offsets}
        data += raw
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def load_file(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(bytearray(data[begin:end]), dtype=TYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors, metadata


# ---- the state of an optimizer <-> tensors and metadata ----


def flatten(optimizer, names, steps):
    """names: the name of each parameter tensor."""
    inner = getattr(optimizer, "optimizer", optimizer)
    tensors, metadata = {}, {"format": "pt", "optimizer": type(inner).__name__, "steps": str(steps)}
    for group in inner.param_groups:
        for parameter in group["params"]:
            name = names[parameter]
            tensors[f"model.{name}"] = parameter
            for key, value in inner.state[parameter].items():
                if value is not None:
                    tensors[f"optimizer.state.{name}.{key}"] = torch.as_tensor(value)
            for key, value in group.items():
                if key != "params":
                    metadata[f"optimizer.param_groups.{name}.{key}"] = json.dumps(value)
            if inner is not optimizer:
                # Not in the original's state_dict(), which forgets the slow weights.
                for key, value in optimizer.state[parameter].items():
                    tensors[f"lookahead.state.{name}.{key}"] = value
    if inner is not optimizer:
        for key in ("_la_step", "_total_la_steps", "la_alpha", "pullback_momentum"):
            metadata[f"lookahead.{key}"] = json.dumps(getattr(optimizer, key))
    return tensors, metadata


def unflatten(optimizer, names, tensors, metadata):
    inner = getattr(optimizer, "optimizer", optimizer)
    assert metadata["optimizer"] == type(inner).__name__
    for group in inner.param_groups:
        for parameter in group["params"]:
            name = names[parameter]
            with torch.no_grad():
                parameter.copy_(tensors.pop(f"model.{name}"))
            start = f"optimizer.param_groups.{name}."
            for key, value in metadata.items():
                if key.startswith(start):
                    value = json.loads(value)
                    group[key[len(start) :]] = tuple(value) if isinstance(value, list) else value
            start = f"optimizer.state.{name}."
            for key in [key for key in tensors if key.startswith(start)]:
                inner.state[parameter][key[len(start) :]] = tensors.pop(key)
            if inner is not optimizer:
                start = f"lookahead.state.{name}."
                for key in [key for key in tensors if key.startswith(start)]:
                    optimizer.state[parameter][key[len(start) :]] = tensors.pop(key)
    if inner is not optimizer:
        for key in ("_la_step", "_total_la_steps", "la_alpha", "pullback_momentum"):
            setattr(optimizer, key, json.loads(metadata[f"lookahead.{key}"]))
    assert not tensors, f"left over: {list(tensors)}"


# ---- stand-ins of the originals: the same results (see check), the same names of state and options ----


class Ranger(torch.optim.Optimizer):
    """lessw2020's Ranger (20.4.11): computes in float32 whatever the type, and counts the steps in Python integers."""

    def __init__(self, params, lr=1e-3, alpha=0.5, k=6, N_sma_threshhold=5, betas=(0.95, 0.999), eps=1e-5, weight_decay=0):
        options = dict(lr=lr, alpha=alpha, k=k, step_counter=0, betas=betas)
        super().__init__(params, dict(options, N_sma_threshhold=N_sma_threshhold, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            rate, (beta1, beta2) = group["lr"], group["betas"]
            for p in group["params"]:
                if p.grad is not None:
                    self.step_one(p, p.grad.float(), self.state[p], group, rate, beta1, beta2)

    @staticmethod
    def step_one(p, gradient, state, group, rate, beta1, beta2):
        x = p.float()
        if not state:
            state.update(step=0, exp_avg=torch.zeros_like(x), exp_avg_sq=torch.zeros_like(x), slow_buffer=p.clone())
        if gradient.dim() > 1:
            gradient = gradient - gradient.mean(dim=tuple(range(1, gradient.dim())), keepdim=True)
        t = int(state["step"]) + 1
        m = state["exp_avg"].to(x.dtype).mul_(beta1).add_(gradient, alpha=1 - beta1)
        v = state["exp_avg_sq"].to(x.dtype).mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        power, longest = beta2**t, 2 / (1 - beta2) - 1
        length = longest - 2 * t * power / (1 - power)
        x = x * (1 - group["weight_decay"] * rate)
        if length > group["N_sma_threshhold"]:
            shape = (length - 4) / (longest - 4) * (length - 2) / length * longest / (longest - 2)
            x = x.addcdiv(m, v.sqrt() + group["eps"], value=-rate * math.sqrt((1 - power) * shape) / (1 - beta1**t))
        else:
            x = x.add(m, alpha=-rate / (1 - beta1**t))
        p.copy_(x)
        state.update(step=t, exp_avg=m, exp_avg_sq=v)
        if t % group["k"] == 0:
            state["slow_buffer"].add_(p - state["slow_buffer"], alpha=group["alpha"])
            p.copy_(state["slow_buffer"])


class Lookahead:
    """michaelrzhang's Lookahead, with a copy of the momentum in cached_mom where the original has an alias."""

    def __init__(self, optimizer, la_steps=5, la_alpha=0.8, pullback_momentum="none"):
        self.optimizer, self._la_step, self._total_la_steps = optimizer, 0, la_steps
        self.la_alpha, self.pullback_momentum = la_alpha, pullback_momentum
        self.state = {}
        for p in self.parameters():
            self.state[p] = {"cached_params": p.detach().clone()}
            if pullback_momentum == "pullback":
                self.state[p]["cached_mom"] = torch.zeros_like(p)

    def parameters(self):
        return [p for group in self.optimizer.param_groups for p in group["params"]]

    @torch.no_grad()
    def step(self):
        self.optimizer.step()
        self._la_step += 1
        if self._la_step < self._total_la_steps:
            return
        self._la_step = 0
        for p in self.parameters():
            state, inner = self.state[p], self.optimizer.state[p]
            p.mul_(self.la_alpha).add_(state["cached_params"], alpha=1 - self.la_alpha)
            state["cached_params"].copy_(p)
            if self.pullback_momentum == "pullback":
                inner["momentum_buffer"].mul_(self.la_alpha).add_(state["cached_mom"], alpha=1 - self.la_alpha)
                state["cached_mom"] = inner["momentum_buffer"].clone()
            elif self.pullback_momentum == "reset":
                inner["momentum_buffer"] = torch.zeros_like(p)


# ---- cases ----


def lookahead(inner, **options):
    return lambda groups: Lookahead(inner(groups), **options)


def of(kind, **options):
    return lambda groups: kind(groups, **options)


CASES = {
    "sgd": of(torch.optim.SGD, lr=0.05, weight_decay=0.01),
    "sgd_momentum": of(torch.optim.SGD, lr=0.02, momentum=0.9, dampening=0.25),
    "sgd_nesterov": of(torch.optim.SGD, lr=0.02, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adagrad": of(torch.optim.Adagrad, lr=0.1, lr_decay=0.01, initial_accumulator_value=0.5, weight_decay=0.01),
    "adam": of(torch.optim.Adam, lr=0.01, weight_decay=0.01),
    "adam_amsgrad": of(torch.optim.Adam, lr=0.01, amsgrad=True),
    "adamw": of(torch.optim.AdamW, lr=0.01, weight_decay=0.1),
    "adamw_amsgrad": of(torch.optim.AdamW, lr=0.01, betas=(0.8, 0.99), amsgrad=True),
    "radam": of(torch.optim.RAdam, lr=0.01, weight_decay=0.01),
    "ranger": of(Ranger, lr=0.01, weight_decay=0.1),
    "lookahead_adam": lookahead(of(torch.optim.Adam, lr=0.01)),
    "lookahead_sgd": lookahead(of(torch.optim.SGD, lr=0.02, momentum=0.9), la_steps=6, la_alpha=0.5),
    "lookahead_sgd_reset": lookahead(of(torch.optim.SGD, lr=0.02, momentum=0.9), pullback_momentum="reset"),
    "lookahead_sgd_pullback": lookahead(of(torch.optim.SGD, lr=0.02, momentum=0.9), pullback_momentum="pullback"),
}


def start(p, dtype):
    count = math.prod(SHAPES[p])
    return torch.tensor([((13 * i + 5 * p) % 37 - 18) / 32 for i in range(count)], dtype=dtype).reshape(SHAPES[p])


def gradient(p, t, dtype, case):
    """The fourth parameter has no gradient in the first half; the second has none for two steps."""
    if not case.startswith("lookahead") and (p == 3 and t <= HALF or p == 1 and 3 <= t <= 4):
        return None
    count = math.prod(SHAPES[p])
    values = [((31 * i + 17 * t + 7 * p) % 101 - 50) / 64 for i in range(count)]
    return torch.tensor(values, dtype=dtype).reshape(SHAPES[p])


def create(case, dtype):
    parameters = [torch.nn.Parameter(start(p, dtype)) for p in range(len(NAMES))]
    groups = [{"params": parameters[:2]}, {"params": parameters[2:], "lr": 0.03}]
    return parameters, CASES[case](groups), dict(zip(parameters, NAMES))


def run(case, dtype, parameters, optimizer, first, last):
    for t in range(first, last + 1):
        for p, parameter in enumerate(parameters):
            parameter.grad = gradient(p, t, dtype, case)
        optimizer.step()


def every_case(folder):
    for case in CASES:
        for kind, dtype in (("float32", torch.float32), ("float64", torch.float64)):
            yield case, dtype, os.path.join(folder, f"{case}.{kind}")


def make(folder):
    for case, dtype, path in every_case(folder):
        parameters, optimizer, names = create(case, dtype)
        run(case, dtype, parameters, optimizer, 1, HALF)
        save_file(f"{path}.half.safetensors", *flatten(optimizer, names, HALF))
        run(case, dtype, parameters, optimizer, HALF + 1, END)
        save_file(f"{path}.whole.safetensors", *flatten(optimizer, names, END))


def go_on(folder):
    for case, dtype, path in every_case(folder):
        parameters, optimizer, names = create(case, dtype)
        unflatten(optimizer, names, *load_file(f"{path}.ours.safetensors"))
        run(case, dtype, parameters, optimizer, HALF + 1, END)
        save_file(f"{path}.continued.safetensors", *flatten(optimizer, names, END))


# ---- the stand-ins against recorded runs of the originals ----


def check(traces):
    for name in ("ranger_gc", "ranger_gc_wd", "ranger_k5_alpha8", "lookahead_adam_none"):
        reproduce(traces, name)
    for name in ("none", "reset", "pullback"):
        reproduce(traces, f"lookahead_sgd_momentum_{name}")


def reproduce(traces, name):
    with gzip.open(os.path.join(traces, f"{name}.json.gz")) as file:
        trace = json.load(file)
    parameters = [torch.nn.Parameter(torch.tensor(p["initial"]).reshape(p["shape"])) for p in trace["params"]]
    options = {k: v for k, v in trace["options"].items() if k not in ("use_gc", "gc_conv_only")}
    if trace["lookahead"] is None:
        optimizer = Ranger(parameters, **options)
    else:
        wrapper = trace["lookahead"]
        kind = {"lookahead_adam": torch.optim.Adam}.get(name[:14], torch.optim.SGD)
        optimizer = Lookahead(kind(parameters, **options), wrapper["k"], wrapper["alpha"], wrapper["pullback_momentum"])
    expected = trace["expected"]["float32"]
    for t, gradients in enumerate(trace["gradients"], start=1):
        for parameter, values in zip(parameters, gradients):
            parameter.grad = torch.tensor(values).reshape(parameter.shape)
        optimizer.step()
        for parameter, values in zip(parameters, expected["params"].get(str(t), [])):
            wanted = torch.tensor(values).reshape(parameter.shape)
            near = expected["tolerance"]["abs"] + expected["tolerance"]["rel"] * wanted.abs()
            assert bool(((parameter - wanted).abs() <= near).all()), f"{name}, step {t}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"check": check, "make": make, "go_on": go_on}[sys.argv[1]](sys.argv[2])
