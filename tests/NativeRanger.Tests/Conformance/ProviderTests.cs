using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using MathNet.Numerics;
using MathNet.Numerics.Providers.LinearAlgebra;
using NativeRanger.Cli.Commands;
using NativeRanger.Numerics;
using NativeRanger.Tests.Interop;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Conformance;

/// <summary>
/// The provider of MathNet as an axis of the conformance suite: the same bits with the managed one, few ULPs with a native one. A
/// provider holds for a whole process, so that a native one is tried in a process of its own: MKL where the tests are built with
/// it (-p:UseMkl=true), else a stand-in.
/// </summary>
public sealed class ProviderTests
{
    private const string StandIn = "NATIVERANGER_TESTS_PROVIDER";
    private const string Package = "MathNet.Numerics.Providers.MKL";
    private const string MathNetVariable = "MathNetNumericsLAProvider";

    /// <summary>All other tests are about bits, also where a native provider is there, which MathNet would prefer.</summary>
    [ModuleInitializer]
    internal static void UseTheManagedProvider()
    {
        // Not in child processes, whose provider is what they are about.
        if (Assembly.GetEntryAssembly() != typeof(ProviderTests).Assembly)
        {
            LinearAlgebraControl.UseManaged();
        }
    }

    [Fact]
    public void With_a_native_provider_every_combination_stays_within_the_tolerance()
    {
        var child = new Child.Start(nameof(ChildCommands.CompareUnderProvider)) { Environment = { [StandIn] = "1" } };
        var lines = child.Run().Succeeded().Split('\n');
        Assert.Equal("found True", lines[0]);
        var farthest = double.Parse(lines[^1], CultureInfo.InvariantCulture);

        // Something differed, or the axis would not have been there.
        Assert.True(farthest > 0, lines[^1]);
    }

    [Fact]
    public void Without_a_provider_the_probe_says_so_and_changes_nothing()
    {
        var child = new Child.Start(nameof(ChildCommands.ProbeProvider)) { Environment = { [StandIn] = null } };
        Assert.Equal("False\nManaged", child.Run().Succeeded());
    }

    [Fact]
    public void Info_shows_the_provider_in_use()
    {
        Assert.Contains("MathNet provider  Managed", Info(), StringComparison.Ordinal);
        Assert.Contains("MathNet provider  a stand-in for MKL", Info((StandIn, "1")), StringComparison.Ordinal);
        Assert.Contains(
            "MathNet provider  a stand-in for MKL",
            Info((StandIn, "1"), (MathNetVariable, "MKL")),
            StringComparison.Ordinal
        );

        static string Info(params (string Name, string Value)[] environment) => Run("info", environment).Succeeded();
    }

    [Fact]
    public void A_variable_that_asks_for_a_provider_that_is_not_there_is_named()
    {
        var info = Run("info", (MathNetVariable, "MKL"));
        Assert.Equal(CommandLine.Failure, info.ExitCode);
        Assert.Contains($"The environment variable {MathNetVariable} is 'MKL'", info.Output, StringComparison.Ordinal);

        var train = Run("train", (MathNetVariable, "MKL"));
        Assert.Equal(CommandLine.Misuse, train.ExitCode);
        Assert.Contains("unset it, or add the provider's package", train.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_compares_bits_whatever_the_provider()
    {
        // The stand-in would change the bits of the managed backend.
        var verify = Run("verify --isa scalar", (StandIn, "1"));
        Assert.Equal(CommandLine.Success, verify.ExitCode);
        Assert.Contains(" 0 failed", verify.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("src/NativeRanger.Cli")]
    [InlineData("tests/NativeRanger.Tests")]
    public void The_package_is_referenced_only_where_it_is_asked_for(string project)
    {
        Assert.DoesNotContain(Package, References(project), StringComparison.Ordinal);
        Assert.Contains(Package, References(project, "-p:UseMkl=true"), StringComparison.Ordinal);
    }

    private static string References(string project, params string[] options)
    {
        string[] arguments = ["msbuild", Path.Combine(Headers.Root, project), "-getItem:PackageReference", .. options];
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output);
        return output;
    }

    private static Child Run(string arguments, params (string Name, string Value)[] environment)
    {
        var start = new Child.Start(nameof(ChildCommands.RunCommand), arguments)
        {
            Environment = { [StandIn] = null, [MathNetVariable] = null },
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return start.Run();
    }
}

/// <summary>What a process with a native provider does.</summary>
internal static class ProviderConformance
{
    private const int Steps = 7;

    private static readonly long[][] shapes =
    [
        [7],
        [33],
        [5, 13],
        [3, 4, 3, 3],
    ];

    /// <summary>Compares every combination of the registry; throws at the first that is too far from the native library.</summary>
    public static void Compare()
    {
        Console.WriteLine($"found {Control.TryUseNativeMKL()}");
        var farthest = 0.0;
        foreach (var row in Registry.Combinations())
        {
            var (optimizer, transform, wrapper) = ((string)row[0], (string)row[1], (string)row[2]);
            // SeedRanger takes one branch or another where two means compare; one ULP may decide.
            if (Registry.Optimizers[optimizer] is SeedRanger)
            {
                continue;
            }

            var recipe = Registry.Recipe(optimizer, transform, wrapper);
            farthest = Math.Max(farthest, Of<float>(recipe, $"{optimizer}, {transform}, {wrapper}"));
            farthest = Math.Max(farthest, Of<double>(recipe, $"{optimizer}, {transform}, {wrapper}"));
        }

        Console.WriteLine(farthest.ToString(CultureInfo.InvariantCulture));
    }

    private static double Of<T>(Optimizer recipe, string name)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var scenario = new Scenario<T>(1, Steps, GradientKind.Ordinary, skips: true, shapes);
        var exact = scenario.Run(recipe, NativeBackend.Instance);
        var (ulps, difference) = ProviderTolerance.Compare(exact, scenario.Run(recipe, Backend.Managed), Steps);
        Assert.True(difference is null, $"{name}, {typeof(T).Name}: {difference}");
        return ulps;
    }
}
