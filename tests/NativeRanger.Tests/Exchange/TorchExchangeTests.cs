using System.IO.Compression;
using System.Numerics;
using NativeRanger.Tests.Checkpoints;
using NativeRanger.Tests.Interop;

namespace NativeRanger.Tests.Exchange;

/// <summary>
/// PyTorch and this library go on with each other's runs: half a run on one side, the rest on the other, against the whole run
/// on PyTorch. Without PyTorch, its runs are those of tests/torch/recorded.zip.
/// </summary>
public sealed class TorchExchangeTests(TorchExchangeTests.BothSides files) : IClassFixture<TorchExchangeTests.BothSides>
{
    public static TheoryData<string, bool> Cases()
    {
        var cases = new TheoryData<string, bool>();
        foreach (var name in ExchangeCase.Recipes.Keys)
        {
            cases.Add(name, false);
            cases.Add(name, true);
        }

        return cases;
    }

    [PyTorchFact]
    public void The_stand_ins_reproduce_the_recorded_runs_of_the_originals() =>
        PyTorch.Run("check", Path.Combine(Headers.Root, "src", "NativeRanger.Cli", "Traces"));

    [Theory]
    [MemberData(nameof(Cases))]
    public void We_go_on_with_a_run_of_PyTorch(string name, bool isDouble)
    {
        if (isDouble)
        {
            GoOn<double>(name);
        }
        else
        {
            GoOn<float>(name);
        }
    }

    [PyTorchTheory]
    [MemberData(nameof(Cases))]
    public void PyTorch_goes_on_with_a_run_of_ours(string name, bool isDouble)
    {
        if (isDouble)
        {
            Compare(Load<double>(name, "whole"), Load<double>(name, "continued"), name);
        }
        else
        {
            Compare(Load<float>(name, "whole"), Load<float>(name, "continued"), name);
        }
    }

    private void GoOn<T>(string name)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using var ours = Load<T>(name, "half");
        ExchangeCase.Run(name, ours, ExchangeCase.Half + 1, ExchangeCase.End);
        Compare(Load<T>(name, "whole"), ours, name);
    }

    private Stepper<T> Load<T>(string name, string part)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var stepper = ExchangeCase.Bind<T>(name);
        TorchState.Load(stepper, files.Of<T>(name, part));
        return stepper;
    }

    private static void Compare<T>(Stepper<T> expected, Stepper<T> actual, string name)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using (expected)
        using (actual)
        {
            Assert.Equal(ExchangeCase.End, actual.StepCount);
            foreach (var (one, other) in expected.Parameters.Zip(actual.Parameters))
            {
                Close(one.Name, name, one.Slice(0, (int)one.Length), other.Slice(0, (int)other.Length));
            }

            foreach (var (one, other) in expected.StateArrays.Zip(actual.StateArrays))
            {
                Close(
                    $"{one.Parameter} {one.Name}",
                    name,
                    one.Slice(0, (int)one.Length),
                    other.Slice(0, (int)other.Length)
                );
            }

            Assert.Equal(Counts(expected), Counts(actual));
        }
    }

    /// <summary>
    /// The counters that both sides have: PyTorch's SGD counts no steps, and the original Lookahead starts again at each sync.
    /// </summary>
    private static IEnumerable<long> Counts<T>(Stepper<T> stepper)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var lookahead = stepper.Optimizer as Lookahead;
        var countsSteps = (lookahead?.Inner ?? stepper.Optimizer) is not Sgd;
        return stepper
            .StateCounters.Where(counter => countsSteps || counter.Owner < 0)
            .Select(counter => counter.Owner < 0 ? counter.Value % lookahead!.Period : counter.Value);
    }

    /// <summary>
    /// The tolerances of the golden traces, for the same reason: both sides round every operation once, in another order, and
    /// the noise of 16 steps stays below 32 units in the last place of numbers near 1. In float64 PyTorch's RAdam takes powers
    /// and a root that differ in their last bits, which the cancellation in ρ magnifies. The original Ranger computes in
    /// float32 whatever the type is.
    /// </summary>
    private static double Tolerance<T>(string name)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        typeof(T) == typeof(float) || name is "ranger" ? 3.8e-6
        : name is "radam" ? 1e-10
        : 1e-12;

    private static void Close<T>(string what, string name, ReadOnlySpan<T> expected, ReadOnlySpan<T> actual)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var tolerance = Tolerance<T>(name);
        for (var i = 0; i < expected.Length; i++)
        {
            var (want, got) = (double.CreateChecked(expected[i]), double.CreateChecked(actual[i]));
            Assert.True(
                Math.Abs(got - want) <= tolerance * (1 + Math.Abs(want)),
                $"{what}[{i}]: {got:R} instead of {want:R}"
            );
        }
    }

    /// <summary>The files of both sides.</summary>
    public sealed class BothSides : IDisposable
    {
        private readonly TemporaryDirectory directory = new();

        public BothSides()
        {
            if (!PyTorch.IsInstalled)
            {
                ZipFile.ExtractToDirectory(
                    Path.Combine(Headers.Root, "tests", "torch", "recorded.zip"),
                    directory.Path
                );
                return;
            }

            PyTorch.Run("make", directory.Path);
            foreach (var name in ExchangeCase.Recipes.Keys)
            {
                SaveHalf<float>(name);
                SaveHalf<double>(name);
            }

            PyTorch.Run("go_on", directory.Path);
        }

        public void Dispose() => directory.Dispose();

        internal string Of<T>(string name, string part)
            where T : unmanaged, IFloatingPointIeee754<T> =>
            directory.File($"{name}.{(typeof(T) == typeof(float) ? "float32" : "float64")}.{part}.safetensors");

        private void SaveHalf<T>(string name)
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            using var stepper = ExchangeCase.Bind<T>(name);
            ExchangeCase.Run(name, stepper, 1, ExchangeCase.Half);
            TorchState.Save(stepper, Of<T>(name, "ours"));
        }
    }
}
