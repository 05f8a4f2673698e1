using System.Numerics;
using NativeRanger.Numerics;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Conformance;

/// <summary>Native on every instruction set gives the bits of the managed reference: parameters, state and counters.</summary>
public sealed class NativeEqualsManagedTests
{
    /// <summary>Scalars, vectors, empty and one-element extents, rows of one element, a convolution's four dimensions.</summary>
    private static readonly long[][] oddShapes =
    [
        [],
        [0],
        [1],
        [7],
        [33],
        [0, 4],
        [3, 0],
        [1, 5],
        [4, 1],
        [5, 13],
        [3, 4, 3, 3],
        [2, 3, 2],
        [3, 67],
    ];

    [Theory]
    [MemberData(nameof(Registry.Combinations), MemberType = typeof(Registry))]
    public void Fault_23_every_combination_on_odd_shapes(string optimizer, string transform, string wrapper)
    {
        var recipe = Registry.Recipe(optimizer, transform, wrapper);
        Compare(new Scenario<float>(1, 9, GradientKind.Ordinary, skips: true, oddShapes), recipe);
        Compare(new Scenario<double>(2, 9, GradientKind.Ordinary, skips: true, oddShapes), recipe);
        Compare(new Scenario<float>(3, 7, GradientKind.Hostile, skips: true, oddShapes), recipe);
        Compare(new Scenario<double>(4, 7, GradientKind.Hostile, skips: true, oddShapes), recipe);
    }

    [Theory]
    [MemberData(nameof(Registry.OptimizerNames), MemberType = typeof(Registry))]
    public void Fault_40_41_every_length_and_offset(string optimizer)
    {
        var recipe = Registry.Recipe(optimizer, "none", "lookahead");
        for (var length = 0; length <= 257; length++)
        {
            Compare(
                new Scenario<float>(length, 4, GradientKind.Ordinary, skips: false, [length]) { Offset = length % 17 },
                recipe
            );
            Compare(
                new Scenario<double>(length, 4, GradientKind.Ordinary, skips: false, [length]) { Offset = length % 9 },
                recipe
            );
        }
    }

    [Theory]
    [MemberData(nameof(Registry.OptimizerNames), MemberType = typeof(Registry))]
    public void Rows_of_every_length(string optimizer)
    {
        var transform = Registry.Allows(optimizer, "centralised", "bare") ? "centralised" : "none";
        var recipe = Registry.Recipe(optimizer, transform);
        for (var length = 2L; length <= 257; length += length < 70 ? 1 : 17)
        {
            Compare(new Scenario<float>((int)length, 3, GradientKind.Ordinary, skips: false, [3, length]), recipe);
            Compare(new Scenario<double>((int)length, 3, GradientKind.Ordinary, skips: false, [3, length]), recipe);
        }
    }

    [Theory]
    [InlineData("ranger", "none")]
    [InlineData("radam", "clip-norm")]
    [InlineData("adamw", "adaptive-clip")]
    [InlineData("momentum", "centralised-update")]
    [InlineData("seed-ranger", "none")]
    public void Blocks_and_rows_beyond_4096(string optimizer, string transform)
    {
        var recipe = Registry.Recipe(optimizer, transform);
        long[][] shapes =
        [
            [2, 4096],
            [1, 4097],
            [3, 12_345],
            [70_001],
        ];
        Compare(new Scenario<float>(5, 3, GradientKind.Ordinary, skips: false, shapes), recipe);
        Compare(new Scenario<double>(6, 3, GradientKind.Ordinary, skips: false, shapes), recipe);
    }

    [Theory]
    [InlineData(StorageOrder.ColumnMajor, 0)]
    [InlineData(StorageOrder.ColumnMajor, 1)]
    [InlineData(StorageOrder.RowMajor, 1)]
    public void Every_layout_of_rows(StorageOrder storage, int outputDimension)
    {
        long[][] shapes =
        [
            [1, 5],
            [5, 1],
            [3, 4],
            [10, 78],
            [129, 33],
            [65, 4100],
            [4100, 3],
        ];
        foreach (
            var transform in new[]
            {
                "centralised",
                "centralised-update",
                "standardised",
                "adaptive-clip",
                "everything",
            }
        )
        {
            var recipe = Registry.Recipe("radam-l2", transform);
            Compare(
                new Scenario<float>(7, 3, GradientKind.Ordinary, skips: false, shapes)
                {
                    Storage = storage,
                    OutputDimension = outputDimension,
                },
                recipe
            );
            Compare(
                new Scenario<double>(8, 3, GradientKind.Ordinary, skips: false, shapes)
                {
                    Storage = storage,
                    OutputDimension = outputDimension,
                },
                recipe
            );
        }
    }

    [Theory]
    [MemberData(nameof(Registry.OptimizerNames), MemberType = typeof(Registry))]
    public void Averages_beside_any_optimizer(string optimizer)
    {
        var recipe = Registry.Recipe(optimizer, "none", "lookahead");
        var scenario = new Scenario<float>(9, 8, GradientKind.Ordinary, skips: true, [7], [3, 5]);
        Compare(
            scenario,
            recipe,
            stepper =>
            {
                stepper.AddAverage(new ExponentialAverage { Decay = 0.9 });
                stepper.AddAverage(new StochasticAverage { Start = 2, Every = 2 });
            }
        );
    }

    [Theory]
    [InlineData("ranger", "bare")]
    [InlineData("momentum", "lookahead-pullback")]
    [InlineData("adam", "lookahead-reset")]
    [InlineData("adagrad-decay", "lookahead-twice-reset")]
    public void Synchronising_by_hand(string optimizer, string wrapper)
    {
        var recipe = Registry.Recipe(optimizer, "none", wrapper);
        Compare(
            new Scenario<double>(10, 11, GradientKind.Ordinary, skips: true, [7], [3, 5]),
            recipe,
            afterStep: (stepper, t) =>
            {
                if (t is 3 or 4)
                {
                    stepper.Synchronize();
                }
            }
        );
    }

    [Theory]
    [InlineData(NonFinitePolicy.SkipStep)]
    [InlineData(NonFinitePolicy.Propagate)]
    public void Fault_13_14_skipped_steps(NonFinitePolicy policy)
    {
        var recipe = Registry.Recipe("ranger", "clip-norm", "lookahead") with { NonFinite = policy };
        Compare(new Scenario<float>(11, 12, GradientKind.Hostile, skips: true, [2], [3]), recipe);
        Compare(new Scenario<double>(12, 12, GradientKind.Hostile, skips: true, [2], [3]), recipe);
    }

    private static void Compare<T>(
        Scenario<T> scenario,
        Optimizer recipe,
        Action<Stepper<T>>? prepare = null,
        Action<Stepper<T>, int>? afterStep = null
    )
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var expected = scenario.Run(recipe, Backend.Managed, prepare, afterStep);
        foreach (var backend in Registry.NativeBackends())
        {
            var difference = expected.Difference(scenario.Run(recipe, backend, prepare, afterStep));
            Assert.True(difference is null, $"{backend}, {typeof(T).Name}: {difference}");
        }
    }
}
