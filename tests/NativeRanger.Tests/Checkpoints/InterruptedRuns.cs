using System.Numerics;
using NativeRanger.Numerics;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Checkpoints;

/// <summary>
/// Runs with everything in them that has state: a schedule, an average, parameters without a gradient, a step that is skipped
/// and a group that joins; interrupted after any step by one process and taken up by another, on every backend.
/// </summary>
internal static class InterruptedRuns
{
    public const int Steps = 13;

    private const int SkippedAt = 3;
    private const int JoinsAt = 5;

    /// <summary>Interrupts every run after every step: saves them with the end that they have uninterrupted.</summary>
    /// <returns>How many were saved.</returns>
    public static int Save(string path)
    {
        using var file = new BinaryWriter(File.Create(path));
        var runs = 0;
        foreach (var (optimizer, wrapper) in Combinations())
        {
            Save<float>(file, optimizer, wrapper);
            Save<double>(file, optimizer, wrapper);
            runs += 2;
        }

        return runs * (Steps + 1);
    }

    /// <summary>Takes up every run that <see cref="Save"/> interrupted, on every backend; the device is one of a stand-in.</summary>
    public static void Resume(string path, TextWriter output)
    {
        Assert.True(Backend.TryCuda(0, out var device, out var reason), reason);
        Backend[] backends = [Backend.Managed, Registry.NativeBackends().Last(), device];
        using var file = new BinaryReader(File.OpenRead(path));
        var resumed = 0;
        while (file.BaseStream.Position < file.BaseStream.Length)
        {
            var (optimizer, wrapper, wide) = (file.ReadString(), file.ReadString(), file.ReadBoolean());
            var cut = file.ReadInt32();
            var checkpoint = file.ReadBytes(file.ReadInt32());
            var expected = file.ReadBytes(file.ReadInt32());
            foreach (var backend in backends)
            {
                var actual = wide
                    ? Resumed<double>(optimizer, wrapper, checkpoint, cut, backend)
                    : Resumed<float>(optimizer, wrapper, checkpoint, cut, backend);
                if (!expected.AsSpan().SequenceEqual(actual))
                {
                    output.WriteLine(
                        $"{optimizer} {wrapper} {(wide ? "double" : "float")}, cut at {cut}, {backend}: other bits"
                    );
                }
            }

            resumed++;
        }

        output.WriteLine($"{resumed} resumed on {backends.Length} backends");
    }

    private static IEnumerable<(string Optimizer, string Wrapper)> Combinations() =>
        from optimizer in Registry.Optimizers.Keys
        from wrapper in Registry.Wrappers.Keys
        where Registry.Allows(optimizer, "none", wrapper)
        select (optimizer, wrapper);

    /// <summary>Which backend saves makes no difference: their files are the same bytes.</summary>
    private static void Save<T>(BinaryWriter file, string optimizer, string wrapper)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var native = Checkpoints<T>(optimizer, wrapper, Registry.NativeBackends().Last());
        var managed = Checkpoints<T>(optimizer, wrapper, Backend.Managed);
        for (var cut = 0; cut <= Steps; cut++)
        {
            Assert.Equal(native[cut], managed[cut]);
            file.Write(optimizer);
            file.Write(wrapper);
            file.Write(typeof(T) == typeof(double));
            file.Write(cut);
            Write(native[cut]);
            Write(native[^1]);
        }

        void Write(byte[] bytes)
        {
            file.Write(bytes.Length);
            file.Write(bytes);
        }
    }

    /// <summary>The checkpoints before the first step and after every one.</summary>
    private static byte[][] Checkpoints<T>(string optimizer, string wrapper, Backend backend)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var recipe = Recipe(optimizer, wrapper);
        using var stepper = recipe.Bind([First<T>()], backend);
        stepper.AddAverage(new ExponentialAverage { Decay = 0.9 });
        var checkpoints = new List<byte[]> { CheckpointFormatTests.Save(stepper) };
        Run(stepper, 0, () => checkpoints.Add(CheckpointFormatTests.Save(stepper)));
        Assert.Equal(1, stepper.SkippedSteps);
        return [.. checkpoints];
    }

    private static byte[] Resumed<T>(string optimizer, string wrapper, byte[] checkpoint, int cut, Backend backend)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var recipe = Recipe(optimizer, wrapper);
        ParameterGroup<T>[] groups = cut > JoinsAt ? [First<T>(), Joining<T>(recipe)] : [First<T>()];
        using var stepper = recipe.Resume(groups, new MemoryStream(checkpoint), backend);
        Run(stepper, cut, () => { });
        return CheckpointFormatTests.Save(stepper);
    }

    private static void Run<T>(Stepper<T> stepper, int from, Action afterStep)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        stepper.Schedule = Schedules.FlatAnneal(Steps);
        for (var t = from; t < Steps; t++)
        {
            if (t == JoinsAt)
            {
                stepper.AddGroup(Joining<T>(stepper.Optimizer));
            }

            var random = new Random(t);
            var gradients = stepper
                .Parameters.Select(p => random.Next(4) == 0 ? null : Values<T>(random, p.Length))
                .ToArray();
            if (t == SkippedAt)
            {
                gradients[0] = [.. Enumerable.Repeat(T.NaN, 6)];
            }

            stepper.Step(gradients);
            afterStep();
        }
    }

    private static ParameterGroup<T> First<T>()
        where T : unmanaged, IFloatingPointIeee754<T> =>
        new(Parameter.Of("a", Values<T>(new(1), 6), 2, 3), Parameter.Of("b", Values<T>(new(2), 5)));

    private static ParameterGroup<T> Joining<T>(Optimizer recipe)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        new(Parameter.Of("c", Values<T>(new(3), 4)))
        {
            Optimizer = recipe with { LearningRate = 2 * recipe.LearningRate },
        };

    private static Optimizer Recipe(string optimizer, string wrapper) =>
        Registry.Recipe(optimizer, "none", wrapper) with
        {
            NonFinite = NonFinitePolicy.SkipStep,
        };

    private static T[] Values<T>(Random random, long length)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        [.. Enumerable.Range(0, (int)length).Select(_ => T.CreateTruncating((random.NextDouble() * 2) - 1))];
}
