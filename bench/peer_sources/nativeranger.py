"""Just enough of nativeranger.h, by ctypes, to step from Python."""

import ctypes
import math
from ctypes import POINTER, c_double, c_int32, c_int64, c_uint32, c_uint64, c_void_p

NR_FLOAT32 = 1
NR_ADAM = 3
NR_RADAM = 4
NR_DECOUPLED_DECAY = 4
NR_STRUCT_OPTIONS = 3
NR_STRUCT_TENSOR = 5

# Late enough for RAdam to be rectified. It never advances, so that every call computes the same.
STEP = 1000


class Options(ctypes.Structure):
    _fields_ = (
        [("struct_size", c_uint32), ("type", c_int32), ("algorithm", c_int32), ("isa", c_int32)]
        + [("flags", c_uint32), ("follower_count", c_int32), ("followers", c_void_p)]
        + [
            (name, c_double)
            for name in (
                "learning_rate beta1 beta2 epsilon weight_decay dampening rate_decay initial_accumulator threshold "
                "gradient_scale clip_value clip_factor adaptive_clip standardise_epsilon seed_alpha"
            ).split()
        ]
        + [("seed_period", c_int64), ("working_set", c_int64)]
    )


class Tensor(ctypes.Structure):
    _fields_ = (
        [("parameter", c_void_p), ("gradient", c_void_p), ("state", c_void_p * 4), ("followers", c_void_p)]
        + [("scalars", c_void_p), ("row_values", c_void_p)]
        + [(name, c_int64) for name in "outer rows inner stride step".split()]
        + [("active", c_uint64), ("flags", c_uint32), ("reserved", c_uint32)]
    )


class Library:
    """libnativeranger, and libnativeranger_limits for memory."""

    def __init__(self, folder):
        self.steps = ctypes.CDLL(f"{folder}/libnativeranger.so")
        self.memory = ctypes.CDLL(f"{folder}/libnativeranger_limits.so")
        self.steps.nr_step.argtypes = [POINTER(Options), c_int64, POINTER(Tensor)]
        self.steps.nr_layout.restype = c_int64
        self.memory.nrl_memory_create.restype = c_void_p
        self.memory.nrl_memory_create.argtypes = [c_int32, c_int64]
        self.memory.nrl_memory_array.restype = c_void_p
        self.memory.nrl_memory_array.argtypes = [c_void_p, c_int32]
        self.memory.nrl_memory_destroy.argtypes = [c_void_p]
        for structure, number in ((Options, NR_STRUCT_OPTIONS), (Tensor, NR_STRUCT_TENSOR)):
            size = self.steps.nr_layout(number, -1)
            if size != ctypes.sizeof(structure):
                raise RuntimeError(f"{structure.__name__} has {ctypes.sizeof(structure)} bytes here, {size} in the library")

    def step(self, algorithm, tensors):
        """A function of no arguments that steps the tensors, each a tuple (elements, p, g, m, v) of addresses."""
        options = Options(
            struct_size=ctypes.sizeof(Options),
            type=NR_FLOAT32,
            algorithm=algorithm,
            flags=NR_DECOUPLED_DECAY if algorithm == NR_RADAM else 0,
            learning_rate=1e-3,
            beta1=0.9,
            beta2=0.999,
            epsilon=1e-8,
            threshold=5.0,
            gradient_scale=1.0,
            clip_value=math.inf,
            clip_factor=1.0,
            standardise_epsilon=1e-10,
        )
        table = (Tensor * len(tensors))()
        for entry, (elements, p, g, m, v) in zip(table, tensors):
            entry.parameter, entry.gradient = p, g
            entry.state[0], entry.state[1] = m, v
            entry.outer, entry.rows, entry.inner, entry.stride = 1, 1, elements, elements
            entry.step = STEP
        entry_point, count = self.steps.nr_step, len(tensors)

        def step():
            if entry_point(options, count, table) != 0:
                raise RuntimeError("nr_step failed")

        return step


class Arrays:
    """Parameter, gradient and two moments of some tensors, in memory that is laid out as the library likes it."""

    def __init__(self, library, tensors, elements):
        self.library = library
        # Tensors begin at cache lines.
        pitch = (4 * elements + 63) // 64 * 64
        self.memory = library.memory.nrl_memory_create(4, tensors * pitch)
        if not self.memory:
            raise MemoryError(f"no memory for 4 arrays of {tensors * pitch} bytes")
        p, g, m, v = (library.memory.nrl_memory_array(self.memory, i) for i in range(4))
        self.tensors = [
            (elements, p + i * pitch, g + i * pitch, m + i * pitch, v + i * pitch) for i in range(tensors)
        ]
        pattern = (ctypes.c_float * 1024)(*(0.005 + 0.01 * ((i * 7919) % 1024) / 1024 for i in range(1024)))
        for array in (p, g):
            for begin in range(0, tensors * pitch, ctypes.sizeof(pattern)):
                ctypes.memmove(array + begin, pattern, min(ctypes.sizeof(pattern), tensors * pitch - begin))

    def close(self):
        self.library.memory.nrl_memory_destroy(self.memory)
