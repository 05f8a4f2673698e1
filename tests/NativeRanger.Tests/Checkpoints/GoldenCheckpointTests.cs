using System.Numerics;
using NativeRanger.Checkpoints;
using NativeRanger.Tests.Interop;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Checkpoints;

/// <summary>
/// Checkpoints that were saved by earlier versions are read for ever: they are kept in Golden, in a folder per version of the
/// format. Those of a new version are written with <see cref="ChildCommands.SaveGoldenCheckpoints"/>.
/// </summary>
public sealed class GoldenCheckpointTests
{
    private const int SavedAfter = 7;

    private static readonly string[] Float32 = ["ranger", "nesterov", "seed-ranger-branches", "radam-decoupled"];
    private static readonly string[] Float64 = ["adamw-amsgrad", "adagrad-decay", "momentum"];

    public static TheoryData<int, string, string> Files()
    {
        var data = new TheoryData<int, string, string>();
        foreach (var version in Enumerable.Range(1, Newest))
        {
            foreach (var optimizer in Float32.Concat(Float64))
            {
                data.Add(version, optimizer, "bare");
                data.Add(version, optimizer, optimizer is "nesterov" ? "lookahead-pullback" : "lookahead-twice-reset");
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Fault_74_checkpoints_of_every_version_are_read(int version, string optimizer, string wrapper)
    {
        if (Float32.Contains(optimizer, StringComparer.Ordinal))
        {
            IsResumed<float>(version, optimizer, wrapper);
        }
        else
        {
            IsResumed<double>(version, optimizer, wrapper);
        }
    }

    /// <summary>A change of the format without a new version would go unnoticed until somebody's file cannot be read.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void Fault_74_what_is_saved_today_is_of_this_version(int version, string optimizer, string wrapper)
    {
        if (version == Newest)
        {
            Assert.Equal(File.ReadAllBytes(PathOf(Folder(version), optimizer, wrapper)), Save(optimizer, wrapper));
        }
    }

    internal static void SaveAll(string folder)
    {
        foreach (var row in Files())
        {
            var (optimizer, wrapper) = ((string)row[1], (string)row[2]);
            File.WriteAllBytes(PathOf(folder, optimizer, wrapper), Save(optimizer, wrapper));
        }
    }

    private static int Newest => ChecksummedHeader.Version;

    private static string Folder(int version) =>
        Path.Combine(Headers.Root, "tests", "NativeRanger.Tests", "Checkpoints", "Golden", $"v{version}");

    private static string PathOf(string folder, string optimizer, string wrapper) =>
        Path.Combine(folder, $"{optimizer}.{wrapper}.safetensors");

    private static void IsResumed<T>(int version, string optimizer, string wrapper)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var recipe = Recipe(optimizer, wrapper);
        var expected = Run<T>().Run(recipe, Backend.Native, Prepare);
        Assert.InRange(expected.Counters.Single(c => c.Name is "skipped").Value, 1, (2 * SavedAfter) - 1);
        var file = File.ReadAllBytes(PathOf(Folder(version), optimizer, wrapper));
        foreach (var backend in Registry.Backends())
        {
            Assert.Null(expected.Difference(Run<T>().Resume(recipe, backend, new MemoryStream(file))));
        }
    }

    private static byte[] Save(string optimizer, string wrapper) =>
        Float32.Contains(optimizer, StringComparer.Ordinal)
            ? Save<float>(Recipe(optimizer, wrapper))
            : Save<double>(Recipe(optimizer, wrapper));

    private static byte[] Save<T>(Optimizer recipe)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        byte[]? file = null;
        Run<T>()
            .Run(
                recipe,
                Backend.Native,
                Prepare,
                (stepper, t) => file = t == SavedAfter - 1 ? CheckpointFormatTests.Save(stepper) : file
            );
        return file!;
    }

    private static Optimizer Recipe(string optimizer, string wrapper) =>
        Registry.Recipe(optimizer, "none", wrapper) with
        {
            NonFinite = NonFinitePolicy.SkipStep,
        };

    private static Scenario<T> Run<T>()
        where T : unmanaged, IFloatingPointIeee754<T> =>
        new(74, 2 * SavedAfter, GradientKind.Hostile, skips: true, [3, 4], [5], [0], [2, 1]);

    private static void Prepare<T>(Stepper<T> stepper)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        stepper.AddAverage(new ExponentialAverage { Decay = 0.9 });
        stepper.AddAverage(new StochasticAverage { Start = 1, Every = 2 });
    }
}
