using System.Globalization;
using NativeRanger.Tests.Interop;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Runtime;

/// <summary>What is checked before every step is counted per call and per parameter, never per element.</summary>
public sealed class CostOfChecksTests
{
    private const int Elements = 1 << 20;

    /// <summary>The elements of a kernel's step in bench/instructions.txt.</summary>
    private const int Counted = 1 << 16;

    /// <summary>Memory that cannot be read stands for a million elements: a check that looked at one would end the process.</summary>
    [Fact]
    public unsafe void No_check_looks_at_an_element()
    {
        using var p = new GuardedMemory(Elements * sizeof(float));
        using var g = new GuardedMemory(Elements * sizeof(float));
        var b = new float[3];
        var stepper = new AdamW().Bind([
            new Parameter<float>("a", (float*)p.Address, Elements),
            Parameter.Of("b", b),
            new Parameter<float>("empty", (float*)p.Address, 0),
        ]);
        p.TakeAway();
        g.TakeAway();
        var gradient = new Gradient<float>((float*)g.Address, Elements);

        // The first gradient has passed every check when the second is refused; then all of them, and the schedule is.
        Assert.Throws<ArgumentException>(() => stepper.Step([gradient, new float[4], Array.Empty<float>()]));
        stepper.Schedule = _ => double.NaN;
        Assert.Throws<InvalidOperationException>(() => stepper.Step([gradient, new float[3], Array.Empty<float>()]));
        stepper.Dispose();
    }

    /// <summary>A call for one element makes every check of a call, and everything else that does not depend on the length.</summary>
    [Fact]
    public void A_call_with_all_its_checks_takes_less_than_a_hundredth_of_the_instructions_of_a_million_elements()
    {
        var counts = File.ReadLines(Path.Combine(Headers.Root, "bench", "instructions.txt"))
            .Select(line => line.Split(' '))
            .GroupBy(parts => parts[0], StringComparer.Ordinal)
            .ToArray();
        Assert.NotEmpty(counts);
        foreach (var compiler in counts)
        {
            var kernels = compiler.ToDictionary(
                parts => parts[1],
                parts => long.Parse(parts[2], CultureInfo.InvariantCulture),
                StringComparer.Ordinal
            );
            Assert.InRange(kernels["one-element-float32"], 1, kernels["sgd-float32"] * (Elements / Counted) / 100);
        }
    }
}
