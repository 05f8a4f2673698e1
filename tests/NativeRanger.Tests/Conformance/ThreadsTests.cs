using System.Numerics;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Conformance;

/// <summary>The bits do not depend on the number of threads, nor on how the work is cut.</summary>
public sealed class ThreadsTests
{
    /// <summary>Many small tensors, rows of every kind, rows that are cut, and an array that ends within a block.</summary>
    private static readonly long[][] shapes =
    [
        [200_001],
        [2, 150_001],
        [700, 150],
        [3, 40_000],
        .. Enumerable.Range(0, 300).Select(i => new long[] { i }),
        [64, 9, 3, 3],
    ];

    [Theory]
    [InlineData("ranger", "none", "bare")]
    [InlineData("radam-l2", "everything", "lookahead")]
    [InlineData("nesterov", "centralised-update", "lookahead-pullback")]
    [InlineData("amsgrad", "standardised", "lookahead-twice-reset")]
    [InlineData("adagrad", "clip-norm", "bare")]
    [InlineData("adamw", "adaptive-clip", "lookahead-own-counter")]
    [InlineData("sgd", "clip-value", "lookahead-reset")]
    [InlineData("seed-ranger", "none", "lookahead")]
    public void Fault_22_one_two_and_eight_threads(string optimizer, string transform, string wrapper)
    {
        var recipe = Registry.Recipe(optimizer, transform, wrapper);
        Compare(new Scenario<float>(1, 5, GradientKind.Ordinary, skips: true, shapes), recipe);
        Compare(new Scenario<double>(2, 5, GradientKind.Ordinary, skips: true, shapes), recipe);
    }

    [Fact]
    public void Column_major_rows()
    {
        var recipe = Registry.Recipe("radam", "centralised");
        Compare(
            new Scenario<float>(3, 3, GradientKind.Ordinary, skips: false, [512, 513], [3000, 70])
            {
                Storage = StorageOrder.ColumnMajor,
            },
            recipe
        );
    }

    [Fact]
    public void Options_changed_and_groups_and_averages_added_between_steps()
    {
        var scenario = new Scenario<float>(4, 6, GradientKind.Ordinary, skips: false, [100_000], [300, 300]);
        Compare(
            scenario,
            new Ranger { LearningRate = 0.01 },
            afterStep: (stepper, t) =>
            {
                if (t == 1)
                {
                    stepper.AddAverage(new ExponentialAverage());
                }

                if (t == 3)
                {
                    stepper.Groups[0].Optimizer = new Ranger
                    {
                        LearningRate = 0.1,
                        Centralization = Centralization.None,
                        ClipNorm = 1,
                    };
                }
            }
        );
    }

    [Fact]
    public void Fault_47_steps_on_many_steppers_at_once()
    {
        var scenario = new Scenario<float>(5, 20, GradientKind.Ordinary, skips: true, shapes);
        var recipe = new Ranger { ClipNorm = 1 };
        var expected = scenario.Run(recipe, NativeBackend.On(InstructionSet.Auto, 1));
        Parallel.For(
            0,
            8,
            _ => Assert.Null(expected.Difference(scenario.Run(recipe, NativeBackend.On(InstructionSet.Auto, 8))))
        );
    }

    private static void Compare<T>(Scenario<T> scenario, Optimizer recipe, Action<Stepper<T>, int>? afterStep = null)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var expected = scenario.Run(recipe, NativeBackend.On(InstructionSet.Auto, 1), afterStep: afterStep);
        foreach (var threads in new[] { 2, 8 })
        {
            var difference = expected.Difference(
                scenario.Run(recipe, NativeBackend.On(InstructionSet.Auto, threads), afterStep: afterStep)
            );
            Assert.True(difference is null, $"{threads} threads, {typeof(T).Name}: {difference}");
        }
    }
}
