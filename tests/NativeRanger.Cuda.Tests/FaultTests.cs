using NativeRanger.Cuda.Tests.Support;

namespace NativeRanger.Cuda.Tests;

/// <summary>Devices that are not there, full, or lost.</summary>
public sealed class FaultTests : IDisposable
{
    private const int OutOfMemory = 2;
    private const int LaunchFailed = 719;

    /// <summary>Tests that lose a device have it for themselves.</summary>
    private const int LostByLaunch = 4;
    private const int LostLater = 5;
    private const int Refusing = 6;

    public FaultTests() => StandIn.Set("reset=1");

    public void Dispose() => StandIn.Set("reset=1");

    [Fact]
    public void Fault_61_a_device_that_is_not_there_is_a_reason_and_no_exception()
    {
        Assert.False(Backend.TryCuda(StandIn.Devices, out var backend, out var reason));
        Assert.Null(backend);
        Assert.Contains("there is no device 8; the driver sees 8", reason, StringComparison.Ordinal);
        Assert.False(Backend.TryCuda(-1, out _, out _));
        Assert.True(Backend.TryCuda(0, out var present, out var none));
        Assert.Null(none);
        Assert.Same(present, StandIn.Open());
        Assert.Equal("Stand-in 0", present.DeviceName);
        Assert.Equal(new Version(9, 0), present.Capability);
        Assert.Equal(new Version(12, 4), present.DriverVersion);
        Assert.Equal("cuda", present.Name);
        Assert.Equal("cuda Stand-in 0", present.ToString());
    }

    [Fact]
    public void Fault_61_a_device_that_cannot_be_opened_can_be_opened_later()
    {
        // One that no other test has opened: info opens all that there are.
        const int Device = StandIn.Devices + 1;
        StandIn.Set($"devices={Device + 1}");
        try
        {
            StandIn.Fail("cuModuleLoadDataEx", 1, OutOfMemory);
            Assert.False(Backend.TryCuda(Device, out _, out var reason));
            Assert.Contains("cuModuleLoadDataEx failed: out of memory", reason, StringComparison.Ordinal);
            Assert.True(Backend.TryCuda(Device, out _, out _));
        }
        finally
        {
            StandIn.Set($"devices={StandIn.Devices}");
        }
    }

    /// <summary>Whichever allocation of binding and of the first step fails: nothing has changed, and nothing leaks.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fault_62_out_of_memory_at_every_allocation_of_a_micro_batch(bool gradientsAreOnTheDevice)
    {
        var gpu = StandIn.Open();
        float[] g = [1, 2];
        using var onDevice = gpu.Upload<float>(g);
        Gradient<float> gradient = gradientsAreOnTheDevice ? onDevice : g;
        foreach (var function in new[] { "cuMemAlloc_v2", "cuMemHostAlloc" })
        {
            var failures = 0;
            for (var failed = true; failed; )
            {
                float[] a = [1, 2];
                float[] b = [3, 4];
                using var stepper = new Sgd { LearningRate = 1 }.Bind(
                    [Parameter.Of("a", a), Parameter.Of("b", b)],
                    gpu
                );
                StandIn.Fail(function, failures + 1, OutOfMemory);
                try
                {
                    stepper.Accumulate([gradient, gradient]);
                    failed = false;
                }
                catch (OutOfMemoryException)
                {
                    failures++;
                    Assert.Equal(0, stepper.AccumulatedMicroBatches);
                }

                StandIn.Set("reset=1");
                if (failed)
                {
                    stepper.Accumulate([gradient, gradient]);
                }

                Assert.True(stepper.StepAccumulated());
                Assert.Equal([0, 0], a);
                Assert.Equal([2, 2], b);
            }

            Assert.True(failures >= (function is "cuMemAlloc_v2" ? 2 : 0), "the sum of each parameter is to be met");
        }
    }

    [Fact]
    public void Fault_62_out_of_memory_at_every_allocation()
    {
        var gpu = StandIn.Open();
        var recipe = new Lookahead(new Adam { LearningRate = 0.1 }) { Period = 1 };
        using var gradient = gpu.Upload<float>([1, 2, 3, 4]);
        foreach (var function in new[] { "cuMemAlloc_v2", "cuMemHostAlloc" })
        {
            for (var n = 1; ; n++)
            {
                using var values = gpu.Upload<float>([1, 2, 3, 4]);
                var before = StandIn.Allocations;
                StandIn.Fail(function, n, OutOfMemory);
                var failed = false;
                try
                {
                    using var stepper = recipe.Bind(values, 2, 2);
                    try
                    {
                        stepper.Step(gradient);
                    }
                    catch (OutOfMemoryException)
                    {
                        failed = true;
                        Assert.Equal(0, stepper.StepCount);
                        Assert.Equal(0, stepper.ParameterSteps(0));
                        Assert.Equal([1, 2, 3, 4], values.ToArray());
                        Assert.True(stepper.Step(gradient));
                        Assert.Equal(1, stepper.StepCount);
                    }
                }
                catch (OutOfMemoryException)
                {
                    failed = true;
                    Assert.Equal([1, 2, 3, 4], values.ToArray());
                }

                StandIn.Set("reset=1");
                Assert.Equal(before, StandIn.Allocations);
                if (!failed)
                {
                    Assert.True(n > 2, "the first allocations are to be met");
                    break;
                }
            }
        }
    }

    /// <summary>An average is kept of every parameter or of none.</summary>
    [Fact]
    public void Fault_62_out_of_memory_at_every_allocation_of_an_average()
    {
        var gpu = StandIn.Open();
        for (var failures = 0; ; failures++)
        {
            using var a = gpu.Upload<float>([1, 2]);
            using var b = gpu.Upload<float>([3, 4]);
            using var gradient = gpu.Upload<float>([1, 1]);
            using var stepper = new Sgd { LearningRate = 1 }.Bind<float>(
                [new ParameterGroup<float>(new Parameter<float>("a", a)), new(new Parameter<float>("b", b))],
                gpu
            );
            var before = StandIn.Allocations;
            StandIn.Fail("cuMemAlloc_v2", failures + 1, OutOfMemory);
            try
            {
                stepper.AddAverage(new ExponentialAverage { Decay = 0.5 });
                StandIn.Set("reset=1");
                Assert.True(failures >= 2, "the average of each parameter is to be met");
                return;
            }
            catch (OutOfMemoryException)
            {
                StandIn.Set("reset=1");
            }

            Assert.Empty(stepper.Averages);
            Assert.Equal(before, StandIn.Allocations);
            var average = stepper.AddAverage(new ExponentialAverage { Decay = 0.5 });
            stepper.Step([gradient, gradient]);
            Assert.Equal([0, 1], a.ToArray());
            Assert.Equal([0.5f, 1.5f], average.Weights(0).Slice(0, 2).ToArray());
            Assert.Equal([2.5f, 3.5f], average.Weights(1).Slice(0, 2).ToArray());
        }
    }

    [Fact]
    public void Fault_62_a_device_that_is_lost_names_the_last_step_that_is_held_and_fails_fast()
    {
        var gpu = StandIn.Open(LostByLaunch);
        using var gradient = gpu.Upload<float>([1, 1]);
        using var values = gpu.Upload<float>([1, 2]);
        var stepper = new Sgd { LearningRate = 1 }.Bind(values);
        stepper.Step(gradient);
        stepper.Step(gradient);
        using var checkpoint = new MemoryStream();
        stepper.Save(checkpoint);
        StandIn.Fail("cuLaunchKernel", 1, LaunchFailed);
        var lost = Assert.Throws<CudaException>(() => stepper.Step(gradient));
        Assert.True(lost.IsDeviceLost);
        Assert.Contains("cuLaunchKernel failed", lost.Message, StringComparison.Ordinal);
        Assert.Contains("the last checkpoint that it saved holds step 2", lost.Message, StringComparison.Ordinal);

        var calls = StandIn.Calls("cuCtxPushCurrent_v2");
        Assert.Equal(lost.Message, Assert.Throws<CudaException>(() => stepper.Step(gradient)).Message);
        Assert.Throws<CudaException>(() => stepper.AddAverage(new ExponentialAverage()));
        Assert.Equal(calls, StandIn.Calls("cuCtxPushCurrent_v2"));
        stepper.Dispose();

        // What was saved is whole.
        checkpoint.Position = 0;
        var host = new float[2];
        using var again = new Sgd { LearningRate = 1 }.Resume(host, checkpoint);
        Assert.Equal([-1f, 0f], host);
    }

    /// <summary>A failure of work that is under way comes to light in a later call, and arrays of the host are as they were.</summary>
    [Fact]
    public void Fault_63_a_failure_that_comes_to_light_later()
    {
        var gpu = StandIn.Open(LostLater);
        float[] values = [1, 2];
        using var stepper = new Sgd { LearningRate = 1 }.Bind(values, gpu);
        stepper.Step([1f, 1f]);
        Assert.Equal([0f, 1f], values);
        StandIn.Fail("cuStreamSynchronize", 1, LaunchFailed);
        var lost = Assert.Throws<CudaException>(() => stepper.Step([1f, 1f]));
        Assert.Contains("after step 2", lost.Message, StringComparison.Ordinal);
        Assert.Contains("arrays of the host hold step 1", lost.Message, StringComparison.Ordinal);
        Assert.Contains("it has saved no checkpoint", lost.Message, StringComparison.Ordinal);
        Assert.Equal([0f, 1f], values);
    }

    /// <summary>A call that the driver refuses ends the stepper, not the device.</summary>
    [Fact]
    public void Fault_62_a_launch_that_fails_ends_the_stepper_only()
    {
        var gpu = StandIn.Open(Refusing);
        using var gradient = gpu.Upload<float>([1, 1]);
        using var values = gpu.Upload<float>([1, 2]);
        using var stepper = new Sgd { LearningRate = 1 }.Bind(values);
        StandIn.Fail("cuLaunchKernel", 1, 1);
        Assert.False(Assert.Throws<CudaException>(() => stepper.Step(gradient)).IsDeviceLost);
        Assert.Throws<CudaException>(() => stepper.Step(gradient));
        using var another = new Sgd { LearningRate = 1 }.Bind(values);
        another.Step(gradient);
        Assert.Equal([0, 1], values.ToArray());
    }

    [Fact]
    public void Throwing_at_a_gradient_that_is_not_finite_changes_nothing()
    {
        var gpu = StandIn.Open();
        using var gradient = gpu.Upload<float>([1, float.NaN]);
        using var values = gpu.Upload<float>([1, 2]);
        using var stepper = new Adam { NonFinite = NonFinitePolicy.Throw }.Bind(values);
        Assert.Throws<NonFiniteGradientException>(() => stepper.Step(gradient));
        Assert.Equal(0, stepper.StepCount);
        Assert.Equal(0, stepper.ParameterSteps(0));
        Assert.Equal([1, 2], values.ToArray());
    }

    /// <summary>Skipping is decided on the device: the step returns before it is known, and the counts wait for it.</summary>
    [Fact]
    public void Skipped_steps_are_counted_once_the_device_has_decided()
    {
        var gpu = StandIn.Open();
        using var good = gpu.Upload<float>([1, 1]);
        using var bad = gpu.Upload<float>([1, float.PositiveInfinity]);
        using var values = gpu.Upload<float>([1, 2]);
        using var stepper = new Sgd { LearningRate = 1, NonFinite = NonFinitePolicy.SkipStep }.Bind(values);
        var waits = StandIn.Calls("cuEventSynchronize");
        Assert.True(stepper.Step(bad));
        Assert.Equal(waits, StandIn.Calls("cuEventSynchronize"));
        Assert.Equal(0, stepper.StepCount);
        Assert.Equal(1, stepper.SkippedSteps);
        stepper.Step(good);
        stepper.Step(bad);
        stepper.Step(good);
        Assert.Equal(2, stepper.StepCount);
        Assert.Equal(2, stepper.SkippedSteps);
        Assert.Equal(2, stepper.ParameterSteps(0));
        Assert.Equal([-1, 0], values.ToArray());
    }
}
