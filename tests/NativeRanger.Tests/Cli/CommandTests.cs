namespace NativeRanger.Tests.Cli;

/// <summary>The commands as a user sees them: output, errors, exit codes.</summary>
public sealed class CommandTests
{
    public static TheoryData<string, string> Misuses() =>
        new()
        {
            { "learn", "no command 'learn'; there are train, minimize, trajectory," },
            { "train --lr fast", "'fast'" },
            { "train --lr -1", "--lr must be at least 0; it is -1" },
            { "train --optimizer lion", "no optimizer 'lion'; there are sgd" },
            { "train --optimizer lookahead-lion", "no optimizer 'lookahead-lion'" },
            { "train --schedule never", "no schedule 'never'; there are constant" },
            { "train --model tree", "'tree'" },
            { "train --backend gpu", "'gpu'" },
            { "train --backend cuda --epochs 1", "--backend cuda: " },
            { "train --epochs 1 --output /dev/null/folder", "'/dev/null/folder' cannot be written to" },
            { "train --epochs 0", "--epochs must be at least 1; it is 0" },
            { "train --batch 0", "--batch must be at least 1; it is 0" },
            { "train --hidden 0", "--hidden must be at least 1; it is 0" },
            { "train --data no-such-folder", "no folder 'no-such-folder'" },
            { "minimize --function himalaya", "no function 'himalaya'; there are rosenbrock" },
            { "minimize --optimizer lion", "no optimizer 'lion'" },
            { "minimize --lr -1", "--lr must be at least 0; it is -1" },
            { "minimize --steps 0", "--steps must be at least 1; it is 0" },
            { "trajectory --optimizer adam", "adam has no slow weights; take lookahead-adam" },
            { "trajectory --function wood", "no function of two variables 'wood'; there are rosenbrock" },
            { "trajectory --lr -1", "--lr must be at least 0; it is -1" },
            { "verify --traces no-such-folder", "no folder 'no-such-folder'" },
            { "verify --isa mmx", "'mmx'" },
            { "verify --unknown", "'--unknown'" },
        };

    [Theory]
    [MemberData(nameof(Misuses))]
    public void Misuse_is_answered_by_one_line_that_says_what_to_put_right(string arguments, string message)
    {
        var shell = Shell.Run(arguments.Split(' '));

        Assert.Equal(2, shell.ExitCode);
        Assert.Contains(message, shell.Error, StringComparison.Ordinal);
        Assert.Single(shell.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Empty(shell.Output);
    }

    [Theory]
    [InlineData("train", "nativeranger train --sweep")]
    [InlineData("minimize", "nativeranger minimize --function")]
    [InlineData("trajectory", "nativeranger trajectory --function")]
    [InlineData("verify", "nativeranger verify --traces")]
    [InlineData("info", "nativeranger info")]
    public void Help_shows_how(string command, string example)
    {
        var shell = Shell.Run(command, "--help");

        Assert.Equal(0, shell.ExitCode);
        Assert.Contains(example, shell.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_arguments_the_commands_are_listed()
    {
        var shell = Shell.Run();

        Assert.Equal(0, shell.ExitCode);
        Assert.All(
            ["train", "verify", "info"],
            command => Assert.Contains(command, shell.Output, StringComparison.Ordinal)
        );
    }

    [Fact]
    public void Info_says_what_runs()
    {
        var shell = Shell.Run("info");

        Assert.Equal(0, shell.ExitCode);
        string[] topics =
        [
            "NativeRanger",
            "ABI",
            "Native library",
            "Instruction set",
            "Available",
            "GPU",
            "MathNet provider",
        ];
        Assert.All(
            topics,
            topic => Assert.Contains(shell.Lines, line => line.StartsWith(topic, StringComparison.Ordinal))
        );
        Assert.Contains(NativeBackend.LibraryPath, shell.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_replays_the_traces_of_a_folder_gzipped_or_not_and_ends_with_the_tally()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("plain.json"), Traces.Json("sgd").ToJsonString());
        Copy("adam", folder.File("packed.json.gz"));
        Copy("ranger_nogc_upstream_ignored_flag", folder.File("quirk.json.gz"));
        File.WriteAllText(folder.File("notes.txt"), "not a trace");

        var shell = Shell.Run("verify", "--traces", folder.Path, "--backend", "managed", "--verbose");

        Assert.Equal(0, shell.ExitCode);
        Assert.Equal(
            [
                "passed   adam  float32 managed",
                "passed   adam  float64 managed",
                "passed   sgd  float32 managed",
                "passed   sgd  float64 managed",
            ],
            shell.Lines.Where(line => line.StartsWith("passed", StringComparison.Ordinal)),
            StringComparer.Ordinal
        );
        Assert.Equal("4 passed, 0 failed, 1 skipped", shell.Lines[^1]);
    }

    [Fact]
    public void Verify_returns_1_where_a_trace_fails_and_still_replays_the_others()
    {
        using var folder = new TemporaryFolder();
        var wrong = Traces.Json("sgd");
        wrong["expected"]!["float64"]!["params"]!["20"]![0]![0] = 1e3;
        File.WriteAllText(folder.File("a.json"), wrong.ToJsonString());
        File.WriteAllText(folder.File("b.json"), "{");
        Copy("adam", folder.File("c.json.gz"));

        var shell = Shell.Run("verify", "--traces", folder.Path, "--backend", "managed");

        Assert.Equal(1, shell.ExitCode);
        Assert.Equal(3, shell.Lines.Length);
        Assert.StartsWith(
            "failed   sgd  float64 managed: step 20: parameter 0[0] is",
            shell.Lines[0],
            StringComparison.Ordinal
        );
        Assert.StartsWith("failed   b: This is not JSON", shell.Lines[1], StringComparison.Ordinal);
        Assert.Equal("3 passed, 2 failed, 0 skipped", shell.Lines[2]);
    }

    [Fact]
    public void Verify_skips_by_name_an_instruction_set_that_this_machine_lacks()
    {
        using var folder = new TemporaryFolder();
        Copy("sgd", folder.File("sgd.json.gz"));

        // No machine has both AVX-512 and NEON.
        var shell = Shell.Run("verify", "--traces", folder.Path, "--backend", "native", "--isa", "avx512", "neon");

        Assert.Equal(0, shell.ExitCode);
        Assert.Contains(shell.Lines, line => line.StartsWith("skipped  native ", StringComparison.Ordinal));
    }

    [Fact]
    public void Verify_compares_native_with_managed_where_both_are_asked_for()
    {
        using var folder = new TemporaryFolder();
        Copy("ranger_gc", folder.File("ranger.json.gz"));

        var shell = Shell.Run("verify", "--traces", folder.Path, "--isa", "scalar", "--verbose");

        Assert.Equal("6 passed, 0 failed, 0 skipped", shell.Lines[^1]);
        Assert.Contains("passed   ranger_gc  float32 native scalar = managed", shell.Lines, StringComparer.Ordinal);
    }

    private static void Copy(string trace, string path)
    {
        using var source = Traces.File(trace).Open();
        using var target = File.Create(path);
        source.CopyTo(target);
    }
}
