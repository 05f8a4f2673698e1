using NativeRanger.Mpi.Tests.Support;
using NativeRanger.Tests.Support;

namespace NativeRanger.Mpi.Tests.Sharding;

/// <summary>Any number of ranks gives the bits of one process that accumulates the micro-batches in order.</summary>
public sealed class SameBitsTests
{
    public static TheoryData<int, int> RanksAndMicroBatches
    {
        get
        {
            var data = new TheoryData<int, int>();
            foreach (var ranks in new[] { 1, 2, 3, 4, 7 })
            {
                foreach (var microBatches in new[] { 1, 4, 7, 9 })
                {
                    data.Add(ranks, microBatches);
                }
            }

            return data;
        }
    }

    public static TheoryData<string> Optimizers => Registry.OptimizerNames();

    [Theory]
    [MemberData(nameof(RanksAndMicroBatches))]
    public void For_any_number_of_ranks_and_micro_batches(int ranks, int microBatches)
    {
        Compare<float>("ranger-decay", "everything", "bare", ranks, microBatches);
        Compare<double>("adamw-amsgrad", "none", "lookahead", ranks, microBatches);
    }

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void For_every_optimizer_transform_and_wrapper(string optimizer)
    {
        foreach (var transform in Registry.Transforms.Keys)
        {
            var wrappers = string.Equals(transform, "none", StringComparison.Ordinal)
                ? Registry.Wrappers.Keys
                : ["bare", "lookahead-twice-reset"];
            foreach (var wrapper in wrappers.Where(w => Registry.Allows(optimizer, transform, w)))
            {
                Compare<float>(optimizer, transform, wrapper, ranks: 3, microBatches: 3);
            }
        }
    }

    private static void Compare<T>(string optimizer, string transform, string wrapper, int ranks, int microBatches)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var recipe = Registry.Recipe(optimizer, transform, wrapper);
        var problem = new Problem<T>(Problem<T>.AllForms, steps: 4, microBatches, absent: 6);
        void Prepare(Stepper<T> stepper) => stepper.AddAverage(new ExponentialAverage { Decay = 0.9 });

        var alone = problem.RunAlone(recipe, Prepare);
        var results = Ranks.Run(ranks, c => problem.RunSharded(recipe, c, prepare: Prepare));

        Assert.All(
            results,
            result =>
            {
                var difference = alone.DifferenceTo(result);
                Assert.True(difference is null, $"{optimizer} {transform} {wrapper}, {ranks} ranks: {difference}");
            }
        );
    }
}
