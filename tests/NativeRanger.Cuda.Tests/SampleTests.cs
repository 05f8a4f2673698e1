using NativeRanger.Cuda.Tests.Support;
using NativeRanger.Samples;

namespace NativeRanger.Cuda.Tests;

/// <summary>The sample and the README's example for devices compile and do what they say.</summary>
public sealed class SampleTests
{
    [Fact]
    public void The_loop_on_the_device_finds_the_solutions_and_copies_nothing_in_between()
    {
        var copies = new List<long>();
        foreach (var steps in new[] { 10, 400 })
        {
            var before = StandIn.Calls("cuMemcpyAsync");
            var result = DeviceLoop.Run(TextWriter.Null, problems: 3, unknowns: 50, steps);
            // Each step uploads the table of its tensors, and nothing else.
            copies.Add(StandIn.Calls("cuMemcpyAsync") - before - steps);
            Assert.NotNull(result);
            if (steps == 400)
            {
                // Far more steps than the distance over the rate, and a schedule that ends at 0: only its last steps are left.
                Assert.InRange(result.Value.Before, 0.9, 1);
                Assert.InRange(result.Value.After, 0, 0.01);
            }
        }

        Assert.Equal(copies[0], copies[1]);
    }

    [Fact]
    public void The_example_of_the_README()
    {
        var initial = new float[64 * 128];
        Array.Fill(initial, 1);

        #region README
        if (!Backend.TryCuda(0, out var gpu, out var reason))
            throw new InvalidOperationException(reason);
        using var weights = gpu.Upload<float>(initial); // stays on the device, with everything the optimizer needs
        using var gradient = gpu.Allocate<float>(weights.Length); // filled there, by a kernel or another library
        using var model = new Ranger().Bind(weights, 64, 128);
        model.Step(gradient); // returns before the device is done; weights.CopyTo(…) waits
        #endregion

        Assert.Equal(initial, weights.ToArray());
        Assert.Equal(1, model.StepCount);

        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "NativeRanger.sln")))
        {
            root = root.Parent!;
        }

        var source = File.ReadAllLines(
            Path.Combine(root.FullName, "tests", "NativeRanger.Cuda.Tests", "SampleTests.cs")
        );
        var region = source
            .SkipWhile(line => line.Trim() is not "#region README")
            .Skip(1)
            .TakeWhile(line => line.Trim() is not "#endregion")
            .Select(line => line.Trim());
        var readme = string.Join(
            '\n',
            File.ReadAllLines(Path.Combine(root.FullName, "README.md")).Select(line => line.Trim())
        );
        Assert.Contains($"```csharp\n{string.Join('\n', region)}\n```", readme, StringComparison.Ordinal);
    }
}
