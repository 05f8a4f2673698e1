using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Runtime;

/// <summary>Arrays beyond 2³¹ elements or 2 GB, most of whose pages are one and the same so that no machine is too small.</summary>
[Collection(nameof(WholeProcess))]
public sealed unsafe class LargeMemoryTests
{
    private const long Beyond = (1L << 31) + 7;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Fault_4_more_elements_than_an_int_can_count(int threads)
    {
        using var p = new FoldedMemory<float>(Beyond);
        using var g = new FoldedMemory<float>(Beyond);
        g.First.Fill(1);
        g.Last.Fill(1);
        g.Folded.Fill(1);
        var recipe = new Sgd { LearningRate = 0.5, ClipNorm = 1 };
        using var stepper = recipe.Bind(
            [new Parameter<float>("p", p.Address, Beyond)],
            NativeBackend.On(InstructionSet.Auto, threads)
        );

        stepper.Step([new Gradient<float>(g.Address, Beyond)]);

        // The norm is the root of the number of elements, which every sum of blocks holds exactly.
        var expected = -0.5f * (1f * (float)(1 / Math.Sqrt(Beyond)));
        Assert.NotEqual(-0.5f * (1f * (float)(1 / Math.Sqrt(7))), expected);
        Assert.Equal(-1, p.First.IndexOfAnyExcept(expected));
        var last = p.Last;
        Assert.Equal(-1, last[..^p.Slack].IndexOfAnyExcept(expected));
        Assert.Equal(-1, last[^p.Slack..].IndexOfAnyExcept(0));

        // Several elements share an address here: a single thread steps it once for each of them.
        if (threads == 1)
        {
            var sum = 0f;
            for (var fold = 0; fold < p.Folds; fold++)
            {
                sum += expected;
            }

            Assert.Equal(-1, p.Folded.IndexOfAnyExcept(sum));
        }
    }

    /// <summary>The second gradient is longer than an array can be, and the first has room: neither is added.</summary>
    [Fact]
    public void A_micro_batch_is_added_as_a_whole_or_not_at_all()
    {
        using var large = new FoldedMemory<float>(Beyond);
        using var gradient = new FoldedMemory<float>(Beyond);
        float[] small = [1];
        using var stepper = new Sgd { LearningRate = 0.5 }.Bind([
            new ParameterGroup<float>(
                Parameter.Of("small", small),
                new Parameter<float>("large", large.Address, Beyond)
            ),
        ]);

        var refused = Assert.Throws<NotSupportedException>(() =>
            stepper.Accumulate([new float[] { 4 }, new Gradient<float>(gradient.Address, Beyond)])
        );
        Assert.Contains($"{Beyond}", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, stepper.AccumulatedMicroBatches);

        stepper.Accumulate([new float[] { 1 }, default]);
        Assert.True(stepper.StepAccumulated());
        Assert.Equal([0.5f], small);
    }

    [MemoryFact(Gigabytes = 3)]
    public void Fault_44_a_managed_array_of_more_than_2_gigabytes()
    {
        var length = (int)((1L << 31) / sizeof(double)) + 9;
        var p = new double[length];
        using var g = new FoldedMemory<double>(length);
        g.First.Fill(1);
        g.Folded.Fill(1);
        g.Last.Fill(1);
        using var stepper = new Sgd { LearningRate = 0.5 }.Bind(p);
        stepper.Step([new Gradient<double>(g.Address, length)]);
        Assert.Equal(length, p.AsSpan().Count(-0.5));
    }
}
