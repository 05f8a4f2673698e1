using NativeRanger.Cuda.Tests.Support;
using NativeRanger.Tests.Support;

namespace NativeRanger.Cuda.Tests;

/// <summary>A step allocates nothing on the managed heap, launches little and waits for nothing.</summary>
public sealed class AllocationTests
{
    [Theory]
    [InlineData("ranger", "none", "bare")]
    [InlineData("adamw", "everything", "lookahead")]
    [InlineData("seed-ranger", "clip-norm", "bare")]
    public void A_step_allocates_nothing(string optimizer, string transform, string wrapper)
    {
        var gpu = StandIn.Open();
        var recipe = Registry.Recipe(optimizer, transform, wrapper) with { NonFinite = NonFinitePolicy.SkipStep };
        using var a = gpu.Allocate<float>(64);
        using var b = gpu.Allocate<float>(9);
        var host = new float[5];
        using var ga = gpu.Upload<float>([.. Enumerable.Range(0, 64).Select(i => (float)i)]);
        using var gb = gpu.Allocate<float>(9);
        var gc = new float[5];
        using var single = recipe.Bind(a.View(0, 64));
        using var several = recipe.Bind([new Parameter<float>("b", b, 3, 3), new Parameter<float>("host", host)], gpu);
        void Steps()
        {
            for (var i = 0; i < 8; i++)
            {
                single.Step(ga);
                several.Step([gb, gc]);
                several.Step([gb, Gradient<float>.None]);
            }
        }

        Steps();
        Assert.Equal(0, Allocations.Of(Steps));
    }

    [Fact]
    public void A_step_of_many_tensors_is_one_launch_and_waits_for_nothing()
    {
        var gpu = StandIn.Open();
        var buffers = Enumerable.Range(0, 300).Select(_ => gpu.Upload<float>(new float[12])).ToArray();
        var gradients = Enumerable
            .Range(0, 300)
            .Select(_ => (Gradient<float>)gpu.Upload<float>(new float[12]))
            .ToArray();
        using var stepper = new Ranger().Bind(buffers.Select((v, i) => new Parameter<float>($"p{i}", v, 3, 4)), gpu);
        for (var step = 0; step < 8; step++)
        {
            stepper.Step(gradients); // the first are not rectified yet
        }

        gpu.Synchronize();
        var launches = StandIn.Calls("cuLaunchKernel");
        var waits = StandIn.Calls("cuStreamSynchronize") + StandIn.Calls("cuCtxSynchronize");
        stepper.Step(gradients);
        Assert.Equal(1, StandIn.Calls("cuLaunchKernel") - launches);
        Assert.Equal(waits, StandIn.Calls("cuStreamSynchronize") + StandIn.Calls("cuCtxSynchronize"));
    }
}
