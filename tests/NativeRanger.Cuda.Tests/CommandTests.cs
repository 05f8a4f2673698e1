using NativeRanger.Cli.Commands;

namespace NativeRanger.Cuda.Tests;

/// <summary>The command line on a device.</summary>
public sealed class CommandTests
{
    [Fact]
    public void Info_shows_every_device()
    {
        Support.StandIn.Open();
        var line = Run("info").Split('\n').Single(l => l.StartsWith("GPU", StringComparison.Ordinal));
        Assert.Contains("Stand-in 0 (compute capability 9.0, 1024 GiB, CUDA 12.4)", line, StringComparison.Ordinal);
        Assert.Contains($"Stand-in {Support.StandIn.Devices - 1} (", line, StringComparison.Ordinal);
    }

    /// <summary>The device trains to the losses of the processor, digit for digit.</summary>
    [Fact]
    public void Train_gives_the_losses_of_the_processor()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            string Losses(string backend)
            {
                var output = Path.Combine(folder.FullName, backend);
                Run(
                    "train",
                    "--backend",
                    backend,
                    "--optimizer",
                    "ranger",
                    "--lr",
                    "0.03",
                    "--epochs",
                    "2",
                    "--output",
                    output
                );
                return File.ReadAllText(Path.Combine(output, "loss.csv"))
                    .Replace(backend, "", StringComparison.Ordinal);
            }

            Assert.Equal(Losses("native"), Losses("cuda"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Verify_replays_the_traces_on_the_device()
    {
        var last = Run("verify", "--backend", "cuda").TrimEnd().Split('\n')[^1];
        Assert.Matches("^[1-9][0-9]* passed, 0 failed, [0-9]+ skipped$", last);
    }

    private static string Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = CommandLine.Run(arguments, output, error);
        Assert.True(code == 0, $"{output}{error}");
        return output.ToString();
    }
}
