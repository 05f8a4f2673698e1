using NativeRanger.Tests.Checkpoints;

namespace NativeRanger.Tests.Cli;

/// <summary>The command that shows, verifies and merges checkpoints.</summary>
public sealed class CheckpointTests
{
    [Fact]
    public void A_checkpoint_is_shown_and_verified()
    {
        using var directory = new TemporaryDirectory();
        var path = Save(directory);

        var shell = Shell.Run("checkpoint", path);

        Assert.Equal(0, shell.ExitCode);
        Assert.Contains("Steps             2, skipped 0", shell.Output, StringComparison.Ordinal);
        Assert.Contains(
            "w [3, 4], group 0: values, first_moment, second_moment",
            shell.Output,
            StringComparison.Ordinal
        );
        Assert.Contains("all as saved", shell.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Merging_one_file_copies_it()
    {
        using var directory = new TemporaryDirectory();
        var path = Save(directory);

        var shell = Shell.Run("checkpoint", path, "--merge", directory.File("copy"));

        Assert.Equal(0, shell.ExitCode);
        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(directory.File("copy")));
    }

    [Fact]
    public void What_cannot_be_used_is_said_in_one_line()
    {
        using var directory = new TemporaryDirectory();
        var path = Save(directory);
        var missing = Shell.Run("checkpoint", directory.File("nothing"));
        var itself = Shell.Run("checkpoint", path, "--merge", path);
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        var damaged = Shell.Run("checkpoint", path);

        Assert.Equal((2, 2, 1), (missing.ExitCode, itself.ExitCode, damaged.ExitCode));
        Assert.StartsWith("nativeranger: There is no file", missing.Error, StringComparison.Ordinal);
        Assert.StartsWith("nativeranger: --merge must name another file", itself.Error, StringComparison.Ordinal);
        Assert.StartsWith("nativeranger: The checkpoint is damaged:", damaged.Error, StringComparison.Ordinal);
    }

    private static string Save(TemporaryDirectory directory)
    {
        var path = directory.File("run");
        using var stepper = new AdamW().Bind([Parameter.Of("w", new float[12], 3, 4)]);
        stepper.Step([new float[12]]);
        stepper.Step([new float[12]]);
        stepper.Save(path);
        return path;
    }
}
