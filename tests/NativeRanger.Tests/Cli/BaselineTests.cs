using MathNet.Numerics.LinearAlgebra;
using NativeRanger.Benchmarks.Baselines;

namespace NativeRanger.Tests.Cli;

/// <summary>The managed loops of the benchmarks do the work of the step that they are compared with.</summary>
public sealed class BaselineTests
{
    /// <summary>With β₂ = 0.999 the first five steps are not rectified.</summary>
    private const int Steps = 12;

    // The library's powers and the system's may differ in the last places of double, and so may s, rounded to float, by one
    // unit. Parameters stay below 2^-5, where a unit in the last place is at most 2^-29, and a step moves them by less than
    // 2^-8: neither the other s, nor what of it is rounded away, makes more of a difference than such a unit in a step.
    private const double Tolerance = Steps * (1.0 / (1 << 29));

    public static TheoryData<int, int> Cases
    {
        get
        {
            var data = new TheoryData<int, int>();
            foreach (var elements in new[] { 1, 100, 1024, 1100 })
            {
                for (var baseline = 0; baseline < Baseline.All(new(1)).Count(); baseline++)
                {
                    data.Add(elements, baseline);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_baseline_steps_as_the_library_does(int elements, int number)
    {
        var expected = new BaselineArrays(elements);
        using var stepper = new RAdam().Bind(expected.Parameter);
        var arrays = new BaselineArrays(elements);
        var baseline = Baseline.All(arrays).ElementAt(number);
        for (var step = 1; step <= Steps; step++)
        {
            stepper.Step(expected.Gradient);
            baseline.Step();
            var parameter = (baseline as MathNetOperators)?.Parameter ?? Vector<float>.Build.Dense(arrays.Parameter);
            for (var i = 0; i < elements; i++)
            {
                Assert.Equal(expected.Parameter[i], parameter[i], Tolerance);
            }
        }

        if (baseline is not MathNetOperators)
        {
            Assert.Equal(
                stepper.StateArray(0, StateNames.FirstMoment)!.Slice(0, elements).ToArray(),
                arrays.FirstMoment
            );
            Assert.Equal(
                stepper.StateArray(0, StateNames.SecondMoment)!.Slice(0, elements).ToArray(),
                arrays.SecondMoment
            );
        }
    }
}
