using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeRanger.Cuda.Tests.Support;

namespace NativeRanger.Cuda.Tests;

/// <summary>Memory of devices: copies, lifetimes, and whose it is.</summary>
public sealed unsafe class BufferTests
{
    [Fact]
    public void Copies_in_and_out()
    {
        var gpu = StandIn.Open();
        float[] values = [1, 2, 3, 4, 5];
        using var buffer = gpu.Upload<float>(values);
        Assert.Equal(values, buffer.ToArray());
        buffer.CopyFrom([7, 8], start: 3);
        var part = new float[3];
        buffer.View(2, 3).CopyTo(part);
        Assert.Equal([3, 7, 8], part);
        using var other = gpu.Allocate<float>(5);
        Assert.Equal(new float[5], other.ToArray());
        other.CopyFrom(buffer);
        Assert.Equal([1, 2, 3, 7, 8], other.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.CopyFrom([1, 2], start: 4));
        Assert.Throws<ArgumentException>(() => other.CopyFrom(buffer.View(0, 2)));
    }

    /// <summary>Whether a parameter is the buffer or a part of it: what the host writes is there for the device, once.</summary>
    [Fact]
    public void A_buffer_and_its_parts_see_what_the_host_writes_through_any_of_them()
    {
        var gpu = StandIn.Open();
        using var buffer = gpu.Upload<float>([1, 2, 3, 4]);
        var part = buffer.View(1, 3);
        var inner = part.View(1, 1);
        var (p, q, r) = (
            new Parameter<float>("whole", buffer),
            new Parameter<float>("part", part),
            new Parameter<float>("inner", inner)
        );
        p.Slice(0, 4)[2] = 30;
        Assert.Equal([2, 30, 4], part.ToArray());
        _ = p.Slice(0, 4).Length;
        q.Slice(0, 3)[0] = 20;
        Assert.Equal([1, 20, 30, 4], buffer.ToArray());
        _ = p.Slice(0, 4).Length;
        r.Slice(0, 1)[0] = 31;
        Assert.Equal(31, p.Slice(0, 4)[2]);
        using var stepper = new Sgd { LearningRate = 1 }.Bind(part);
        using var gradient = gpu.Upload<float>([1, 1, 1]);
        p.Slice(0, 4)[1] = 5;
        stepper.Step(gradient);
        Assert.Equal([1, 4, 30, 3], buffer.ToArray());
    }

    [Fact]
    public void Copies_beside_other_work_with_pinned_memory()
    {
        var gpu = StandIn.Open();
        using var pinned = gpu.AllocatePinned<double>(3);
        using var buffer = gpu.Allocate<double>(3);
        ((double[])[0, 4, 0]).CopyTo(pinned.Span);
        buffer.CopyFromAsync(pinned);
        gpu.Synchronize();
        pinned.Span.Clear();
        buffer.CopyToAsync(pinned);
        Assert.Equal(0, pinned.Span[1]); // The stand-in does nothing before somebody waits.
        gpu.Synchronize();
        Assert.Equal([0, 4, 0], pinned.Span.ToArray());
        pinned.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pinned.Span.Length);
    }

    [Fact]
    public void Memory_that_is_not_the_devices_is_refused()
    {
        var (first, second) = (StandIn.Open(0), StandIn.Open(1));
        using var mine = first.Allocate<float>(10);
        using var same = first.Adopt<float>(mine.Address + 8, 8);
        Assert.Equal(8, same.Length);
        Assert.Throws<ArgumentException>(() => second.Adopt<float>(mine.Address, 10));
        Assert.Throws<ArgumentException>(() => first.Adopt<float>(mine.Address, 11));
        using var pinned = first.AllocatePinned<float>(10);
        var host = new float[10];
        fixed (float* address = host)
        {
            var onHost = (nint)address;
            Assert.Throws<ArgumentException>(() => first.Adopt<float>(onHost, 10));
        }

        // Of a context that is not the device's primary one.
        StandIn.Set("context=1");
        using var elsewhere = first.Allocate<float>(10);
        StandIn.Set("context=0");
        var refused = Assert.Throws<ArgumentException>(() => first.Adopt<float>(elsewhere.Address, 10));
        Assert.Contains("the memory is not this device's, or too short", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Each device has its own context, stream and memory, and a thread may use several.</summary>
    [Fact]
    public void Devices_step_side_by_side_to_the_same_bits()
    {
        var recipe = new Ranger { LearningRate = 0.1, Period = 2 };
        float[] start = [1, -2, 3, -4, 5, -6];
        float[] gradient = [0.5f, 0.25f, -1, 2, -0.125f, 3];
        var expected = (float[])start.Clone();
        using (var native = recipe.Bind(expected, 2, 3))
        {
            for (var step = 0; step < 9; step++)
            {
                native.Step(gradient);
            }
        }

        var devices = new[] { StandIn.Open(0), StandIn.Open(1), StandIn.Open(2) };
        Parallel.ForEach(
            devices,
            gpu =>
            {
                using var own = gpu.Upload<float>(start);
                using var given = gpu.Upload<float>(gradient);
                using var stepper = recipe.Bind(own, 2, 3);
                for (var step = 0; step < 9; step++)
                {
                    stepper.Step(given);
                }

                Assert.Equal(expected, own.ToArray());
            }
        );
        var buffers = devices.Select(gpu => gpu.Upload<float>(start)).ToArray();
        var gradients = devices.Select(gpu => gpu.Upload<float>(gradient)).ToArray();
        var steppers = buffers.Select(b => recipe.Bind(b, 2, 3)).ToArray();
        for (var step = 0; step < 9; step++)
        {
            for (var i = 0; i < devices.Length; i++)
            {
                steppers[i].Step(gradients[i]);
            }
        }

        Assert.All(buffers, b => Assert.Equal(expected, b.ToArray()));
        Array.ForEach(steppers, s => s.Dispose());
        Array.ForEach(buffers, b => b.Dispose());
        Array.ForEach(gradients, g => g.Dispose());
        Assert.Equal(0, StandIn.Violations);
    }

    [Fact]
    public void Devices_are_not_mixed_in_one_stepper()
    {
        var (first, second) = (StandIn.Open(0), StandIn.Open(1));
        using var a = first.Allocate<float>(4);
        using var b = second.Allocate<float>(4);
        var mixed = Assert.Throws<ArgumentException>(() =>
            new Sgd().Bind([new Parameter<float>("a", a), new Parameter<float>("b", b)], first)
        );
        Assert.Contains("'b'", mixed.Message, StringComparison.Ordinal);
        Assert.Contains("Stand-in 1", mixed.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new Sgd().Bind([new Parameter<float>("a", a)], Backend.Native));
        using var stepper = new Sgd().Bind(a);
        Assert.Throws<ArgumentException>(() => stepper.Step(b));
        using var native = new Sgd().Bind(new float[4]);
        Assert.Throws<ArgumentException>(() => native.Step(a));
        using var short_ = first.Allocate<float>(3);
        Assert.Throws<ArgumentException>(() => stepper.Step(short_));
        Assert.Throws<ArgumentException>(() => stepper.Step(a));
    }

    [Fact]
    public unsafe void A_gradient_that_was_looked_at_before_is_known_by_its_owner_too()
    {
        var (first, second) = (StandIn.Open(0), StandIn.Open(1));
        using var values = first.Upload<float>([1, 2]);
        using var other = second.Upload<float>([1, 1]);
        var gradient = first.Upload<float>([1, 1]);
        using var stepper = new Sgd { LearningRate = 1, Momentum = 0 }.Bind(values);
        // Memory of the stand-in's devices is memory of the host, too.
        stepper.Step([new Gradient<float>((float*)other.Address, 2)]);
        Assert.Throws<ArgumentException>(() => stepper.Step(other));
        stepper.Step(gradient);
        stepper.Step(gradient);
        gradient.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stepper.Step(gradient));
        Assert.Equal([-2f, -1f], values.ToArray());
    }

    [Fact]
    public void A_buffer_that_is_disposed_while_bound_stays_allocated_and_is_refused()
    {
        var gpu = StandIn.Open();
        using var gradient = gpu.Upload<float>([1, 1]);
        var values = gpu.Upload<float>([1, 2]);
        var stepper = new Sgd { LearningRate = 1 }.Bind(values);
        stepper.Step(gradient);
        gpu.Synchronize();
        var allocations = StandIn.Allocations;
        values.Dispose();
        Assert.Equal(allocations, StandIn.Allocations);
        var refused = Assert.Throws<ObjectDisposedException>(() => stepper.Step(gradient));
        Assert.Contains("'parameters'", refused.Message, StringComparison.Ordinal);
        Assert.Throws<ObjectDisposedException>(() => values.Address);
        stepper.Dispose();
        Assert.True(StandIn.Allocations < allocations);
        allocations = StandIn.Allocations;
        values.Dispose();
        Assert.Equal(allocations, StandIn.Allocations);
    }

    [Fact]
    public void A_parameter_without_a_gradient_in_a_micro_batch_adds_nothing()
    {
        var gpu = StandIn.Open();
        using var a = gpu.Upload<float>([1, 2]);
        using var b = gpu.Upload<float>([3, 4]);
        using var gradient = gpu.Upload<float>([1, 1]);
        using var stepper = new Sgd { LearningRate = 1 }.Bind(
            [new Parameter<float>("a", a), new Parameter<float>("b", b)],
            gpu
        );
        Assert.Equal("Sgd on cuda (Stand-in 0)", stepper.ToString());
        stepper.Accumulate([gradient, Gradient<float>.None]);
        stepper.Accumulate([gradient, gradient]);
        stepper.StepAccumulated();
        Assert.Equal([0, 1], a.ToArray());
        Assert.Equal([2.5f, 3.5f], b.ToArray());
    }

    [Fact]
    public void Fault_34_finalisers_wait_for_the_device()
    {
        var gpu = StandIn.Open();
        var before = Settled();
        for (var i = 0; i < 5; i++)
        {
            LeaveBehind(gpu);
        }

        Assert.Equal(before, Settled());
        Assert.Equal(0, StandIn.Violations);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void LeaveBehind(CudaBackend gpu)
        {
            var values = gpu.Upload<float>(new float[1000]);
            var gradient = gpu.Upload<float>(new float[1000]);
            new Ranger().Bind(values).Step(gradient);
        }

        static long Settled()
        {
            for (var i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            return StandIn.Allocations;
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Tensor
    {
        public nint Data;
        public int DeviceType,
            DeviceId,
            Dimensions;
        public byte Code,
            Bits;
        public ushort Lanes;
        public long* Shape,
            Strides;
        public ulong ByteOffset;
        public nint Context;
        public delegate* unmanaged[Cdecl]<Tensor*, void> Deleter;
    }

    private static int deleted;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Delete(Tensor* tensor) => deleted++;

    [Fact]
    public void DLPack_tensors_are_stepped_without_a_copy_and_deleted_once()
    {
        var gpu = StandIn.Open();
        using var memory = gpu.Upload<float>([0, 1, 2, 3, 4, 5, 6]);
        long* shape = stackalloc long[] { 2, 3 };
        long* strides = stackalloc long[] { 3, 1 };
        var tensor = new Tensor
        {
            Data = memory.Address,
            DeviceType = 2,
            DeviceId = 0,
            Dimensions = 2,
            Code = 2,
            Bits = 32,
            Lanes = 1,
            Shape = shape,
            Strides = strides,
            ByteOffset = 4,
            Deleter = &Delete,
        };
        var capsule = (nint)(&tensor);
        deleted = 0;
        Assert.Throws<ArgumentException>(() => gpu.AdoptDLPack<double>(capsule));
        Assert.Throws<ArgumentException>(() => StandIn.Open(1).AdoptDLPack<float>(capsule));
        tensor.Strides[0] = 4;
        Assert.Throws<ArgumentException>(() => gpu.AdoptDLPack<float>(capsule));
        tensor.Strides[0] = 3;
        Assert.Equal(0, deleted);
        using (var adopted = gpu.AdoptDLPack<float>(capsule))
        {
            using var stepper = new Sgd { LearningRate = 1 }.Bind(adopted, 2, 3);
            using var gradient = gpu.Upload<float>([1, 1, 1, 1, 1, 1]);
            stepper.Step(gradient);
        }

        Assert.Equal(1, deleted);
        Assert.Equal([0, 0, 1, 2, 3, 4, 5], memory.ToArray());
    }

    [Fact]
    public void Kernels_of_the_caller_run_in_the_same_stream()
    {
        const string Negate = """
            .version 6.3
            .target sm_70
            .address_size 64
            .visible .entry negate(
                .param .u64 values
            )
            {
                .reg .b32 %r<2>;
                .reg .b64 %rd<4>;
                .reg .f32 %f<3>;
                mov.u32 %r1, %tid.x;
                mul.wide.u32 %rd1, %r1, 4;
                ld.param.u64 %rd2, [values];
                add.s64 %rd3, %rd2, %rd1;
                ld.global.f32 %f1, [%rd3];
                neg.f32 %f2, %f1;
                st.global.f32 [%rd3], %f2;
                ret;
            }
            """;
        var gpu = StandIn.Open();
        using var module = gpu.LoadModule(Negate);
        using var values = gpu.Upload<float>([1, 2, 3]);
        using var gradient = gpu.Upload<float>([1, 1, 1]);
        using var stepper = new Sgd { LearningRate = 1 }.Bind(values);
        module.Kernel("negate").Launch(1, 3, gradient.Address);
        stepper.Step(gradient);
        Assert.Equal([2, 3, 4], values.ToArray());
        Assert.Throws<CudaException>(() => module.Kernel("other"));
        var refused = Assert.Throws<CudaException>(() => gpu.LoadModule("nonsense"));
        Assert.Contains("this is no PTX", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_are_arguments_of_kernels()
    {
        const string Fill = """
            .version 6.3
            .target sm_70
            .address_size 64
            .visible .entry fill(
                .param .u64 values,
                .param .f32 number
            )
            {
                .reg .b32 %r<2>;
                .reg .b64 %rd<4>;
                .reg .f32 %f<2>;
                mov.u32 %r1, %tid.x;
                mul.wide.u32 %rd1, %r1, 4;
                ld.param.u64 %rd2, [values];
                add.s64 %rd3, %rd2, %rd1;
                ld.param.f32 %f1, [number];
                st.global.f32 [%rd3], %f1;
                ret;
            }
            """;
        var gpu = StandIn.Open();
        using var module = gpu.LoadModule(Fill);
        using var values = gpu.Upload<float>([1, 2, 3]);
        var fill = module.Kernel("fill");
        fill.Launch(1, 2, values.Address, DeviceKernel.Bits(2.5f));
        Assert.Equal([2.5f, 2.5f, 3], values.ToArray());
        Assert.Equal(BitConverter.DoubleToInt64Bits(-0.1), DeviceKernel.Bits(-0.1));

        // More threads than a block has.
        Assert.Throws<ArgumentException>(() => fill.Launch(1, 1025, values.Address, DeviceKernel.Bits(1f)));
        fill.Launch(0, 1, values.Address, DeviceKernel.Bits(1f));
        Assert.Equal([2.5f, 2.5f, 3], values.ToArray());
    }

    [Fact]
    public void A_stream_of_another_library_is_used()
    {
        var gpu = StandIn.Open();
        var onDefault = gpu.OnStream(0);
        using var values = onDefault.Upload<float>([1, 2]);
        using var stepper = new Sgd { LearningRate = 1 }.Bind(values);
        using var gradient = onDefault.Upload<float>([1, 1]);
        stepper.Step(gradient);
        Assert.Equal([0, 1], values.ToArray());
        Assert.Equal(0, onDefault.Stream);
        Assert.Equal(gpu.Ordinal, onDefault.Ordinal);
    }
}
