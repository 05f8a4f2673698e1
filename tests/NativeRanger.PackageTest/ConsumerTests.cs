namespace NativeRanger.PackageTest;

/// <summary>A new console application that references the packages, built once for all tests.</summary>
public sealed class Consumer : FreshFolder
{
    private readonly Lazy<string> output;

    public Consumer()
    {
        output = new(() => Shell.Run(Path, "dotnet", "run"));
        Shell.Run(Path, "dotnet", "new", "console", "--name", "consumer", "--output", Path, "--no-restore");
        Shell.Run(Path, "dotnet", "package", "add", "NativeRanger.Numerics", "--version", Repository.Version);
        System.IO.File.Copy(
            System.IO.Path.Combine(AppContext.BaseDirectory, "Consumer", "Program.cs"),
            File("Program.cs"),
            overwrite: true
        );
        foreach (var identifier in new[] { "NativeRanger", "NativeRanger.Numerics" })
        {
            System.IO.File.WriteAllText(File($"Readme.{identifier}.cs"), Readme.AsMethod(Package.Open(identifier)));
        }
    }

    /// <summary>What the application writes when it is run from its project.</summary>
    public string Output => output.Value;

    /// <summary>Publishes the application to a folder of its own.</summary>
    public string Publish(string folder, params string[] options)
    {
        string[] command = ["publish", "--configuration", "Release", "--output", folder, "--verbosity", "quiet"];
        Shell.Run(Path, "dotnet", [.. command, .. options]);
        return File(folder);
    }
}

/// <summary>An application that has nothing but the packages runs, however it is deployed.</summary>
public sealed class ConsumerTests(Consumer consumer) : IClassFixture<Consumer>
{
    private static readonly string[] ForThisMachine = ["--runtime", Repository.RuntimeIdentifier];

    [Fact]
    public void It_runs()
    {
        RequireSuccess(consumer.Output, consumer.Path);
    }

    [Fact]
    public void The_programs_in_the_packages_readmes_find_what_they_look_for()
    {
        var lines = consumer.Output.Split('\n');

        // Both problems are linear; after 1,000 steps what is left is far below the tolerance, which is printed digits.
        AssertNear([1, -1, 2, -2], Numbers(lines, "Ranger on native"), 1e-3);
        AssertNear([1, 2, -3, 4, 5, -6], Numbers(lines, "Adam on native"), 1e-3);
    }

    [Fact]
    public void It_runs_published_for_any_machine()
    {
        var folder = consumer.Publish("portable", "--no-self-contained");

        var library = RequireSuccess(Shell.Run(folder, "dotnet", "consumer.dll"), folder);

        // Every system's library goes along.
        Assert.Equal(
            $"runtimes/{Repository.RuntimeIdentifier}/native/libnativeranger.so",
            Path.GetRelativePath(folder, library)
        );
    }

    [Fact]
    public void It_runs_published_for_this_machine()
    {
        var folder = consumer.Publish("framework-dependent", [.. ForThisMachine, "--no-self-contained"]);

        var library = RequireSuccess(Shell.Run(folder, Path.Combine(folder, "consumer")), folder);

        Assert.Equal("libnativeranger.so", Path.GetRelativePath(folder, library));
    }

    [Fact]
    public void It_runs_published_as_a_single_file()
    {
        var folder = consumer.Publish(
            "single-file",
            [.. ForThisMachine, "--no-self-contained", "-p:PublishSingleFile=true", "-p:DebugType=embedded"]
        );

        RequireSuccess(Shell.Run(folder, Path.Combine(folder, "consumer")), folder);
        Assert.Equal(
            ["consumer", "libnativeranger.so", "libnativeranger_cuda.so"],
            Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal),
            StringComparer.Ordinal
        );
    }

    [Fact]
    public void It_runs_published_as_a_single_file_that_holds_the_native_library()
    {
        var folder = consumer.Publish(
            "one-file",
            [
                .. ForThisMachine,
                "--no-self-contained",
                "-p:PublishSingleFile=true",
                "-p:IncludeNativeLibrariesForSelfExtract=true",
                "-p:DebugType=embedded",
            ]
        );

        var unpacked = Path.Combine(consumer.Path, "unpacked");
        RequireSuccess(
            Shell.Run(folder, "env", $"DOTNET_BUNDLE_EXTRACT_BASE_DIR={unpacked}", Path.Combine(folder, "consumer")),
            unpacked
        );
        Assert.Equal(["consumer"], Directory.GetFiles(folder).Select(Path.GetFileName), StringComparer.Ordinal);
    }

    [Fact]
    public void It_runs_published_trimmed()
    {
        // Warnings about what trimming takes from MathNet.Numerics are its own; ours would name an assembly of ours.
        var folder = consumer.Publish("trimmed", [.. ForThisMachine, "--self-contained", "-p:PublishTrimmed=true"]);

        RequireSuccess(Shell.Run(folder, Path.Combine(folder, "consumer")), folder);
        Assert.True(
            new FileInfo(Path.Combine(folder, "NativeRanger.dll")).Length
                < Package.Open("NativeRanger")["lib/net10.0/NativeRanger.dll"].Length,
            "Nothing was trimmed."
        );
    }

    /// <summary>The path of the native library, which must lie in the given folder.</summary>
    private static string RequireSuccess(string output, string folder)
    {
        Assert.Contains("same bits\n", output, StringComparison.Ordinal);
        var library = output.Split('\n').Single(line => line.StartsWith("library ", StringComparison.Ordinal))[
            "library ".Length..
        ];
        Assert.StartsWith(folder + Path.DirectorySeparatorChar, library, StringComparison.Ordinal);
        return library;
    }

    /// <summary>The numbers at the end of the line that begins with a text.</summary>
    private static double[] Numbers(string[] lines, string start)
    {
        var line = lines.Single(line => line.StartsWith(start, StringComparison.Ordinal));
        return [.. line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..].Split(", ").Select(double.Parse)];
    }

    private static void AssertNear(double[] expected, double[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance));
    }
}
